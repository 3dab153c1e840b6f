import type { Tag } from "@aws-sdk/client-ec2";
import { type EniId, type Intent, intentText, type VlanId } from "@trunkline/core";

/**
 * The keys of the tags that every ENI of ours carries from birth. Those that are not ours by name are what the VPC resource controller
 * of Amazon and tools around it look for.
 *
 * @see https://docs.aws.amazon.com/eks/latest/userguide/security-groups-for-pods.html
 */
export const tagKeys = {
  /** The deployment. Nothing without it, and with our value, is ever modified or deleted. */
  owner: "trunkline:owner",
  cluster: "trunkline:cluster",
  /** Cluster, instance, owner, index, creation time and generation: what an ENI is for (P06). */
  intent: "trunkline:intent",
  /** The intent's time in ISO 8601: EC2 tells no creation time of an ENI. */
  createdAt: "trunkline:created-at",
  instanceId: "node.k8s.amazonaws.com/instance_id",
  /** Followed by the cluster's name; on instances it says which cluster an instance belongs to. */
  clusterPrefix: "kubernetes.io/cluster/",
  vlanId: "vpcresources.k8s.aws/vlan-id",
  trunkEniId: "vpcresources.k8s.aws/trunk-eni-id",
} as const;

/** The tags of a trunk ENI. They follow from the intent alone, so that a repeat sends the same (P06). */
export const trunkTags = (deployment: string, intent: Intent): Tag[] => [
  tag(tagKeys.owner, deployment),
  tag(tagKeys.cluster, intent.cluster),
  tag(tagKeys.intent, intentText(intent)),
  tag(tagKeys.createdAt, new Date(intent.createdAt).toISOString()),
  tag(tagKeys.instanceId, intent.instanceId),
  tag(`${tagKeys.clusterPrefix}${intent.cluster}`, "owned"),
];

/** The tags of a branch ENI: those of a trunk, and where it will be associated. */
export const branchTags = (
  deployment: string,
  branch: { readonly intent: Intent; readonly vlanId: VlanId; readonly trunkEniId: EniId },
): Tag[] => [
  ...trunkTags(deployment, branch.intent),
  tag(tagKeys.vlanId, String(branch.vlanId)),
  tag(tagKeys.trunkEniId, branch.trunkEniId),
];

const tag = (key: string, value: string): Tag => ({ Key: key, Value: value });

/** Tags by key, as a describe shows them. */
export const tagMap = (tags: readonly Tag[] | undefined): ReadonlyMap<string, string> =>
  new Map((tags ?? []).flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? ""] as const])));
