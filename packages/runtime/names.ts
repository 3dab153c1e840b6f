/**
 * The names that the deployment, the functions and the local world share: settled here once.
 *
 * This file imports nothing, so that `stacks/` can read it without pulling the domain into a deployment.
 */

/** The functions, by the name of their file in `functions/` and of their logical name in the deployment. */
export const functionNames = ["pod-events", "node-events", "branch-cooldown", "instance-events", "reaper"] as const;

export type FunctionName = (typeof functionNames)[number];

/** Queues that exist once per cluster: two that only its forwarder sends to, one that only it receives from. */
export const clusterQueueKinds = ["pod-events", "node-events", "outcomes"] as const;

export type ClusterQueueKind = (typeof clusterQueueKinds)[number];

/** Queues that all clusters of a deployment share. */
export const sharedQueueKinds = ["branch-cooldown", "instance-events"] as const;

export type SharedQueueKind = (typeof sharedQueueKinds)[number];

/** The first part of every queue's and table's name, and the application's name. */
export const applicationName = "trunkline";

/** What follows a queue's name in the name of its dead-letter queue. */
export const deadLettersSuffix = "-dead-letters";

/** The longest name that SQS takes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html */
export const queueNameLengthMax = 80;

/** The value of the tag `trunkline:owner` on everything that this deployment makes in EC2. */
export function deploymentName(stage: string): string {
  return `${applicationName}-${stage}`;
}

/** The ledger's table. */
export function tableName(stage: string): string {
  return `${deploymentName(stage)}-ledger`;
}

/** `trunkline-<stage>-<kind>`: a queue that all clusters share. */
export function sharedQueueName(stage: string, kind: SharedQueueKind): string {
  return `${deploymentName(stage)}-${kind}`;
}

/**
 * `trunkline-<stage>-<slug>-<kind>`: a queue of one cluster.
 * The slug stands for the cluster because a cluster's name may hold what SQS does not take, such as dots.
 */
export function clusterQueueName(stage: string, slug: string, kind: ClusterQueueKind): string {
  return `${deploymentName(stage)}-${slug}-${kind}`;
}

/** The queue that takes what another queue's function could not handle. */
export function deadLettersName(queueName: string): string {
  return `${queueName}${deadLettersSuffix}`;
}

/** A cluster's slug where the operator gives none: its name, with a dash for each character that SQS refuses. */
export function defaultSlug(cluster: string): string {
  return cluster.replaceAll(/[^A-Za-z0-9_-]/g, "-");
}

/** The environment variables that every function reads, but for the durations and counts. */
export const variables = {
  /** The deployment's name: the value of the tag `trunkline:owner`. Required. */
  deployment: "TRUNKLINE_DEPLOYMENT",
  /** The ledger's table. Required. */
  table: "TRUNKLINE_TABLE",
  /** The table's epoch: records of another epoch count as absent. Give a new one after a restore. Required. */
  epoch: "TRUNKLINE_EPOCH",
  /** The AWS account, 12 digits; the pacer's record is kept under it. Required. */
  account: "TRUNKLINE_ACCOUNT",
  /** The Region. Lambda sets it. Required. */
  region: "AWS_REGION",
  /**
   * The clusters: a JSON list of {@link ClusterEntry}. Required.
   * Queues are told by a prefix and a slug and not by URL, because Lambda takes 4 KB of environment in all.
   */
  clusters: "TRUNKLINE_CLUSTERS",
  /** What stands before the slug in the URL of a cluster's queue, up to and with the last dash of `trunkline-<stage>-`. Required. */
  clusterQueueUrlPrefix: "TRUNKLINE_CLUSTER_QUEUE_URL_PREFIX",
  /** URL of the queue that brings cooling branches back. Required. */
  branchCooldownQueueUrl: "TRUNKLINE_BRANCH_COOLDOWN_QUEUE_URL",
  /** URL of the queue of EC2's state changes. Required. */
  instanceEventsQueueUrl: "TRUNKLINE_INSTANCE_EVENTS_QUEUE_URL",
  /**
   * The account's EC2 buckets where they differ from the documented ones: JSON, from action to
   * `{ "capacity": tokens, "refillPerSecond": tokens }`. Default `{}`.
   */
  quotas: "TRUNKLINE_QUOTAS",
  /** Instance types to add or override: JSON, as `parseInstanceLimits` of the core takes it. Default `{}`. */
  instanceLimits: "TRUNKLINE_INSTANCE_LIMITS",
  /** Whether cooled branches are given to later pods: `on` or `off`. Default `on`. */
  reuse: "TRUNKLINE_REUSE",
  /** `on`: a number below its floor is refused. `off` is for the local world and for tests. Default `on`. */
  floors: "TRUNKLINE_FLOORS",
  /** The SDK's own: where DynamoDB is, when it is not AWS's. */
  endpointDynamodb: "AWS_ENDPOINT_URL_DYNAMODB",
  /** The SDK's own: where SQS is, when it is not AWS's. */
  endpointSqs: "AWS_ENDPOINT_URL_SQS",
  /** The SDK's own: where EC2 is, when it is not AWS's. */
  endpointEc2: "AWS_ENDPOINT_URL_EC2",
} as const;

/** One element of the JSON list in `TRUNKLINE_CLUSTERS`. The optional limits are checked by the functions, not by the forwarder. */
export interface ClusterEntry {
  /** The cluster's name, as in the tag `kubernetes.io/cluster/<name>` of its instances. */
  cluster: string;
  /** The cluster's part of its queues' names. Default: {@link defaultSlug} of the name. */
  slug?: string;
  /** Only these security groups are given to pods. */
  securityGroups?: readonly string[];
  /** Only interfaces in these subnets are made. */
  subnets?: readonly string[];
  /** The most ENIs that the cluster may hold, checked against a count that the reaper writes. */
  enisMax?: number;
}

/** URL of a cluster's queue, from the value of `TRUNKLINE_CLUSTER_QUEUE_URL_PREFIX`. */
export function clusterQueueUrl(prefix: string, entry: ClusterEntry, kind: ClusterQueueKind): string {
  return `${prefix}${entry.slug ?? defaultSlug(entry.cluster)}-${kind}`;
}

/** The name at the end of a queue's URL, or of its ARN, which is how an event names the queue that it came through. */
export function queueNameOf(urlOrArn: string): string {
  return urlOrArn.slice(Math.max(urlOrArn.lastIndexOf("/"), urlOrArn.lastIndexOf(":")) + 1);
}

/** A number that an operator can set by a variable. */
export interface NumberVariable {
  readonly variable: string;
  readonly default: number;
  /** The least value that production takes. */
  readonly floor: number;
  readonly max: number;
}

function number(variable: string, values: { default: number; floor: number; max: number }): NumberVariable {
  return { variable, ...values };
}

/**
 * The durations that functions read, in whole seconds; all are optional.
 * A key is the field of the core's `Settings` that it fills. P-numbers are the rules of the ledger protocol.
 */
export const durations = {
  /** Cool-down of clusters that set none (P21). */
  cooldownSeconds: number("TRUNKLINE_COOLDOWN_SECONDS", { default: 60, floor: 30, max: 3_600 }),
  /** The shortest cool-down that a cluster may ask for (P21). */
  cooldownFloorSeconds: number("TRUNKLINE_COOLDOWN_FLOOR_SECONDS", { default: 30, floor: 30, max: 3_600 }),
  /** Added to every cool-down for clocks that differ (P21). */
  skewSeconds: number("TRUNKLINE_SKEW_SECONDS", { default: 2, floor: 2, max: 60 }),
  /** How long after its cool-down an idle branch is kept for reuse (P22). */
  reuseIdleSeconds: number("TRUNKLINE_REUSE_IDLE_SECONDS", { default: 300, floor: 0, max: 300 }),
  /** After this time a step of another worker is overdue and may be finished by anyone (P08). Longer than a function runs. */
  stepDeadlineSeconds: number("TRUNKLINE_STEP_DEADLINE_SECONDS", { default: 60, floor: 35, max: 900 }),
  /** How old an effect must be before NotFound is believed (P07, P12, P13). */
  notFoundGraceSeconds: number("TRUNKLINE_NOT_FOUND_GRACE_SECONDS", { default: 60, floor: 60, max: 900 }),
  /** After this time an outcome can no longer become an annotation: 240 s in the queue, 60 s in the forwarder (P11). */
  outcomeDeadSeconds: number("TRUNKLINE_OUTCOME_DEAD_SECONDS", { default: 300, floor: 300, max: 3_600 }),
  /** An observation sent longer ago changes nothing (P03). */
  staleObservationSeconds: number("TRUNKLINE_STALE_OBSERVATION_SECONDS", { default: 900, floor: 300, max: 3_600 }),
  /** A snapshot sent longer ago is void (P10). */
  snapshotVoidSeconds: number("TRUNKLINE_SNAPSHOT_VOID_SECONDS", { default: 900, floor: 300, max: 3_600 }),
  /** After this time without a snapshot the reaper asks about a trunk's pods (P12). */
  snapshotOverdueSeconds: number("TRUNKLINE_SNAPSHOT_OVERDUE_SECONDS", { default: 600, floor: 300, max: 3_600 }),
  /** The least time between two snapshots that release a branch whatever the versions (P10). */
  omissionGapSeconds: number("TRUNKLINE_OMISSION_GAP_SECONDS", { default: 30, floor: 30, max: 900 }),
  /** One probe per subnet or account in this time while pods wait for an address or the ENI quota (P16). */
  addressProbeSeconds: number("TRUNKLINE_ADDRESS_PROBE_SECONDS", { default: 10, floor: 5, max: 300 }),
  /** How soon a node without a free device index is tried again. */
  slotRetrySeconds: number("TRUNKLINE_SLOT_RETRY_SECONDS", { default: 30, floor: 10, max: 900 }),
  /** How soon a wish that EC2 refused is tried again unchanged: the missing group may have been created. */
  refusalRetrySeconds: number("TRUNKLINE_REFUSAL_RETRY_SECONDS", { default: 30, floor: 10, max: 900 }),
  /** A chain of deferrals ends after this time; snapshots start it again (P16). */
  waitMaxSeconds: number("TRUNKLINE_WAIT_MAX_SECONDS", { default: 3_600, floor: 300, max: 43_200 }),
  /** How long the tombstone of a pod stays (P03). */
  tombstoneSeconds: number("TRUNKLINE_TOMBSTONE_SECONDS", { default: 3_600, floor: 3_600, max: 86_400 }),
  /** The youngest ENI that the reaper may take for an orphan (P23). */
  orphanAgeSeconds: number("TRUNKLINE_ORPHAN_AGE_SECONDS", { default: 300, floor: 120, max: 86_400 }),
  /** The least time between the two sightings of an orphan (P23). */
  sightingGapSeconds: number("TRUNKLINE_SIGHTING_GAP_SECONDS", { default: 60, floor: 30, max: 3_600 }),
} as const;

export type DurationName = keyof typeof durations;

/** The other numbers that functions read; all are optional. A key is the field of the core's `Settings` that it fills. */
export const counts = {
  /** Security groups that the account allows on one interface: the quota, at most 16. */
  groupsPerEniMax: number("TRUNKLINE_GROUPS_PER_ENI_MAX", { default: 5, floor: 1, max: 16 }),
  /** ENIs that one run of the reaper deletes at most. */
  reaperDeletionsMax: number("TRUNKLINE_REAPER_DELETIONS_MAX", { default: 100, floor: 1, max: 1_000 }),
  /** The share of our ENIs (0 to 1) that may look orphaned before the reaper deletes nothing and says so. */
  reaperShareMax: number("TRUNKLINE_REAPER_SHARE_MAX", { default: 0.2, floor: 0, max: 1 }),
  /** The share is not looked at while no more orphans than this are seen. */
  reaperShareFloor: number("TRUNKLINE_REAPER_SHARE_FLOOR", { default: 20, floor: 0, max: 1_000 }),
} as const;

export type CountName = keyof typeof counts;

/** How often the reaper runs, in seconds. EventBridge Scheduler is exact to a minute. */
export const reaperIntervalSeconds = 60;

/**
 * The state changes of EC2 that reach the queue of instance events, as EventBridge matches them (P12).
 * Format: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
 */
export const instanceEventPattern = {
  source: ["aws.ec2"],
  "detail-type": ["EC2 Instance State-change Notification"],
  detail: { state: ["shutting-down", "terminated"] },
} as const;

/** The version that the functions report to nodes: that of the package. */
export const backendVersion = "0.1.0";
