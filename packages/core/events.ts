import type { ClusterName, Incarnation, InstanceId, NodeUid, PodUid, ResourceVersion } from "./ids.ts";

/** One element of the annotation `vpc.amazonaws.com/pod-eni`, keys in the order in which they are written. */
export interface PodEni {
  readonly eniId: string;
  /** MAC address. */
  readonly ifAddress: string;
  readonly privateIp: string;
  readonly ipv6Addr: string;
  readonly vlanId: number;
  readonly subnetCidr: string;
  readonly subnetV6Cidr: string;
  readonly associationID: string;
}

/** What a cluster knows about a pod that wants or holds branch ENIs. */
export interface PodFacts {
  readonly podUid: PodUid;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: ResourceVersion;
  /** How many branch ENIs the pod asks for, 1…16. */
  readonly enis: number;
  /** Security groups of the matching policies; empty: those of the node's trunk. */
  readonly securityGroups: readonly string[];
  /** The annotation, when the pod has one. */
  readonly annotation?: readonly PodEni[] | undefined;
  /** The pod has an annotation that cannot be read: it gets nothing, because an annotation never changes, and loses nothing. */
  readonly isAnnotationUnreadable?: true | undefined;
  /**
   * Which groups the pod is to get cannot be told at the moment, because its ServiceAccount is missing: what it was told
   * to want before stands, it gets nothing else, and it loses nothing. Only in snapshots, where no pod may be missing.
   */
  readonly areGroupsUnknown?: true | undefined;
}

interface FromCluster {
  readonly incarnation: Incarnation;
}

interface OfInstance extends FromCluster {
  readonly instanceId: InstanceId;
}

/** A pod is bound to a node, wants branch ENIs and has no annotation. Carries the whole wish. */
export interface PodObserved extends OfInstance {
  readonly type: "PodObserved";
  readonly nodeName: string;
  readonly nodeUid: NodeUid;
  readonly pod: PodFacts;
  /** Present on the delayed copies of a chain (P15): its number, rising with each deferral. */
  readonly chain?: number | undefined;
}

/** A pod is deleted, Succeeded or Failed: its ENIs begin to cool down. */
export interface PodGone extends OfInstance {
  readonly type: "PodGone";
  readonly podUid: PodUid;
  /** The pod's own version, or the list's when the end is inferred from a list (P11). */
  readonly resourceVersion: ResourceVersion;
  readonly how: "deleted" | "terminal" | "absent-from-list";
  /** Grace period in seconds of a forced deletion, after which the CNI plugin may still tear down (P21). */
  readonly forcedGraceSeconds?: number | undefined;
}

/** A node is seen, or what it asks for has changed. */
export interface NodeObserved extends OfInstance {
  readonly type: "NodeObserved";
  readonly nodeName: string;
  readonly nodeUid: NodeUid;
  readonly resourceVersion: ResourceVersion;
  /** False un-manages the node: no new branches (P14). */
  readonly wantsTrunk: boolean;
  /** Custom networking: the ENIConfig's subnet and, when it names any, its groups. */
  readonly eniConfig?:
    | { readonly name: string; readonly subnetId: string; readonly securityGroups: readonly string[] }
    | undefined;
}

/** A Node object is deleted. Releases nothing (P12). */
export interface NodeGone extends OfInstance {
  readonly type: "NodeGone";
  readonly nodeName: string;
  readonly nodeUid: NodeUid;
}

/** All non-terminal pods of an instance that want or hold ENIs, from a consistent LIST (P10). */
export interface NodeSnapshot extends OfInstance {
  readonly type: "NodeSnapshot";
  readonly nodeName: string;
  readonly nodeUid: NodeUid;
  readonly listVersion: ResourceVersion;
  readonly pods: readonly PodFacts[];
}

/** The forwarder introduces its cluster, and again whenever its settings change. */
export interface ClusterRegistered extends FromCluster {
  readonly type: "ClusterRegistered";
  /** Cool-down in whole seconds, ≥ 30 in production. */
  readonly cooldownSeconds: number;
  readonly forwarderVersion: string;
  /** Every set of groups that some policy of the cluster names now: idle branches with other sets are not kept (P22). */
  readonly groupSets: readonly (readonly string[])[];
}

/** Everything that arrives on a cluster's queues. */
export type PodEvent = PodObserved | PodGone;
export type NodeEvent = NodeObserved | NodeGone | NodeSnapshot | ClusterRegistered | NodeLook;

/** Look at a branch whose time has come or whose step may be overdue (P08, P21). Sent by us, on branch-cooldown. */
export interface BranchLook {
  readonly type: "BranchLook";
  readonly instanceId: InstanceId;
  /** Pod UID, or ENI ID where no pod owns the record any more. */
  readonly owner: string;
  readonly index: number;
}

/** Look at a node: its trunk step, or the pods that wait there (P08, P16). Sent by us, on the cluster's node-events. */
export interface NodeLook {
  readonly type: "NodeLook";
  readonly instanceId: InstanceId;
}

/** EC2 says that an instance changed its state (EventBridge, best effort). */
export interface InstanceStateChanged {
  readonly type: "InstanceStateChanged";
  readonly instanceId: InstanceId;
  readonly state: "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped";
}

/** An event with what its queue tells about it; the cluster is the queue's, never the message's. */
export interface Delivery<Event> {
  readonly event: Event;
  readonly cluster: ClusterName;
  /** When SQS received it, epoch milliseconds. */
  readonly sentAt: number;
  /** 1 for the first delivery. */
  readonly receiveCount: number;
  readonly messageId: string;
}
