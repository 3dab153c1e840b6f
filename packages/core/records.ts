import type {
  ClusterNodeRecord,
  ClusterRecord,
  SightingRecord,
  SubnetProbeRecord,
  SubnetWaiterRecord,
} from "./cluster-records.ts";
import type {
  AssociationId,
  AttachmentId,
  ClusterName,
  EniId,
  Incarnation,
  InstanceId,
  NodeUid,
  ResourceVersion,
  SecurityGroupId,
  SubnetId,
  VlanId,
} from "./ids.ts";
import type { EniProblem, WaitReason } from "./outcomes.ts";

/** The status of a trunk: `requested → waiting-for-slot → created → attached → ready → draining → gone`, or an end. */
export type TrunkStatus =
  | "requested"
  | "waiting-for-slot"
  | "created"
  | "attached"
  | "ready"
  | "draining"
  | "gone"
  | "unsupported"
  | "refused";

/** Where branches are created (the node's subnet, or the ENIConfig's), with what their pods' annotations tell of it. */
export interface TrunkSubnet {
  readonly subnetId: SubnetId;
  readonly subnetCidr: string;
  readonly subnetV6Cidr: string;
}

/** One node instance and its trunk ENI. Kept under 1 KB. */
export interface TrunkRecord extends TrunkSubnet {
  readonly kind: "trunk";
  readonly instanceId: InstanceId;
  /** Rises by one with every write. */
  readonly version: number;
  readonly cluster: ClusterName;
  readonly incarnation: Incarnation;
  readonly status: TrunkStatus;
  readonly nodeName: string;
  readonly nodeUid: NodeUid;
  /** The version of the node's last observation that counted: an older one changes nothing (S12). Absent: none was heard. */
  readonly nodeVersion?: ResourceVersion | undefined;
  /** False when the node is un-managed: no new branches (P14). */
  readonly wanted: boolean;
  readonly instanceType: string;
  readonly vpcId: string;
  /** The subnet before, for pods that are told late of branches there. */
  readonly formerSubnet?: TrunkSubnet | undefined;
  /** What the node's ENIConfig said when subnet and groups were last looked up; absent or empty: it has none. */
  readonly eniConfig?: string | undefined;
  /** Groups of the trunk, and of branches that no policy names groups for. Sorted. */
  readonly securityGroups: readonly SecurityGroupId[];
  readonly trunkEniId?: EniId | undefined;
  /** The trunk ENI that was there before and is gone: its branches are only deleted (P13). */
  readonly lostEniId?: EniId | undefined;
  readonly attachmentId?: AttachmentId | undefined;
  readonly deviceIndex?: number | undefined;
  /** Part of the trunk's client token; rises when its ENI is known to be gone (P07, P13). */
  readonly generation: number;
  readonly branchesMax: number;
  /** Bit v − 1 is set while VLAN ID v is taken; 30 hexadecimal digits for 120 IDs. */
  readonly vlans: string;
  /** VLAN IDs that annotations of living pods name beside `vlans`, of ENIs that are no record's to hold; as the last snapshot showed. */
  readonly strayVlans?: string | undefined;
  /** The VLAN ID that was given out last: the search goes on from there, so that a freed one rests longest. */
  readonly lastVlan?: number | undefined;
  /** Branch slots held: claimed, created, associated, cooling and not yet cut. */
  readonly held: number;
  /** When the trunk was first asked for, epoch milliseconds. Part of its client token. */
  readonly createdAt: number;
  /** A worker is at the next step until then, epoch milliseconds; any other may take over afterwards (P08). */
  readonly stepDeadline?: number | undefined;
  /** Since when EC2 does not show the instance, epoch milliseconds (P12). */
  readonly notFoundSince?: number | undefined;
  /** Since when EC2 does not show the trunk ENI in its place, epoch milliseconds (P13). */
  readonly eniMissingSince?: number | undefined;
  readonly lastSnapshotAt?: number | undefined;
  /** When the forwarder was last asked for a snapshot of this instance, epoch milliseconds (P03). */
  readonly snapshotAskedAt?: number | undefined;
  /** When EC2 was last asked about unproven branches and did not answer, epoch milliseconds. */
  readonly proofFailedAt?: number | undefined;
  /** True until VLAN IDs are known again after a lost table (P24). */
  readonly rebuilding?: boolean | undefined;
  /** Text of the problem that the node was last told. */
  readonly problem?: string | undefined;
}

/** The whole request of a branch ENI, so that any worker repeats byte-equal parameters under the same token (P06). */
export interface BranchRequest {
  readonly requestVersion: 1;
  readonly subnetId: SubnetId;
  /** Sorted, without duplicates, never empty. */
  readonly securityGroups: readonly SecurityGroupId[];
  readonly ipv6: boolean;
}

/** The network interface that a branch record holds. */
export interface BranchEni {
  readonly eniId: EniId;
  readonly mac: string;
  readonly privateIp: string;
  readonly ipv6: string;
}

interface BranchIdentity {
  readonly kind: "branch";
  readonly instanceId: InstanceId;
  /** Pod UID, or ENI ID where no pod owns the record any more. */
  readonly owner: string;
  /** 0…n − 1 of the pod's n ENIs. */
  readonly index: number;
  /** Rises by one with every write. */
  readonly version: number;
  readonly generation: number;
  /** When the intent was first written, epoch milliseconds; part of token and tag (P06). */
  readonly createdAt: number;
  /** The pod's resource version of the last observation that counted (P09). */
  readonly podVersion: ResourceVersion;
}

interface PodNames {
  readonly namespace: string;
  readonly name: string;
  /** ENIs that the pod asks for in all. */
  readonly enis: number;
}

/** Why and since when a pod waits, and when it is looked at again (P15). */
export interface Wish {
  /** As the pod asks; empty: the trunk's groups. */
  readonly securityGroups: readonly string[];
  readonly reason: WaitReason;
  /** Epoch milliseconds. */
  readonly since: number;
  /** Epoch milliseconds. */
  readonly wakeAt: number;
  /** Rises with each deferral; a copy with a lower number is dropped. */
  readonly chain: number;
  /** Start tag of fair queueing, presented again unchanged (P17). */
  readonly pacerTag?: number | undefined;
  /** Code of the refusal that the pod was last told, so that an unchanged one is not told again. */
  readonly problem?: string | undefined;
  /** Whether the pod was told this reason: waits of a moment are not worth an event (P16). */
  readonly told: boolean;
}

/** A wish that cannot be met yet. Stands at index 0 for all ENIs of its pod. */
export interface WaitingBranch extends BranchIdentity, PodNames, Wish {
  readonly status: "waiting";
  /** Whose pod it is. The node may turn out to be another cluster's: until it has a trunk nobody knows (S11). */
  readonly cluster: ClusterName;
}

interface OnTrunk extends BranchIdentity, PodNames {
  readonly request: BranchRequest;
  readonly trunkEniId: EniId;
  readonly vlanId: VlanId;
}

/** The intent is written; its ENI may or may not exist. */
export interface ClaimedBranch extends OnTrunk {
  readonly status: "claimed";
  /** As the pod waited before: a refusal goes on with its chain. */
  readonly wish?: Wish | undefined;
  readonly stepDeadline: number;
}

/** The ENI exists and is not known to be associated. */
export interface CreatedBranch extends OnTrunk {
  readonly status: "created";
  readonly wish?: Wish | undefined;
  readonly eni: BranchEni;
  /** When EC2 answered with the ENI, epoch milliseconds: NotFound counts only some time later (P07). */
  readonly eniCreatedAt: number;
  readonly stepDeadline: number;
}

/** What EC2 shows wrong with the ENI of a record. Its answers come late: one look proves nothing (P07). */
export interface EniDoubt {
  readonly problem: EniProblem;
  /** Epoch milliseconds. */
  readonly since: number;
  /** Whether a second look, some time later, showed the same: the pod was told. */
  readonly confirmed: boolean;
}

interface OnVlan extends OnTrunk {
  readonly eni: BranchEni;
  /** Absent where EC2 has not confirmed what the pod's annotation says: then the ENI is deleted without it. */
  readonly associationId?: AssociationId | undefined;
  /** True while only an annotation tells of the ENI: its VLAN ID is taken, and no call is made for it before EC2 shows it as ours (P10). */
  readonly unproven?: boolean | undefined;
  /** Such an ENI is not given to another pod. */
  readonly doubt?: EniDoubt | undefined;
}

/** The ENI is associated and belongs to the pod. */
export interface AssociatedBranch extends OnVlan {
  readonly status: "associated";
  /** When it became the pod's, epoch milliseconds. */
  readonly associatedAt: number;
  /** When a snapshot sent after its last observation last omitted it, epoch milliseconds (P10). */
  readonly omittedAt?: number | undefined;
}

/** The pod has ended; the VLAN ID must not be used before `coolUntil`. */
export interface CoolingBranch extends OnVlan {
  readonly status: "cooling";
  readonly coolingSince: number;
  readonly coolUntil: number;
  /** When EC2 associated the ENI, epoch milliseconds: NotFound counts only some time later (P07). */
  readonly associatedAt: number;
  /** True unless a `PodGone` ended it: then a snapshot that omits it must come first (P11). */
  readonly unconfirmed: boolean;
}

/** Its teardown is committed: disassociate, then delete, then gone. */
export interface ReleasingBranch extends OnTrunk {
  readonly status: "releasing";
  /** Absent when a claim is undone before its ENI is known (P07). */
  readonly eni?: BranchEni | undefined;
  /** Present until the disassociation is recorded. */
  readonly associationId?: AssociationId | undefined;
  /** True until the slot is given back, in the transaction that records the disassociation (P20). */
  readonly holdsSlot: boolean;
  /** The ENI is not deleted earlier, epoch milliseconds (P20). */
  readonly deleteNotBefore: number;
  readonly stepDeadline: number;
  /** When EC2 answered with the ENI, epoch milliseconds; absent when that was before it was associated, or has not been. */
  readonly eniCreatedAt?: number | undefined;
  /** When EC2 associated the ENI, epoch milliseconds; absent when it never was. */
  readonly associatedAt?: number | undefined;
  /** The pod lives on: it waits again once this ENI is gone. */
  readonly wish?: Wish | undefined;
  /** True when something else sits on the VLAN ID: its bit stays set until the reaper finds it free (P07). */
  readonly keepsVlan?: boolean | undefined;
}

/** Tombstone (P03). */
export interface GoneBranch extends BranchIdentity {
  readonly status: "gone";
  /** Swept after this, epoch milliseconds. */
  readonly expiresAt: number;
}

export type BranchRecord =
  | WaitingBranch
  | ClaimedBranch
  | CreatedBranch
  | AssociatedBranch
  | CoolingBranch
  | ReleasingBranch
  | GoneBranch;
export type BranchStatus = BranchRecord["status"];

/** Everything that the ledger keeps, but for the pacer's record. */
export type LedgerRecord =
  | TrunkRecord
  | BranchRecord
  | ClusterRecord
  | ClusterNodeRecord
  | SubnetWaiterRecord
  | SubnetProbeRecord
  | SightingRecord;

/** The identity of a record. */
export type RecordKey =
  | { readonly kind: "trunk"; readonly instanceId: InstanceId }
  | { readonly kind: "branch"; readonly instanceId: InstanceId; readonly owner: string; readonly index: number }
  | { readonly kind: "cluster"; readonly cluster: ClusterName }
  | { readonly kind: "cluster-node"; readonly cluster: ClusterName; readonly instanceId: InstanceId }
  | { readonly kind: "subnet-waiter"; readonly subnetId: SubnetId; readonly instanceId: InstanceId }
  | { readonly kind: "subnet-probe"; readonly subnetId: SubnetId }
  | { readonly kind: "sighting"; readonly eniId: EniId };

/** A trunk with its branches, as one consistent query showed them. */
export interface Partition {
  readonly instanceId: InstanceId;
  readonly trunk?: TrunkRecord | undefined;
  readonly branches: readonly BranchRecord[];
}
