import type { Context } from "./decision.ts";
import type { VlanId } from "./ids.ts";
import { chainCopy } from "./messages-out.ts";
import type { Envelope } from "./ports.ts";
import type { ClaimedBranch, CreatedBranch, Partition, ReleasingBranch, WaitingBranch, Wish } from "./records.ts";
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

/** What a pod is told about a new turn, if anything. */
export const turnEnvelopes = (record: PlacedStep, turn: Turn, context: Context): readonly Envelope[] => {
  if (!isNews(record, turn, context)) return [];
  const { owner, namespace, name, instanceId } = record;
  const { reason, problem, wakeAt } = turn;
  const body = deferralOutcome({ owner, namespace, name, instanceId, reason, problem, wakeAt }, turn, context);
  return [{ to: "outcomes", cluster: context.cluster, body }];
};

/**
 * Turns the only branch of a pod, whose ENI is gone, back into the pod's wish. The generation rises, since a deletion may lie behind (P07).
 *
 * @param turn why the pod waits again; undefined when its record's wish already says it
 */
export const waitAgain = (
  partition: Partition,
  record: PlacedStep,
  context: Context,
  turn: Turn | undefined,
): { readonly write: Write; readonly envelopes: readonly Envelope[] } => {
  const { trunk } = partition;
  const wish = turn === undefined ? (record.wish as Wish) : nextWish(record, turn, context);
  const write = putBranch({ ...identityOf(record), ...wish, status: "waiting", cluster: context.cluster }, record);
  const next = (write as { readonly record: WaitingBranch }).record;
  return {
    write,
    envelopes: [
      ...(trunk === undefined ? [] : [chainCopy(next, trunk, context)]),
      ...(turn === undefined ? [] : turnEnvelopes(record, turn, context)),
    ],
  };
};

/**
 * Claims again for a branch whose ENI is gone, with another VLAN ID and the next generation (P07): a pod with several ENIs keeps the others
 * meanwhile.
 *
 * @param stepDeadline until when nobody else goes on with it, epoch milliseconds
 */
export const claimAgain = (record: PlacedStep, vlanId: VlanId, stepDeadline: number, context: Context): Write => {
  const { request, trunkEniId, wish } = record;
  // The next ENI's age counts from now: NotFound and refusals are judged by it.
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
