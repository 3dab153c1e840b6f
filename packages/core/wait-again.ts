import type { Context } from "./decision.ts";
import type { VlanId } from "./ids.ts";
import { chainCopy } from "./messages-out.ts";
import { branchAt } from "./partition.ts";
import type { Envelope } from "./ports.ts";
import type { ClaimedBranch, CreatedBranch, Partition, ReleasingBranch, WaitingBranch, Wish } from "./records.ts";
import { endRecord } from "./tombstones.ts";
import type { Write } from "./transaction.ts";
import { type Deferral, deferralOutcome, intentTime, isWorthTelling } from "./waiting.ts";
import { putBranch } from "./writes.ts";

/** A branch between its claim and its end. */
export type PlacedStep = ClaimedBranch | CreatedBranch | ReleasingBranch;

/** What the next wish of a pod follows from. */
export type Wished = Pick<PlacedStep, "request" | "wish">;

/** Why a pod waits again, and until when. */
export type Turn = Deferral;

/** The pod is tried again at once: nothing is known that speaks against it. */
export const soon = (context: Context): Turn => ({
  reason: "step-under-way",
  wakeAt: context.now + 1_000,
  detail: "an interrupted creation was undone",
});

/** The wish of a pod after another deferral: the chain goes on where it was, also over a claim (P15). */
export const nextWish = (record: Wished, turn: Turn, context: Context): Wish => {
  const before = record.wish;
  return {
    securityGroups: before?.securityGroups ?? record.request.securityGroups,
    reason: turn.reason,
    since: before?.since ?? context.now,
    wakeAt: turn.wakeAt,
    chain: (before?.chain ?? 0) + 1,
    pacerTag: undefined,
    problem: turn.problem,
    told: isNews(record, turn, context) || (hasSameReason(before, turn) && before?.told === true),
  };
};

const hasSameReason = (before: Wish | undefined, turn: Turn): boolean =>
  before?.reason === turn.reason && before.problem === turn.problem;

/** Whether the pod must be told about a new turn: each change of reason once, and not for a moment's wait (P16). */
const isNews = (record: Wished, turn: Turn, context: Context): boolean =>
  isWorthTelling(turn, context) && !(hasSameReason(record.wish, turn) && record.wish?.told === true);

/** The message that tells the pod of a branch a new turn, when that is news. */
export const turnEnvelopes = (
  record: PlacedStep,
  before: Wished,
  turn: Turn,
  context: Context,
): readonly Envelope[] => {
  if (!isNews(before, turn, context)) return [];
  const { owner, namespace, name, instanceId } = record;
  const { reason, problem, wakeAt } = turn;
  const told = { owner, namespace, name, instanceId, reason, problem, wakeAt };
  return [{ to: "outcomes", cluster: context.cluster, body: deferralOutcome(told, turn, context) }];
};

/** What a commit writes, and the messages that follow it. */
export interface Consequence {
  readonly writes: readonly Write[];
  readonly envelopes: readonly Envelope[];
}

/**
 * Turns the last branch of a pod, whose ENI is gone, back into the pod's wish, which stands in the pod's first record. The generation rises, since
 * a deletion may lie behind (P07).
 */
export const waitAgain = (partition: Partition, record: PlacedStep, wish: Wish, context: Context): Consequence => {
  const { trunk } = partition;
  const first = record.index === 0 ? record : branchAt(partition, record.owner, 0);
  const generation = (first?.generation ?? record.generation) + 1;
  const identity = { ...identityOf(record), index: 0, generation, cluster: context.cluster };
  const write = putBranch({ ...identity, ...wish, status: "waiting" }, first);
  const next = (write as { readonly record: WaitingBranch }).record;
  return {
    writes: record.index === 0 ? [write] : [endRecord(record, context), write],
    envelopes: trunk === undefined ? [] : [chainCopy(next, trunk, context)],
  };
};

/**
 * Claims again for a branch whose ENI is gone, with another VLAN ID and a new intent (P07): a pod with several ENIs keeps the others meanwhile.
 */
export const claimAgain = (record: PlacedStep, vlanId: VlanId, context: Context): Write => {
  const { request, trunkEniId, wish } = record;
  const stepDeadline = context.now + context.settings.stepDeadlineSeconds * 1_000;
  const createdAt = intentTime(record, context.now);
  return putBranch(
    { ...identityOf(record), createdAt, status: "claimed", request, trunkEniId, vlanId, stepDeadline, wish },
    record,
  );
};

const identityOf = (record: PlacedStep) => ({
  kind: "branch" as const,
  instanceId: record.instanceId,
  owner: record.owner,
  index: record.index,
  generation: record.generation + 1,
  createdAt: record.createdAt,
  podVersion: record.podVersion,
  namespace: record.namespace,
  name: record.name,
  enis: record.enis,
});
