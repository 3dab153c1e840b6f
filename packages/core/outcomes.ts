import type { PodEni } from "./events.ts";
import type { InstanceId, NodeUid, PodUid } from "./ids.ts";

interface OfPod {
  readonly podUid: PodUid;
  readonly namespace: string;
  readonly name: string;
  readonly instanceId: InstanceId;
}

interface OfNode {
  readonly instanceId: InstanceId;
  readonly nodeName: string;
  readonly nodeUid: NodeUid;
}

/** The pod's branch ENIs are associated: annotate it (P11). */
export interface PodEniAssigned extends OfPod {
  readonly type: "PodEniAssigned";
  readonly enis: readonly PodEni[];
}

/** Why a pod waits. Each change of reason is one event on the pod (P16). */
export type WaitReason =
  | "trunk-not-ready"
  | "node-full"
  | "vlan-ids-cooling"
  | "rate-limit"
  | "subnet-full"
  | "eni-quota"
  | "step-under-way"
  | "cluster-paused"
  | "refused";

/** The pod waits; becomes an event `BranchAllocationDelayed`. */
export interface PodEniDelayed extends OfPod {
  readonly type: "PodEniDelayed";
  readonly reason: WaitReason;
  /** Expected wait in seconds, as far as it is known. */
  readonly waitSeconds: number;
  readonly detail: string;
}

/** The wish cannot be met as it is; becomes an event `BranchAllocationFailed`. Tried again by snapshot or change. */
export interface PodEniFailed extends OfPod {
  readonly type: "PodEniFailed";
  /** EC2's error code, or one of ours (`TooManyNetworkInterfaces`, `SecurityGroupNotAllowed`, …). */
  readonly code: string;
  /** EC2's text without request IDs, so that events aggregate. */
  readonly detail: string;
  /** The EC2 action that was refused, when one was. */
  readonly action?: string | undefined;
}

/** What is wrong with an ENI that a living pod's annotation names. */
export type EniProblem =
  /** EC2 does not show it as a branch of this cluster on the node's trunk ENI under the annotation's VLAN ID. */
  | "unknown-eni"
  /** The ledger has the ENI or its VLAN ID for another pod, or as on its way out. */
  | "eni-taken"
  /** Somebody deleted it. */
  | "eni-deleted"
  /** It exists, but somebody ended its association with the trunk ENI. */
  | "eni-not-associated";

/**
 * The network interface of a living pod is not what its annotation says; becomes an event `BranchENIMissing`. Sent once for each fact. The
 * annotation stays as it is, and nothing takes the ENI's place while the pod lives.
 */
export interface PodEniProblem extends OfPod {
  readonly type: "PodEniProblem";
  readonly eniId: string;
  readonly problem: EniProblem;
  /** A sentence that says what was found, and what to do. */
  readonly detail: string;
}

/** The trunk is ready: capacity, label, events. Repeated whenever the forwarder shows that it does not know. */
export interface NodeTrunkReady extends OfNode {
  readonly type: "NodeTrunkReady";
  readonly branchesMax: number;
  readonly backendVersion: string;
}

/** The trunk waits or has failed; becomes an event on the node. */
export interface NodeTrunkProblem extends OfNode {
  readonly type: "NodeTrunkProblem";
  /** The reason of the Kubernetes event. */
  readonly reason: "NodeTrunkFailedInit" | "TrunkENICreationFailed" | "Unsupported" | "EniConfigNameNotFound";
  readonly detail: string;
  /** The EC2 action that the functions' role may not use, when that is the reason. */
  readonly action?: string | undefined;
}

/** The trunk is gone: the label that we set goes with it. */
export interface NodeTrunkGone extends OfNode {
  readonly type: "NodeTrunkGone";
}

/** Send a snapshot of this instance now (P03, P11). */
export interface SnapshotRequested {
  readonly type: "SnapshotRequested";
  readonly instanceId: InstanceId;
}

/** Answer with a `PodGone` for each of these pods that is absent or terminal (P12). */
export interface PodsQuestioned {
  readonly type: "PodsQuestioned";
  readonly instanceId: InstanceId;
  readonly podUids: readonly PodUid[];
}

/** Everything that goes to a cluster's outcomes queue. */
export type Outcome =
  | PodEniAssigned
  | PodEniDelayed
  | PodEniFailed
  | PodEniProblem
  | NodeTrunkReady
  | NodeTrunkProblem
  | NodeTrunkGone
  | SnapshotRequested
  | PodsQuestioned;
