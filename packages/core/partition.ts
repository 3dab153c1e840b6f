import type {
  AssociatedBranch,
  BranchRecord,
  CoolingBranch,
  LedgerRecord,
  Partition,
  RecordKey,
  TrunkRecord,
} from "./records.ts";
import type { Transaction } from "./transaction.ts";
import { withVlans } from "./vlans.ts";

/** A branch that is on its trunk, or about to be: it has a VLAN ID. */
export type PlacedBranch = Exclude<BranchRecord, { status: "waiting" | "gone" }>;

/** The identity of a record. */
export const keyOf = (record: LedgerRecord): RecordKey => {
  switch (record.kind) {
    case "trunk":
      return { kind: "trunk", instanceId: record.instanceId };
    case "branch":
      return { kind: "branch", instanceId: record.instanceId, owner: record.owner, index: record.index };
    case "cluster":
      return { kind: "cluster", cluster: record.cluster };
    case "cluster-node":
      return { kind: "cluster-node", cluster: record.cluster, instanceId: record.instanceId };
    case "subnet-waiter":
      return { kind: "subnet-waiter", subnetId: record.subnetId, instanceId: record.instanceId };
    case "subnet-probe":
      return { kind: "subnet-probe", subnetId: record.subnetId };
    case "sighting":
      return { kind: "sighting", eniId: record.eniId };
  }
};

/** The branch record of an owner at an index. */
export const branchAt = (partition: Partition, owner: string, index: number): BranchRecord | undefined =>
  partition.branches.find((branch) => branch.owner === owner && branch.index === index);

/** All records of one owner. */
export const branchesOf = (partition: Partition, owner: string): readonly BranchRecord[] =>
  partition.branches.filter((branch) => branch.owner === owner);

/** Whether the branch is on its trunk or about to be. */
export const isPlaced = (branch: BranchRecord): branch is PlacedBranch =>
  branch.status !== "waiting" && branch.status !== "gone";

/** Whether only an annotation tells of the branch (P10). */
export const isUnproven = (
  branch: BranchRecord,
): branch is (AssociatedBranch | CoolingBranch) & { readonly unproven: true } =>
  (branch.status === "associated" || branch.status === "cooling") && branch.unproven === true;

/** Whether the branch takes one of the trunk's slots: creations in flight count, cut branches do not (P20). */
export const holdsSlot = (branch: BranchRecord): boolean =>
  isPlaced(branch) && (branch.status !== "releasing" || branch.holdsSlot);

/** The partition as it is once the transaction is committed. Records of other partitions are passed over. */
export const withWrites = (partition: Partition, transaction: Transaction): Partition => {
  let { trunk } = partition;
  const branches = new Map(partition.branches.map((branch) => [`${branch.owner}#${branch.index}`, branch]));
  for (const write of transaction) {
    if (write.kind === "check") continue;
    const key = write.kind === "put" ? keyOf(write.record) : write.key;
    if (key.kind === "trunk") trunk = write.kind === "put" ? (write.record as TrunkRecord) : undefined;
    if (key.kind !== "branch") continue;
    const name = `${key.owner}#${key.index}`;
    if (write.kind === "put") branches.set(name, write.record as BranchRecord);
    else branches.delete(name);
  }
  return { instanceId: partition.instanceId, trunk, branches: [...branches.values()] };
};

/**
 * The trunk record, mended where branches contradict it: a branch without a bit gets it, and a bit without a branch stays taken. A
 * Query is not isolated from transactions, so that a contradiction first means *load again*; only one that stays is mended.
 */
export const mendedTrunk = (partition: Partition): TrunkRecord | undefined => {
  const { trunk } = partition;
  if (trunk === undefined) return undefined;
  const placed = partition.branches.filter(isPlaced).filter((branch) => branch.trunkEniId === trunk.trunkEniId);
  const vlans = withVlans(
    trunk.vlans,
    placed.map((branch) => branch.vlanId),
  );
  const held = Math.max(trunk.held, placed.filter(holdsSlot).length);
  return vlans === trunk.vlans && held === trunk.held ? trunk : { ...trunk, vlans, held };
};

/**
 * Whether a branch lacks its bit or its slot, which a second load may explain. The reverse is no contradiction that could do harm: a bit
 * without a branch is taken.
 */
export const isTorn = (partition: Partition): boolean => mendedTrunk(partition) !== partition.trunk;
