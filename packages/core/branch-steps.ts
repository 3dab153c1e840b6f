import type { Advance, Attempt } from "./advance.ts";
import type { BranchCall, CallResult } from "./branch-calls.ts";
import { disassociated, freed } from "./branch-ends.ts";
import { afterFailure } from "./branch-failures.ts";
import type { Context } from "./decision.ts";
import type { AssociationId } from "./ids.ts";
import { assignedOutcome } from "./messages-out.ts";
import { withWrites } from "./partition.ts";
import type { BranchEni, ClaimedBranch, CreatedBranch, Partition, ReleasingBranch } from "./records.ts";
import { soon } from "./wait-again.ts";
import { putBranch } from "./writes.ts";

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
