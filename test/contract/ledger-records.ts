import {
  type AssociatedBranch,
  branded,
  type ClaimedBranch,
  type ClusterName,
  type EniId,
  type GoneBranch,
  type InstanceId,
  type SightingRecord,
  type SubnetId,
  type SubnetWaiterRecord,
  type TrunkRecord,
  type WaitingBranch,
} from "@trunkline/core";

/** Any number of digits that make an identifier of AWS's length. */
const digits = (count: number) => "0123456789abcdef0".slice(0, 17 - String(count).length) + String(count);

/** An instance ID of its own for each number. */
export const instanceNumber = (count: number): InstanceId => branded(`i-${digits(count)}`);

/** An ENI ID of its own for each number. */
export const eniNumber = (count: number): EniId => branded(`eni-${digits(count)}`);

/** A pod UID of its own for each number. */
export const podNumber = (count: number) => `6f2c1e0a-7a51-4d0e-9d54-${String(count).padStart(12, "0")}`;

/** A trunk as it is on an m5.large that is ready, with identifiers as long as they come. */
export function aTrunk(changes: Partial<TrunkRecord> = {}): TrunkRecord {
  return {
    kind: "trunk",
    instanceId: instanceNumber(1),
    version: 1,
    cluster: branded("production-eu.example.com"),
    incarnation: branded("0b7f6f2e-0f5a-4f0c-8f3e-1d2c3b4a5968"),
    status: "ready",
    nodeName: "ip-192-168-100-200.us-west-2.compute.internal",
    nodeUid: branded("5c9d3f4a-11aa-4f8e-a0a0-0123456789ab"),
    wanted: true,
    instanceType: "m5.large",
    vpcId: "vpc-0123456789abcdef0",
    subnetId: branded("subnet-0123456789abcdef0"),
    subnetCidr: "192.168.96.0/19",
    subnetV6Cidr: "2600:1f14:0abc:de00::/64",
    securityGroups: [1, 2, 3, 4, 5].map((count) => branded(`sg-${digits(count)}`)),
    trunkEniId: eniNumber(1),
    attachmentId: branded("eni-attach-0123456789abcdef0"),
    deviceIndex: 2,
    generation: 0,
    branchesMax: 9,
    vlans: "000000000000000000000000000000",
    held: 0,
    createdAt: 1_763_600_000_123,
    stepDeadline: 1_763_600_060_123,
    lastSnapshotAt: 1_763_600_060_123,
    snapshotAskedAt: 1_763_600_060_123,
    ...changes,
  };
}

/** A trunk with everything at once that custom networking, lost ENIs, strays and questions without an answer add to it. */
export function aTroubledTrunk(): TrunkRecord {
  const { subnetId, subnetCidr, subnetV6Cidr, securityGroups } = aTrunk();
  return aTrunk({
    instanceType: "m5dn.24xlarge",
    nodeVersion: branded("123456789012"),
    formerSubnet: { subnetId, subnetCidr, subnetV6Cidr },
    eniConfig: [subnetId, ...securityGroups].join(),
    strayVlans: "1ffffffffffffffffffffffffffffff",
    lastVlan: 120,
    lostEniId: eniNumber(9),
    proofFailedAt: 1_763_600_060_123,
    notFoundSince: 1_763_600_060_123,
    eniMissingSince: 1_763_600_060_123,
    rebuilding: true,
    problem: "UnauthorizedOperation: ModifyNetworkInterfaceAttribute",
  });
}

const ofPod = {
  kind: "branch" as const,
  instanceId: instanceNumber(1),
  index: 0,
  version: 1,
  generation: 0,
  createdAt: 1_763_600_000_123,
  podVersion: branded<GoneBranch["podVersion"]>("123456789"),
};

const onTrunk = {
  ...ofPod,
  namespace: "my-namespace-of-some-length",
  name: "my-deployment-7c9d6f5b8d-x2x4z",
  enis: 1,
  request: {
    requestVersion: 1 as const,
    subnetId: branded<SubnetId>("subnet-0123456789abcdef0"),
    securityGroups: aTrunk().securityGroups,
    ipv6: true,
  },
  trunkEniId: eniNumber(1),
  vlanId: branded<ClaimedBranch["vlanId"]>(1),
};

/** A branch whose intent is written. */
export function aClaimedBranch(changes: Partial<ClaimedBranch> = {}): ClaimedBranch {
  return { ...onTrunk, owner: podNumber(1), status: "claimed", stepDeadline: 1_763_600_060_123, ...changes };
}

/** A branch that its pod has. */
export function anAssociatedBranch(changes: Partial<AssociatedBranch> = {}): AssociatedBranch {
  return {
    ...onTrunk,
    owner: podNumber(1),
    status: "associated",
    eni: {
      eniId: eniNumber(2),
      mac: "02:00:5e:00:53:af",
      privateIp: "192.168.101.201",
      ipv6: "2600:1f14:0abc:de00:1234:5678:9abc:def0",
    },
    associationId: branded("trunk-assoc-0123456789abcdef0"),
    associatedAt: 1_763_600_001_123,
    omittedAt: 1_763_600_031_123,
    ...changes,
  };
}

/** A wish that waits. */
export function aWaitingBranch(changes: Partial<WaitingBranch> = {}): WaitingBranch {
  return {
    ...ofPod,
    owner: podNumber(1),
    status: "waiting",
    cluster: branded("blue"),
    namespace: "default",
    name: "my-pod",
    enis: 1,
    securityGroups: [],
    reason: "rate-limit",
    since: 1_763_600_000_123,
    wakeAt: 1_763_600_002_123,
    chain: 1,
    told: false,
    pacerTag: 12.375,
    ...changes,
  };
}

/** A tombstone. */
export function aGoneBranch(changes: Partial<GoneBranch> = {}): GoneBranch {
  return { ...ofPod, owner: podNumber(1), status: "gone", expiresAt: 1_763_603_600_123, ...changes };
}

/** An ENI that looked orphaned. */
export function aSighting(changes: Partial<SightingRecord> = {}): SightingRecord {
  return {
    kind: "sighting",
    eniId: eniNumber(3),
    version: 1,
    firstSeenAt: 1_763_600_000_123,
    claimed: false,
    expiresAt: 1_763_603_600_123,
    ...changes,
  };
}

/** A node with pods that wait for an address. */
export function aWaiter(changes: Partial<SubnetWaiterRecord> = {}): SubnetWaiterRecord {
  return {
    kind: "subnet-waiter",
    subnetId: branded("subnet-0123456789abcdef0"),
    instanceId: instanceNumber(1),
    cluster: branded<ClusterName>("production-eu.example.com"),
    version: 1,
    expiresAt: 1_763_603_600_123,
    ...changes,
  };
}
