import type { NodeTrunkProblem, PodEniDelayed, PodEniFailed, PodEniProblem, WaitReason } from "@trunkline/core";

/** An event of core/v1 without what is the same for all: the object, the source, the times. */
export interface EventText {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** A fact that cannot come about twice: a repeat, by whichever replica, is no news and raises no count. */
  readonly isOnce?: true;
}

const normal = (reason: string, message: string): EventText => ({ type: "Normal", reason, message });
const warning = (reason: string, message: string): EventText => ({ type: "Warning", reason, message });
const once = (text: EventText): EventText => ({ ...text, isOnce: true });

/** What the API server takes of a note: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
const messageBytesMax = 1_024;
const cutMark = " ... (cut)";

/** A message as an event takes it, in UTF-8; what is too long ends where whole characters end, and says so. */
export const cutMessage = (message: string): string => {
  const byteLength = (text: string): number => [...text].reduce((sum, character) => sum + utf8Length(character), 0);
  if (message.length <= messageBytesMax && byteLength(message) <= messageBytesMax) return message;
  let kept = "";
  let bytes = cutMark.length;
  for (const character of message) {
    bytes += utf8Length(character);
    if (bytes > messageBytesMax) break;
    kept += character;
  }
  return `${kept}${cutMark}`;
};

/** Bytes of one character in UTF-8. */
const utf8Length = (character: string): number => {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
};

/** Reasons and messages that alerts and documentation rely on, then ours. */
export const podEvents = {
  requested: (groupIds: readonly string[]): EventText =>
    once(
      groupIds.length > 0
        ? normal("SecurityGroupRequested", `Pod will get the following Security Groups [${groupIds.join(" ")}]`)
        : warning(
            "SecurityGroupRequested",
            "Pod will get the instance security group as the pod didn't match any Security Group from SecurityGroupPolicy",
          ),
    ),
  allocated: (annotation: string): EventText => once(normal("ResourceAllocated", `Allocated ${annotation} to the pod`)),
  failed: (outcome: Pick<PodEniFailed, "code" | "detail" | "action">): EventText =>
    warning(
      "BranchAllocationFailed",
      outcome.code === "UnauthorizedOperation"
        ? `Insufficient permissions: Unable to create Elastic Network Interface.${refusedAction(outcome.action)}`
        : `failed to allocate branch ENI to pod: ${outcome.code}: ${outcome.detail}`,
    ),
  eniProblem: ({ detail }: Pick<PodEniProblem, "detail">): EventText => once(warning("BranchENIMissing", detail)),
  annotationFailed: (error: string): EventText =>
    warning("BranchENIAnnotationFailed", `failed to annotate pod with branch ENI details: ${error}`),
  delayed: (outcome: Pick<PodEniDelayed, "reason" | "waitSeconds" | "detail">): EventText =>
    normal(
      "BranchAllocationDelayed",
      `The pod waits for its branch ENI: ${waits[outcome.reason]}${inBrackets(outcome.detail)}${expected(outcome.waitSeconds)}`,
    ),
  /**
   * A pod came with an annotation that is none, or somebody got round the guard. It stays as it is.
   *
   * @param problem follows "the annotation".
   */
  annotationUnreadable: (problem: string): EventText =>
    once(
      podEvents.annotationFailed(
        `the pod has an annotation vpc.amazonaws.com/pod-eni already, which is never overwritten and ${problem}; recreate the pod`,
      ),
    ),
  missed: (groupIds: readonly string[]): EventText =>
    once(
      warning(
        "SecurityGroupMissed",
        `Pod matches the Security Groups [${groupIds.join(" ")}] but was admitted without a request for a branch ENI; it has the node's security groups: recreate it`,
      ),
    ),
} as const;

export const nodeEvents = {
  controllerVersion: (version: string): EventText =>
    once(normal("ControllerVersionNotice", `The node is managed by VPC resource controller version ${version}`)),
  trunkInitiated: (): EventText =>
    once(normal("NodeTrunkInitiated", "The node has trunk interface initialized successfully")),
  problem: (outcome: Pick<NodeTrunkProblem, "reason" | "detail" | "action">): EventText =>
    warning(outcome.reason, `${problemTexts[outcome.reason](outcome.detail)}${missingPermission(outcome.action)}`),
  eniConfigNotFound: (nodeName: string, eniConfig: string): EventText =>
    warning("EniConfigNameNotFound", `failed to find the ENIConfig ${eniConfig} for node ${nodeName}`),
  eniConfigWithoutSubnet: (nodeName: string, eniConfig: string): EventText =>
    warning(
      "EniConfigNameNotFound",
      `failed to find a subnet in the ENIConfig ${eniConfig} for node ${nodeName}: spec.subnet must be a subnet ID`,
    ),
  eniConfigNameMissing: (nodeName: string): EventText =>
    warning(
      "EniConfigNameNotFound",
      `couldn't find custom networking eniconfig name for node ${nodeName}, error: the label vpc.amazonaws.com/eniConfig, or without it the feature CustomNetworking of the CNINode, is there without a name`,
    ),
  cniNodeCreationFailed: (): EventText =>
    warning("CNINodeCreationFailed", "CNINode was deleted and failed to be recreated by the vpc-resource-controller"),
  noProviderId: (): EventText =>
    warning("NodeTrunkFailedInit", "The node failed initializing trunk interface: the node has no provider ID"),
  cooldownUpdated: (cooldownSeconds: number): EventText =>
    normal(
      "BranchENICoolDownPeriodUpdated",
      `Branch ENI cool down period has been updated to ${goDuration(cooldownSeconds)}`,
    ),
} as const;

export const cniNodeEvents = {
  deletionFailed: (): EventText => warning("CNINodeDeletionFailed", "CNINode delete failed, will be retried"),
} as const;

export const policyEvents = {
  ignored: (namespace: string): EventText =>
    once(
      warning(
        "SecurityGroupPolicyIgnored",
        `The policy has no effect: the namespace ${namespace} is excluded from admission, so that its pods are created without a request for a branch ENI and have the node's security groups`,
      ),
    ),
} as const;

const waits: Readonly<Record<WaitReason, string>> = {
  "trunk-not-ready": "the node's trunk ENI is not ready",
  "node-full": "the node is at capacity until a cool-down ends",
  "vlan-ids-cooling": "all VLAN IDs of the node are taken until a cool-down ends",
  "rate-limit": "the EC2 rate limit of the account",
  "subnet-full": "no free address in the subnet",
  "eni-quota": "the account's quota of network interfaces is reached",
  "step-under-way": "another step for this pod is under way",
  "cluster-paused": "EC2 refuses interfaces of this cluster",
  refused: "EC2 refused the request, which is tried again",
};

const problemTexts: Readonly<Record<NodeTrunkProblem["reason"], (detail: string) => string>> = {
  NodeTrunkFailedInit: (detail) => prefixed("The node failed initializing trunk interface", detail),
  TrunkENICreationFailed: (detail) => prefixed("Failed to create trunk interface: Error Code", detail),
  Unsupported: (detail) => detail,
  EniConfigNameNotFound: (detail) => detail,
};

const prefixed = (prefix: string, detail: string): string =>
  detail.startsWith(prefix) ? detail : detail === "" ? prefix : `${prefix}: ${detail}`;

const refusedAction = (action: string | undefined): string => (action === undefined ? "" : ` ${action} was refused.`);
const missingPermission = (action: string | undefined): string =>
  action === undefined ? "" : `; the functions' role lacks the permission ec2:${action}`;
const inBrackets = (detail: string): string => (detail === "" ? "" : ` (${detail})`);
const expected = (seconds: number): string => (seconds > 0 ? `; about ${Math.ceil(seconds)} s` : "");

/** Go's notation of a duration of whole seconds, as the peer prints it: `1m0s`. */
const goDuration = (seconds: number): string => {
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  const rest = `${seconds % 60}s`;
  return hours > 0 ? `${hours}h${minutes}m${rest}` : minutes > 0 ? `${minutes}m${rest}` : rest;
};
