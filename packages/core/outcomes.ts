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
  | NodeTrunkReady
  | NodeTrunkProblem
  | NodeTrunkGone
  | SnapshotRequested
  | PodsQuestioned;
