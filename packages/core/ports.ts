import type { BranchLook, NodeEvent, PodEvent } from "./events.ts";
import type {
  AssociationId,
  AttachmentId,
  ClusterName,
  EniId,
  InstanceId,
  SecurityGroupId,
  SubnetId,
  VlanId,
} from "./ids.ts";
import type { Outcome } from "./outcomes.ts";
import type { BranchEni, LedgerRecord, Partition, RecordKey } from "./records.ts";
import type { CommitResult, Transaction } from "./transaction.ts";

/** Where time comes from. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after the given time. Only for a moment: deferral is the rule for anything longer than a second. */
  sleep(milliseconds: number): Promise<void>;
}

/** Where identifiers without meaning come from. */
export interface Ids {
  /** A fresh identifier of 8…36 characters. */
  next(): string;
}

/** A page of a listing; `next` is absent on the last one. */
export interface Page<Element> {
  readonly elements: readonly Element[];
  readonly next?: string | undefined;
}

/** The allocator's state. Reads are consistent. Anything but a conflict rejects. */
export interface Ledger {
  load(instanceId: InstanceId): Promise<Partition>;
  get<Kind extends RecordKey["kind"]>(
    key: Extract<RecordKey, { kind: Kind }>,
  ): Promise<Extract<LedgerRecord, { kind: Kind }> | undefined>;
  commit(transaction: Transaction): Promise<CommitResult>;
  /** Nodes of a cluster, ≤ 1,000 a page. */
  nodesOf(cluster: ClusterName, next?: string): Promise<Page<InstanceId>>;
  /** Nodes with pods that wait for an address of the subnet, ≤ 1,000 a page. */
  waitersOf(subnetId: SubnetId, next?: string): Promise<Page<{ instanceId: InstanceId; cluster: ClusterName }>>;
}

/** EC2 actions that have a bucket of their own; describes share theirs per action. */
export type Ec2Action =
  | "CreateNetworkInterface"
  | "DeleteNetworkInterface"
  | "ModifyNetworkInterfaceAttribute"
  | "AttachNetworkInterface"
  | "AssociateTrunkInterface"
  | "DisassociateTrunkInterface"
  | "CreateTags"
  | "DescribeNetworkInterfaces"
  | "DescribeInstances"
  | "DescribeSubnets"
  | "DescribeSecurityGroups"
  | "DescribeTrunkInterfaceAssociations";

/** Order in which work of the same action is served: a pod that waits, then clean-up, then the reaper (P18). */
export type Priority = "pod" | "clean-up" | "background";

/** `units` times the tokens that one unit of work needs, e.g. one create and one associate for a branch. */
export interface TokenRequest {
  readonly cluster: ClusterName;
  readonly unit: Partial<Record<Ec2Action, number>>;
  readonly units: number;
  readonly priority: Priority;
  /** The start tag that an earlier request was given and did not use up (P17), or `urgentTag` for work under way. */
  readonly tag?: number | undefined;
}

/** The answer to one request: some of its units may start, the others are told when to come back. */
export interface TokenGrant {
  readonly granted: number;
  /** Calls may start from here, at most 1 s ahead, epoch milliseconds. */
  readonly startsAt: number;
  /** Void afterwards, 2 s after its start: calls not begun by then need new tokens (P17). */
  readonly expiresAt: number;
  /** When the rest can expect its turn, epoch milliseconds. */
  readonly wakeAt: number;
  /** To be stored with what waits and presented again unchanged. */
  readonly tag: number;
}

/** Tokens for EC2 calls, shared by every worker of the account and Region. */
export interface Pacer {
  /** Asks for all requests of a batch with one conditional write; grants in the order of the requests. */
  ask(requests: readonly TokenRequest[]): Promise<readonly TokenGrant[]>;
  /** Tells what a batch met: calls made and throttled, per action (P18). */
  report(calls: Partial<Record<Ec2Action, { readonly made: number; readonly throttled: number }>>): Promise<void>;
}

/** What to do about a failed EC2 call; one table in `packages/ec2` makes it from action and code. */
export type Ec2Remedy =
  | "throttled"
  | "repeat"
  | "defer-address"
  | "defer-quota"
  | "defer-slot"
  | "defer-branch-limit"
  | "short-retry"
  | "look-again"
  | "vlan-taken"
  | "not-found"
  | "permanent"
  | "permanent-node"
  | "unauthorised"
  | "mismatch";

/** A failed EC2 call, as a value. */
export interface Ec2Failure {
  readonly action: Ec2Action;
  readonly remedy: Ec2Remedy;
  readonly code: string;
  /** EC2's text without request IDs. */
  readonly message: string;
}

export type Ec2Result<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: Ec2Failure };

/** Who an ENI is for: the tags from birth and the client token follow from it (P06). */
export interface Intent {
  readonly cluster: ClusterName;
  readonly instanceId: InstanceId;
  /** Pod UID; for a trunk the instance ID. */
  readonly owner: string;
  readonly index: number;
  readonly createdAt: number;
  readonly generation: number;
}

/** Facts about an ENI of ours, as a describe showed them (eventually consistent). */
export interface EniFacts extends BranchEni {
  readonly status: string;
  readonly interfaceType: string;
  readonly subnetId: SubnetId;
  readonly securityGroups: readonly SecurityGroupId[];
  readonly attachment?:
    | {
        readonly attachmentId: AttachmentId;
        readonly instanceId?: InstanceId | undefined;
        readonly deviceIndex: number;
        readonly status: string;
      }
    | undefined;
  /** From the tags; absent when the ENI lacks them. */
  readonly cluster?: ClusterName | undefined;
  readonly instanceId?: InstanceId | undefined;
  readonly intent?: Intent | undefined;
  readonly vlanId?: VlanId | undefined;
  readonly trunkEniId?: EniId | undefined;
  readonly createdAt?: number | undefined;
}

/** Facts about an instance. */
export interface InstanceFacts {
  readonly instanceId: InstanceId;
  readonly state: "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped";
  readonly instanceType: string;
  readonly vpcId: string;
  readonly subnetId: SubnetId;
  /** Groups of the primary ENI, sorted. */
  readonly securityGroups: readonly SecurityGroupId[];
  /** Names from the tags `kubernetes.io/cluster/<name>`. */
  readonly clusters: readonly string[];
  /** Device indexes of network card 0 that are in use. */
  readonly deviceIndexes: readonly number[];
  /** Network interfaces that are attached, over all network cards. */
  readonly interfacesAttached: number;
}

/** Facts about a subnet. */
export interface SubnetFacts {
  readonly subnetId: SubnetId;
  readonly vpcId: string;
  readonly cidr: string;
  readonly ipv6Cidr: string;
  readonly freeAddresses: number;
}

/** A trunk's association with a branch. */
export interface AssociationFacts {
  readonly associationId: AssociationId;
  readonly branchEniId: EniId;
  readonly trunkEniId: EniId;
  readonly vlanId: VlanId;
}

/** EC2, one attempt per call: a hidden retry would spend a token that nobody counted. */
export interface Ec2 {
  createTrunkEni(request: {
    readonly intent: Intent;
    readonly subnetId: SubnetId;
    readonly securityGroups: readonly SecurityGroupId[];
  }): Promise<Ec2Result<EniFacts>>;
  createBranchEni(request: {
    readonly intent: Intent;
    readonly subnetId: SubnetId;
    readonly securityGroups: readonly SecurityGroupId[];
    readonly ipv6: boolean;
    readonly vlanId: VlanId;
    readonly trunkEniId: EniId;
  }): Promise<Ec2Result<EniFacts>>;
  attach(request: {
    readonly eniId: EniId;
    readonly instanceId: InstanceId;
    readonly deviceIndex: number;
  }): Promise<Ec2Result<{ readonly attachmentId: AttachmentId }>>;
  deleteOnTermination(request: {
    readonly eniId: EniId;
    readonly attachmentId: AttachmentId;
  }): Promise<Ec2Result<Record<never, never>>>;
  associate(request: {
    readonly intent: Intent;
    readonly eniId: EniId;
    readonly trunkEniId: EniId;
    readonly vlanId: VlanId;
  }): Promise<Ec2Result<{ readonly associationId: AssociationId }>>;
  disassociate(associationId: AssociationId): Promise<Ec2Result<Record<never, never>>>;
  deleteEni(eniId: EniId): Promise<Ec2Result<Record<never, never>>>;
  /** Absent value: EC2 does not show it (yet, or any more). */
  describeEni(eniId: EniId): Promise<Ec2Result<EniFacts | undefined>>;
  /** ENIs that carry exactly this intent's tag. */
  findByIntent(intent: Intent): Promise<Ec2Result<readonly EniFacts[]>>;
  /** Trunk ENIs of ours that name this instance, attached or not. */
  findTrunks(instanceId: InstanceId): Promise<Ec2Result<readonly EniFacts[]>>;
  /** Branch ENIs of ours that name this trunk, associated or not; all pages. */
  findBranches(trunkEniId: EniId): Promise<Ec2Result<readonly EniFacts[]>>;
  /** These associations, at most 200; EC2 refuses the whole call when it does not know one of them. */
  describeAssociations(associationIds: readonly AssociationId[]): Promise<Ec2Result<readonly AssociationFacts[]>>;
  /** Every ENI with our owner tag, ≤ 1,000 a page. */
  listOurs(next?: string): Promise<Ec2Result<Page<EniFacts>>>;
  describeInstance(instanceId: InstanceId): Promise<Ec2Result<InstanceFacts | undefined>>;
  describeSubnet(subnetId: SubnetId): Promise<Ec2Result<SubnetFacts | undefined>>;
  /** Those of the groups that exist, with their VPC. */
  describeGroups(
    groupIds: readonly SecurityGroupId[],
  ): Promise<Ec2Result<readonly { readonly groupId: SecurityGroupId; readonly vpcId: string }[]>>;
}

/** Something to send after the state that it speaks of is committed (P08). */
export type Envelope =
  | { readonly to: "outcomes"; readonly cluster: ClusterName; readonly body: Outcome }
  | {
      readonly to: "pod-events";
      readonly cluster: ClusterName;
      readonly body: PodEvent;
      /** 0…900. */
      readonly delaySeconds: number;
    }
  | {
      readonly to: "node-events";
      readonly cluster: ClusterName;
      readonly body: NodeEvent;
      readonly delaySeconds: number;
    }
  | { readonly to: "branch-cooldown"; readonly body: BranchLook; readonly delaySeconds: number };

/** The queues. Sends in batches of 10; rejects when a message was not accepted. */
export interface Outbox {
  send(envelopes: readonly Envelope[]): Promise<void>;
}

/** Counters and timings, by name; implementations never fail. */
export interface Telemetry {
  count(name: string, value: number, dimensions?: Readonly<Record<string, string>>): void;
  note(level: "debug" | "info" | "warn" | "error", message: string, fields?: Readonly<Record<string, unknown>>): void;
}
