import type { Advance, Attempt } from "./advance.ts";
import type { BranchCall } from "./branch-calls.ts";
import { disassociated, freed } from "./branch-ends.ts";
import type { Context } from "./decision.ts";
import { subnetFullWrites } from "./gates.ts";
import { doubtedTrunk } from "./lost-trunks.ts";
import { nodeLookAt } from "./messages-out.ts";
import type { WaitReason } from "./outcomes.ts";
import type { Ec2Failure } from "./ports.ts";
import type { ClaimedBranch, CreatedBranch, Partition, ReleasingBranch } from "./records.ts";
import { nextWish, type Turn, turnEnvelopes } from "./wait-again.ts";
import { putBranch, putTrunk } from "./writes.ts";

/** How soon a step is looked at again that EC2 did not let through for a reason that passes, milliseconds. */
const shortRestMilliseconds = 2_000;
/** The same for reasons that pass slowly. */
const longRestMilliseconds = 10_000;
/** Calls that meet an object which may not be visible yet, before the step rests. */
const shortRetriesMax = 2;

/** What follows from a refused call; every remedy is named for every kind of call (protocol.md P07, P16, P19). */
export const afterFailure = (
  partition: Partition,
  call: BranchCall,
  failure: Ec2Failure,
  context: Context & Attempt,
): Advance => {
  if (failure.remedy === "throttled" || failure.remedy === "repeat") {
    return { kind: "repeat", lookAt: context.now + shortRestMilliseconds };
  }
  switch (call.kind) {
    case "create":
      return afterCreate(partition, call.record, failure, context);
    case "find":
      return { kind: "rest", lookAt: context.now + longRestMilliseconds };
    case "associate":
      return afterAssociate(partition, call.record, failure, context);
    case "disassociate":
      return (
        afterTeardown(call.record, failure, context, call.record.associatedAt ?? call.record.createdAt) ??
        disassociated(partition, call.record, context)
      );
    case "delete":
      return (
        afterTeardown(call.record, failure, context, eniTime(call.record)) ?? freed(partition, call.record, context)
      );
  }
};

/** The pod's turn after a refusal: when it is tried again, and what it is told. */
const turnAfter = (failure: Ec2Failure, context: Context): Turn => {
  const { settings, now } = context;
  const wait = (reason: WaitReason, seconds: number): Turn => ({
    reason,
    wakeAt: now + seconds * 1_000,
    detail: failure.message,
    action: failure.action,
    problem: reason === "refused" ? failure.code : undefined,
  });
  switch (failure.remedy) {
    case "defer-address":
      return wait("subnet-full", settings.addressProbeSeconds);
    case "defer-quota":
      return wait("eni-quota", settings.addressProbeSeconds);
    default:
      return wait("refused", settings.refusalRetrySeconds);
  }
};

const afterCreate = (
  partition: Partition,
  record: ClaimedBranch | ReleasingBranch,
  failure: Ec2Failure,
  context: Context & Attempt,
): Advance => {
  if (failure.remedy === "short-retry" && context.attempts < shortRetriesMax) {
    return { kind: "repeat", lookAt: context.now + shortRestMilliseconds };
  }
  // Somebody may have called before, and the answer was lost: only the tag tells whether an ENI exists (P07).
  if (!context.fresh || failure.remedy === "mismatch") {
    return { kind: "call", call: { kind: "find", record } };
  }
  const undone = freed(partition, record, context, turnAfter(failure, context));
  const isFull = failure.remedy === "defer-address" || failure.remedy === "defer-quota";
  return undone.kind === "commit" && isFull && partition.trunk !== undefined
    ? { ...undone, writes: [...undone.writes, ...subnetFullWrites(partition.trunk, context)] }
    : undone;
};

const afterAssociate = (
  partition: Partition,
  record: CreatedBranch,
  failure: Ec2Failure,
  context: Context & Attempt,
): Advance => {
  const refused = turnAfter(failure, context);
  const again: Turn = { ...refused, reason: "step-under-way", wakeAt: context.now, problem: undefined };
  const isOld = record.eniCreatedAt + context.settings.notFoundGraceSeconds * 1_000 <= context.now;
  switch (failure.remedy) {
    case "vlan-taken":
      return teardown(record, context, { keepsVlan: true, turn: again });
    case "not-found":
    case "short-retry":
      if (failure.message.includes(record.trunkEniId)) return doubtTrunk(partition, context);
      // What is missing may be the trunk as well: only the deletion tells that no ENI is left behind.
      if (isOld) return teardown(record, context, { turn: again });
      return context.attempts < shortRetriesMax
        ? { kind: "repeat", lookAt: context.now + shortRestMilliseconds }
        : { kind: "rest", lookAt: context.now + shortRestMilliseconds };
    case "permanent":
    case "permanent-node":
    case "unauthorised":
    case "mismatch":
      return teardown(record, context, { turn: refused });
    case "look-again":
      // What EC2 does not let through for a minute it will not let through at all: another ENI may fare better.
      return isOld ? teardown(record, context, { turn: again }) : restTold(record, failure, context);
    default:
      return restTold(record, failure, context);
  }
};

/** A cut may not be visible yet, or a slot may become free: the ENI exists, so the step rests, and its pod is told once (P16, P19). */
const restTold = (record: CreatedBranch, failure: Ec2Failure, context: Context): Advance => {
  const lookAt = context.now + longRestMilliseconds;
  const { action, message: detail } = failure;
  const reason = failure.remedy === "look-again" ? "step-under-way" : "node-full";
  const turn: Turn = { reason, wakeAt: lookAt, detail, action };
  const envelopes = turnEnvelopes(record, record, turn, context);
  if (envelopes.length === 0) return { kind: "rest", lookAt };
  return {
    kind: "rest",
    lookAt,
    envelopes,
    writes: [putBranch({ ...record, wish: nextWish(record, turn, context) }, record)],
  };
};

/** EC2 does not know the trunk ENI: the branch's own ENI is there, and rests until the trunk was looked for (P13). */
const doubtTrunk = ({ trunk }: Partition, context: Context): Advance => {
  const { now, settings } = context;
  const lookAt = now + longRestMilliseconds;
  const doubted = doubtedTrunk(trunk, now);
  if (doubted === undefined) return { kind: "rest", lookAt };
  const againAt = now + settings.notFoundGraceSeconds * 1_000;
  return { kind: "rest", lookAt, writes: [putTrunk(doubted, trunk)], envelopes: [nodeLookAt(doubted, againAt, now)] };
};

interface Teardown {
  readonly turn: Turn;
  readonly keepsVlan?: boolean;
}

/** Commits the teardown of an ENI that cannot be associated; its pod waits again once it is gone. */
const teardown = (record: CreatedBranch, context: Context, { turn, keepsVlan }: Teardown): Advance => ({
  kind: "commit",
  writes: [
    putBranch(
      {
        ...record,
        status: "releasing",
        holdsSlot: true,
        deleteNotBefore: context.now,
        wish: nextWish(record, turn, context),
        keepsVlan,
      },
      record,
    ),
  ],
  envelopes: turnEnvelopes(record, record, turn, context),
});

/** When EC2 made an ENI, or later. */
const eniTime = ({ eniCreatedAt, associatedAt, createdAt }: ReleasingBranch): number =>
  eniCreatedAt ?? associatedAt ?? createdAt;

/** Undefined: what was to be removed is gone. NotFound says so only when its creation is old enough to be visible (P07). */
const afterTeardown = (
  record: ReleasingBranch,
  failure: Ec2Failure,
  context: Context,
  effectAt: number,
): Advance | undefined => {
  if (failure.remedy !== "not-found") return { kind: "rest", lookAt: context.now + longRestMilliseconds };
  const believedAt = effectAt + context.settings.notFoundGraceSeconds * 1_000;
  return believedAt <= context.now ? undefined : { kind: "rest", lookAt: Math.max(believedAt, record.deleteNotBefore) };
};
