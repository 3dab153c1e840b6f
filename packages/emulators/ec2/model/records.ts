import type { AddressPool } from "./address-pool.ts";
import type { Cidr } from "./ip.ts";
import type { Tags } from "./tags.ts";

/** A virtual network. */
export interface VpcRecord {
  readonly id: string;
  readonly cidr: Cidr;
  readonly ipv6Cidr: Cidr | undefined;
  readonly tags: Tags;
  defaultGroupId: string;
}

/** A subnet and the addresses that are taken in it. */
export interface SubnetRecord {
  readonly id: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly cidr: Cidr;
  readonly ipv6Cidr: Cidr | undefined;
  readonly addresses: AddressPool;
  readonly tags: Tags;
  assignsIpv6: boolean;
}

/** The other side of a security group rule. */
export type RulePeer =
  | { readonly kind: "ipv4" | "ipv6"; readonly cidr: Cidr }
  | { readonly kind: "group"; readonly groupId: string }
  | { readonly kind: "prefix-list"; readonly prefixListId: string };

/** What a security group rule allows: one protocol, one range of ports, one peer. */
export interface Permission {
  /** `-1` is all, otherwise `tcp`, `udp`, `icmp`, `icmpv6` or a protocol number. */
  readonly protocol: string;
  /** Both are -1 where the protocol has no ports, or for all ICMP types. */
  readonly fromPort: number;
  readonly toPort: number;
  readonly peer: RulePeer;
}

/** A security group rule. */
export interface RuleRecord extends Permission {
  readonly id: string;
  readonly groupId: string;
  readonly egress: boolean;
  readonly description: string | undefined;
  readonly tags: Tags;
}

/** A security group. */
export interface GroupRecord {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly vpcId: string;
  readonly tags: Tags;
  readonly rules: Map<string, RuleRecord>;
}

/** An interface's place on an instance. */
export interface AttachmentRecord {
  readonly id: string;
  readonly instanceId: string;
  readonly deviceIndex: number;
  readonly networkCardIndex: number;
  readonly attachedAtMs: number;
  status: "attaching" | "attached" | "detaching" | "detached";
  deleteOnTermination: boolean;
}

/** A network interface. */
export interface InterfaceRecord {
  readonly id: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly mac: string;
  readonly tags: Tags;
  /** `interface` becomes `branch` once it is associated with a trunk. */
  type: string;
  description: string;
  sourceDestCheck: boolean;
  groupIds: readonly string[];
  /** The first one is the primary. */
  addresses: readonly string[];
  ipv6Addresses: readonly string[];
  attachment: AttachmentRecord | undefined;
  /** The association that makes it the branch of a trunk. */
  associationId: string | undefined;
}

/** The association of a branch with a trunk. */
export interface AssociationRecord {
  readonly id: string;
  readonly branchId: string;
  readonly trunkId: string;
  readonly vlanId: number;
  readonly tags: Tags;
}

/** The states of an instance. See https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html */
export type InstanceState = "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped";

/** An instance. */
export interface InstanceRecord {
  readonly id: string;
  readonly reservationId: string;
  readonly type: string;
  readonly imageId: string;
  readonly keyName: string | undefined;
  readonly clientToken: string | undefined;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly zone: string;
  readonly launchIndex: number;
  readonly launchedAtMs: number;
  readonly tags: Tags;
  /** Attached interfaces, also those that are on their way on or off. */
  readonly interfaceIds: Set<string>;
  state: InstanceState;
  stateReason: string;
}
