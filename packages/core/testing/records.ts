import {
  type AssociatedBranch,
  type BranchEni,
  type BranchRecord,
  branded,
  type ClaimedBranch,
  type ClusterRecord,
  type CoolingBranch,
  type CreatedBranch,
  type GoneBranch,
  holdsSlot,
  isPlaced,
  noVlans,
  type Partition,
  type ReleasingBranch,
  type TrunkRecord,
  type VlanId,
  type WaitingBranch,
  withVlans,
} from "../index.ts";
import { modelTrunk } from "./model-node.ts";

/** When the tests' records were written, epoch milliseconds. */
export const start = 1_800_000_000_000;

const identity = (owner: string) => ({
  kind: "branch" as const,
  instanceId: modelTrunk().instanceId,
  owner,
  index: 0,
  version: 3,
  generation: 0,
  createdAt: start,
  podVersion: branded<BranchRecord["podVersion"]>("100"),
});

const names = { namespace: "default", name: "pod", enis: 1 };

const onTrunk = (owner: string, vlanId: number) => ({
  ...identity(owner),
  ...names,
  request: {
    requestVersion: 1 as const,
    subnetId: branded<TrunkRecord["subnetId"]>("subnet-1"),
    securityGroups: [branded<TrunkRecord["securityGroups"][number]>("sg-a")],
    ipv6: false,
  },
  trunkEniId: branded<ClaimedBranch["trunkEniId"]>("eni-trunk"),
  vlanId: branded<VlanId>(vlanId),
});

/** The VLAN ID of a branch that is not the only one of its node. */
export const vlan = (number: number): { readonly vlanId: VlanId } => ({ vlanId: branded<VlanId>(number) });

const eniOf = (owner: string): BranchEni => ({
  eniId: branded(`eni-of-${owner}`),
  mac: "0a:00:00:00:00:01",
  privateIp: "10.0.0.9",
  ipv6: "",
});

export const waitingBranch = (owner: string, changes: Partial<WaitingBranch> = {}): WaitingBranch => ({
  ...identity(owner),
  ...names,
  status: "waiting",
  cluster: modelTrunk().cluster,
  securityGroups: ["sg-a"],
  reason: "node-full",
  since: start,
  wakeAt: start + 60_000,
  chain: 1,
  told: true,
  ...changes,
});

export const claimedBranch = (owner: string, changes: Partial<ClaimedBranch> = {}): ClaimedBranch => ({
  ...onTrunk(owner, 1),
  status: "claimed",
  stepDeadline: start + 60_000,
  ...changes,
});

export const createdBranch = (owner: string, changes: Partial<CreatedBranch> = {}): CreatedBranch => ({
  ...onTrunk(owner, 1),
  status: "created",
  eni: eniOf(owner),
  eniCreatedAt: start,
  stepDeadline: start + 60_000,
  ...changes,
});

export const associatedBranch = (owner: string, changes: Partial<AssociatedBranch> = {}): AssociatedBranch => ({
  ...onTrunk(owner, 1),
  status: "associated",
  eni: eniOf(owner),
  associationId: branded("trunk-assoc-1"),
  associatedAt: start,
  ...changes,
});

export const coolingBranch = (owner: string, changes: Partial<CoolingBranch> = {}): CoolingBranch => ({
  ...onTrunk(owner, 1),
  status: "cooling",
  eni: eniOf(owner),
  associationId: branded("trunk-assoc-1"),
  associatedAt: start,
  coolingSince: start,
  coolUntil: start + 62_000,
  unconfirmed: false,
  ...changes,
});

export const releasingBranch = (owner: string, changes: Partial<ReleasingBranch> = {}): ReleasingBranch => ({
  ...onTrunk(owner, 1),
  status: "releasing",
  eni: eniOf(owner),
  associationId: branded("trunk-assoc-1"),
  associatedAt: start,
  holdsSlot: true,
  deleteNotBefore: start,
  stepDeadline: start + 60_000,
  ...changes,
});

export const goneBranch = (owner: string, changes: Partial<GoneBranch> = {}): GoneBranch => ({
  ...identity(owner),
  status: "gone",
  expiresAt: start + 3_600_000,
  ...changes,
});

/** A partition whose trunk agrees with its branches. */
export const partitionOf = (branches: readonly BranchRecord[], changes: Partial<TrunkRecord> = {}): Partition => {
  const vlans = branches.filter(isPlaced).map(({ vlanId }) => vlanId);
  const trunk = modelTrunk({
    vlans: withVlans(noVlans, vlans),
    held: branches.filter(holdsSlot).length,
    createdAt: start,
    ...changes,
  });
  return { instanceId: trunk.instanceId, trunk, branches };
};

/** A registered cluster. */
export const clusterRecord = (changes: Partial<ClusterRecord> = {}): ClusterRecord => ({
  kind: "cluster",
  cluster: branded("blue"),
  version: 1,
  incarnation: modelTrunk().incarnation,
  retired: [],
  cooldownSeconds: 60,
  forwarderVersion: "0.1.0",
  groupSets: [["sg-a"]],
  registeredAt: start,
  ...changes,
});
