import type { BranchCall, CallResult } from "./branch-calls.ts";
import { afterFailure } from "./branch-failures.ts";
import type { Context } from "./decision.ts";
import { giveBack, wishedBefore } from "./giving-back.ts";
import type { AssociationId, VlanId } from "./ids.ts";
import { assignedOutcome, branchLookAt } from "./messages-out.ts";
import { withWrites } from "./partition.ts";
import type { Envelope } from "./ports.ts";
import type { BranchEni, ClaimedBranch, CreatedBranch, Partition, ReleasingBranch, TrunkRecord } from "./records.ts";
import { endRecord } from "./tombstones.ts";
import type { Transaction } from "./transaction.ts";
import { freeVlans, withoutVlans, withVlans } from "./vlans.ts";
import {
  type Consequence,
  claimAgain,
  nextWish,
  type PlacedStep,
  soon,
  type Turn,
  turnEnvelopes,
} from "./wait-again.ts";
import { putBranch, putTrunk } from "./writes.ts";

/** What follows from the answer to a branch's call. */
export type Advance =
  /** Commit, then make the next call of the branch, if there is one. */
  | {
      readonly kind: "commit";
      readonly writes: Transaction;
      readonly envelopes: readonly Envelope[];
      /** A pod with several ENIs that may have all of them now: only a load after the commit can tell. */
      readonly mayComplete?: string;
    }
  /** Nothing to commit yet: go on with the record as it is here. */
  | { readonly kind: "proceed"; readonly record: ReleasingBranch }
  /** Make another call for the same record. */
  | { readonly kind: "call"; readonly call: BranchCall }
  /** Repeat the call soon; when there is no time left, look again at the given time. */
  | { readonly kind: "repeat"; readonly lookAt: number }
  /** Leave it, and look again then. */
  | {
      readonly kind: "rest";
      readonly lookAt: number;
      /** Committed before, unless somebody else is in the way; only then the messages are sent. */
      readonly writes?: Transaction;
      readonly envelopes?: readonly Envelope[];
    };

/** Beside the answer: what the worker knows about the call. */
export interface Attempt {
  /** No call was ever made for this intent before. */
  readonly fresh: boolean;
  /** Calls of this kind that this worker has made for this record, this one included. */
  readonly attempts: number;
}

/**
 * What follows from the answer to a call, for the partition as it is now. Pure: the allocator commits and goes on. When the commit
 * conflicts, the partition is loaded again and this is asked again with the same answer.
 */
export const advance = (
  partition: Partition,
  call: BranchCall,
  result: CallResult,
  context: Context & Attempt,
): Advance => {
  if (!result.ok) return afterFailure(partition, call, result.failure, context);
  switch (call.kind) {
    case "create":
    case "find":
      return result.eni === undefined
        ? afterNothingFound(partition, call.record, context)
        : created(call.record, result.eni, context);
    case "associate":
      return associated(partition, call.record, result.associationId as AssociationId, context);
    case "disassociate":
      return disassociated(partition, call.record, context);
    case "delete":
      return freed(partition, call.record, context);
  }
};

const created = (record: ClaimedBranch | ReleasingBranch, eni: BranchEni, context: Context): Advance => {
  const stepDeadline = context.now + context.settings.stepDeadlineSeconds * 1_000;
  const next =
    record.status === "claimed"
      ? ({ ...record, status: "created", eni, eniCreatedAt: context.now, stepDeadline } as const)
      : { ...record, eni, eniCreatedAt: context.now, stepDeadline };
  return { kind: "commit", writes: [putBranch(next, record)], envelopes: [] };
};

/** No ENI carries the intent: after the grace time that is a fact (P07), before it may only be invisible. */
const afterNothingFound = (
  partition: Partition,
  record: ClaimedBranch | ReleasingBranch,
  context: Context,
): Advance => {
  const believedAt = record.createdAt + context.settings.notFoundGraceSeconds * 1_000;
  if (context.now < believedAt) return { kind: "rest", lookAt: believedAt };
  return freed(partition, record, context, soon(context));
};

const associated = (
  partition: Partition,
  record: CreatedBranch,
  associationId: AssociationId,
  context: Context,
): Advance => {
  const { stepDeadline: _stepDeadline, wish: _wish, eniCreatedAt: _eniCreatedAt, ...rest } = record;
  const writes = [putBranch({ ...rest, status: "associated", associationId, associatedAt: context.now }, record)];
  // Other workers may be at the pod's other ENIs, and none of them would see all.
  if (record.enis > 1) return { kind: "commit", writes, envelopes: [], mayComplete: record.owner };
  return { kind: "commit", writes, envelopes: assignedOutcome(withWrites(partition, writes), record.owner) };
};

/**
 * The slot is free. When the ENI may be deleted at once, the deletion's transaction gives slot and VLAN ID back together; a cut branch gives
 * its slot back here, in the one transaction that records the disassociation (P20).
 */
export const disassociated = (partition: Partition, record: ReleasingBranch, context: Context): Advance => {
  const { trunk } = partition;
  const { associationId: _associationId, ...rest } = record;
  if (record.deleteNotBefore <= context.now) return { kind: "proceed", record: rest };
  const next = { ...rest, holdsSlot: false, stepDeadline: record.deleteNotBefore };
  const isOurs = trunk !== undefined && trunk.trunkEniId === record.trunkEniId && record.holdsSlot;
  return {
    kind: "commit",
    writes: [
      putBranch(next, record),
      ...(isOurs ? [putTrunk({ ...trunk, held: Math.max(0, trunk.held - 1) }, trunk)] : []),
    ],
    envelopes: [branchLookAt(record, record.deleteNotBefore, context.now)],
  };
};

/** The trunk whose slot and VLAN ID the branch has; none when the trunk ENI was replaced or has ended with its instance. */
const ownTrunk = (trunk: TrunkRecord | undefined, record: PlacedStep): TrunkRecord | undefined =>
  trunk !== undefined && trunk.status !== "gone" && trunk.trunkEniId === record.trunkEniId ? trunk : undefined;

/**
 * The ENI is gone, or never was: slot and VLAN ID are free. A pod that lives on waits again, all others leave a tombstone (P03).
 *
 * @param turn why the pod waits again, when its record does not say it
 */
export const freed = (partition: Partition, record: PlacedStep, context: Context, turn?: Turn): Advance => {
  const { trunk } = partition;
  const releasing = record.status === "releasing" ? record : undefined;
  const ours = ownTrunk(trunk, record);
  const keepsVlan = releasing?.keepsVlan === true;
  const commit = (slots: number, taken: readonly VlanId[], { writes, envelopes }: Consequence): Advance => {
    if (ours === undefined) return { kind: "commit", writes, envelopes };
    const vlans = withVlans(keepsVlan ? ours.vlans : withoutVlans(ours.vlans, [record.vlanId]), taken);
    const next = { ...ours, vlans, held: Math.max(0, ours.held - slots), lastVlan: taken[0] ?? ours.lastVlan };
    return { kind: "commit", writes: [putTrunk(next, ours), ...writes], envelopes };
  };
  const slot = releasing?.holdsSlot === false ? 0 : 1;
  const before = wishedBefore(partition, record);
  const wish = turn === undefined ? releasing?.wish : nextWish(before, turn, context);
  if (wish === undefined || (releasing !== undefined && releasing.wish === undefined)) {
    return commit(slot, [], { writes: [endRecord(record, context)], envelopes: [] });
  }
  if (record.enis > 1 && ours !== undefined && wish.reason === "step-under-way") {
    const vlanId = freeVlans(ours.vlans, ours.lastVlan)[0] ?? record.vlanId;
    return commit(0, [vlanId], { writes: [claimAgain(record, vlanId, context)], envelopes: [] });
  }
  const again = giveBack(partition, record, wish, context);
  const news = turn === undefined ? [] : turnEnvelopes(record, before, turn, context);
  return commit(slot, [], { writes: again.writes, envelopes: [...again.envelopes, ...news] });
};
