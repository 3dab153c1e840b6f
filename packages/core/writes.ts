import type { EniId } from "./ids.ts";
import { keyOf } from "./partition.ts";
import type { BranchRecord, TrunkRecord } from "./records.ts";
import type { Write } from "./transaction.ts";

/** A record as a decision describes it; its version follows from the record that it replaces. */
export type Unversioned<Recorded> = Recorded extends unknown ? Omit<Recorded, "version"> : never;

/**
 * Puts a branch in the place of the one that was read, or where nothing was. Versions only grow, also over a tombstone (S12).
 */
export const putBranch = (next: Unversioned<BranchRecord>, from: BranchRecord | undefined): Write => {
  const record = { ...next, version: (from?.version ?? 0) + 1 } as BranchRecord;
  if (from === undefined) return { kind: "put", record, expect: [{ name: "absent" }] };
  return {
    kind: "put",
    record,
    expect: [
      { name: "version-is", version: from.version },
      { name: "status-in", statuses: [from.status] },
      { name: "generation-is", generation: from.generation },
    ],
  };
};

/** Removes a branch record that was read. */
export const deleteBranch = (from: BranchRecord): Write => ({
  kind: "delete",
  key: keyOf(from),
  expect: [
    { name: "version-is", version: from.version },
    { name: "status-in", statuses: [from.status] },
  ],
});

/** Puts a trunk in the place of the one that was read, or where nothing was. */
export const putTrunk = (next: Unversioned<TrunkRecord>, from: TrunkRecord | undefined): Write => {
  const record: TrunkRecord = { ...next, version: (from?.version ?? 0) + 1 };
  if (from === undefined) return { kind: "put", record, expect: [{ name: "absent" }] };
  return {
    kind: "put",
    record,
    expect: [
      { name: "version-is", version: from.version },
      { name: "status-in", statuses: [from.status] },
    ],
  };
};

/** Demands that the trunk is still ready with this trunk ENI. */
export const checkTrunk = (trunk: TrunkRecord, trunkEniId: EniId): Write => ({
  kind: "check",
  key: keyOf(trunk),
  expect: [
    { name: "status-in", statuses: ["ready"] },
    { name: "trunk-eni-is", trunkEniId },
  ],
});
