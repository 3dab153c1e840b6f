/**
 * The stated limits of every message. A message beyond one of them is refused whole: nothing of it is acted upon.
 */

/** The version that every message carries. A reader refuses any other. */
export const messageVersion = 1;

/**
 * The longest body, in bytes of UTF-8. SQS takes more; batches of ten stay within one request this way.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
 */
export const bodyBytesMax = 262_144;

/** Pods in one snapshot. The kubelet's own limit is 110 pods a node, and EKS allows 250 on the largest instances. */
export const snapshotPodsMax = 250;

/** ENIs of one pod that an outcome or an annotation lists (P04). */
export const enisPerPodMax = 16;

/**
 * The largest wish of a pod that is still read. More than {@link enisPerPodMax} is refused by the allocator, which tells the pod so;
 * a message that is refused here tells nobody.
 */
export const enisWishedMax = 1_000;

/** Security groups in one list. EC2 takes at most 16; a longer list is read so that the pod can be told. */
export const groupsMax = 64;

/** Distinct sets of groups that the policies of one cluster name. */
export const groupSetsMax = 1_000;

/** Pods that one question names. */
export const podsQuestionedMax = 250;

/** Characters of a text for people. Longer texts are cut by whoever writes them. */
export const textLengthMax = 1_024;

/** Characters of a security group's name as a policy may spell it, right or wrong. */
export const groupLengthMax = 128;

/** No cool-down is longer, in seconds (P21). */
export const cooldownSecondsMax = 3_600;
