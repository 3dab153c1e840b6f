import { type BucketState, backlogBefore, flow, fullBucket, learn, pass, priorities, rateOf } from "./pacing-bucket.ts";
import { flowOf, join, serve, workUpTo } from "./pacing-queue.ts";
import { floorOf, type Quotas, scarcestAction, usableCapacity } from "./pacing-quotas.ts";
import type { Ec2Action, Priority, TokenGrant, TokenRequest } from "./ports.ts";

/** The tokens of an account in a Region, as all workers share them. */
export interface PacerState {
  /** Up to when time has passed in the buckets, epoch milliseconds. */
  readonly at: number;
  /** A bucket that is absent was never used and is full. */
  readonly buckets: Partial<Readonly<Record<Ec2Action, BucketState>>>;
}

/** What calls met, per action: how many were made, and how many of them were throttled. */
export type CallCounts = Partial<Readonly<Record<Ec2Action, { readonly made: number; readonly throttled: number }>>>;

/** Tokens are promised at most this far ahead of their coming, and only to pods (P17). */
export const aheadSecondsMax = 1;
/** A grant is void so long after its start, so that a frozen worker does not spend old tokens (P17). */
export const grantVoidMilliseconds = 2_000;
/** Nobody is told to wait longer: the longest delay that a queue's message can have. */
export const waitSecondsMax = 900;
/** The tag of a request that was never entered anywhere: presented again, it counts as new. */
export const unenteredTag = Number.MAX_SAFE_INTEGER;
/** Clocks may differ by this much. A record from further ahead was written by a clock that is wrong. */
const skewMillisecondsMax = 5_000;
/** Rounding of stored numbers must not keep anybody from a turn that has come. */
const tolerance = 0.001;

/** A pacer's state before its first use. */
export function freshPacer(now: number): PacerState {
  return { at: now, buckets: {} };
}

/** Lets the buckets know what calls met until now (P18). */
export function learnFromCalls(state: PacerState, calls: CallCounts, now: number, quotas: Quotas): PacerState {
  const desk = openDesk(state, now, quotas);
  for (const [action, counts] of entriesOf(calls)) desk.buckets.set(action, learn(bucketOf(desk, action), counts));
  return closeDesk(desk);
}

/**
 * Answers the requests of a batch (P17): the most urgent first, then in their order, each wholly, in part or not at
 * all. Calls that start within any time t never exceed the usable capacity plus t times the refill rate.
 *
 * @param now - the asking worker's time, epoch milliseconds; it may be behind that of the state.
 * @returns the state to keep, and the answers in the order of the requests.
 * @throws RangeError for a unit without actions, or of more tokens than its bucket ever gives: a bug of the caller.
 */
export function grantTokens(
  state: PacerState,
  requests: readonly TokenRequest[],
  now: number,
  quotas: Quotas,
): { readonly state: PacerState; readonly grants: readonly TokenGrant[] } {
  const desk = openDesk(state, now, quotas);
  const grants: TokenGrant[] = [];
  for (const priority of priorities) {
    for (const [place, request] of requests.entries()) {
      if (request.priority === priority) grants[place] = answer(desk, request);
    }
  }
  return { state: closeDesk(desk), grants };
}

/** The buckets while a batch is answered. */
interface Desk {
  readonly now: number;
  readonly at: number;
  readonly quotas: Quotas;
  readonly buckets: Map<Ec2Action, BucketState>;
}

function openDesk(state: PacerState, now: number, quotas: Quotas): Desk {
  const at = state.at > now + skewMillisecondsMax ? now : Math.max(state.at, now);
  const seconds = Math.max(0, at - state.at) / 1_000;
  const buckets = new Map<Ec2Action, BucketState>();
  for (const [action, bucket] of entriesOf(state.buckets)) buckets.set(action, pass(bucket, quotas[action], seconds));
  return { now, at, quotas, buckets };
}

function closeDesk({ at, buckets }: Desk): PacerState {
  return { at, buckets: Object.fromEntries(buckets) };
}

function entriesOf<Value>(values: Partial<Readonly<Record<Ec2Action, Value>>>): readonly [Ec2Action, Value][] {
  return Object.entries(values) as [Ec2Action, Value][];
}

function bucketOf({ buckets, quotas }: Desk, action: Ec2Action): BucketState {
  return buckets.get(action) ?? fullBucket(quotas[action]);
}

/** One request at the desk: its actions with the tokens that a unit needs of each. */
interface Turn {
  readonly flow: string;
  readonly priority: Priority;
  readonly needs: readonly (readonly [Ec2Action, number])[];
  /** The action whose queue orders the request, and its need. */
  readonly lane: Ec2Action;
  readonly laneNeed: number;
}

function turnOf(desk: Desk, { cluster, unit, priority }: TokenRequest): Turn {
  const needs = entriesOf(unit);
  for (const [action, need] of needs) {
    const most = usableCapacity(desk.quotas[action]) - floorOf(desk.quotas[action], priority);
    if (!(need > 0 && need <= most)) throw new RangeError(`${need} tokens of ${action} are more than ever given.`);
  }
  if (needs.length === 0) throw new RangeError("A unit of work needs at least one action.");
  const lane = scarcestAction(unit, desk.quotas);
  return { flow: flowOf(cluster), priority, needs, lane, laneNeed: unit[lane] as number };
}

function answer(desk: Desk, request: TokenRequest): TokenGrant {
  const turn = turnOf(desk, request);
  const start = takePlace(desk, turn, request);
  const granted = Math.min(request.units, unitsDue(desk, turn, start), unitsThere(desk, turn));
  const startsAt = desk.now + spend(desk, turn, granted);
  const tag = start + granted * turn.laneNeed;
  const rest = request.units - granted;
  const wakeAt = rest === 0 ? startsAt : desk.now + Math.ceil(secondsUntil(desk, turn, { tag, rest }) * 1_000);
  return { granted, startsAt, expiresAt: startsAt + grantVoidMilliseconds, wakeAt, tag };
}

/** Puts the request into its lane's queue and lets what is unclaimed flow to it. */
function takePlace(desk: Desk, turn: Turn, { units, tag }: TokenRequest): number {
  const bucket = bucketOf(desk, turn.lane);
  const quota = desk.quotas[turn.lane];
  const joined = join(bucket.queues[turn.priority], {
    flow: turn.flow,
    tokens: units * turn.laneNeed,
    tag,
    backlogMax: quota.refillPerSecond * waitSecondsMax,
  });
  const queues = { ...bucket.queues, [turn.priority]: joined.queue };
  desk.buckets.set(turn.lane, flow({ ...bucket, queues }, quota));
  return joined.start;
}

/** Units whose start tag virtual time has reached, or will have reached by the end of what is promised ahead. */
function unitsDue(desk: Desk, { lane, laneNeed, priority }: Turn, start: number): number {
  const bucket = bucketOf(desk, lane);
  const comes = bucket.unclaimed + aheadOf(desk, lane, priority) - floorOf(desk.quotas[lane], priority);
  const { virtualTime } = serve(bucket.queues[priority], comes).queue;
  return Math.max(0, Math.floor((virtualTime - start) / laneNeed + tolerance) + 1);
}

/** Units for which every action has tokens; all of them start together, so never more than a full bucket gives. */
function unitsThere(desk: Desk, { needs, priority }: Turn): number {
  const units = needs.map(([action, need]) => {
    const { tokens } = bucketOf(desk, action);
    const quota = desk.quotas[action];
    const there = Math.min(usableCapacity(quota), tokens + aheadOf(desk, action, priority)) - floorOf(quota, priority);
    return Math.floor(there / need);
  });
  return Math.max(0, Math.min(...units));
}

/** Tokens of the next second, which only pods are promised. */
function aheadOf(desk: Desk, action: Ec2Action, priority: Priority): number {
  return priority === "pod" ? rateOf(bucketOf(desk, action), desk.quotas[action]) * aheadSecondsMax : 0;
}

/**
 * Takes the tokens. Those of the lane have flowed to the request already; the others' are taken from what is unclaimed.
 *
 * @returns in how many milliseconds the calls may start: when every bucket of the turn is out of debt.
 */
function spend(desk: Desk, { needs, lane }: Turn, units: number): number {
  const debts = needs.map(([action, need]) => {
    const bucket = bucketOf(desk, action);
    return Math.max(0, units * need - bucket.tokens) / rateOf(bucket, desk.quotas[action]);
  });
  const seconds = Math.min(aheadSecondsMax, Math.max(...debts));
  for (const [action, need] of needs) {
    const bucket = bucketOf(desk, action);
    const quota = desk.quotas[action];
    // EC2's bucket overflows while it is full and the calls have not started: that refill never comes.
    const overflow = Math.max(0, bucket.tokens + rateOf(bucket, quota) * seconds - usableCapacity(quota));
    const tokens = bucket.tokens - units * need - overflow;
    const unclaimed = bucket.unclaimed - overflow - (action === lane ? 0 : units * need);
    desk.buckets.set(action, { ...bucket, tokens, unclaimed });
  }
  return Math.ceil(seconds * 1_000);
}

/** Seconds until the rest, or as much of it as the buckets hold at once, can expect its turn and its tokens. */
function secondsUntil(desk: Desk, turn: Turn, { tag, rest }: { readonly tag: number; readonly rest: number }): number {
  const { needs, lane, laneNeed, priority } = turn;
  const wanted = needs.reduce((units, [action, need]) => {
    const quota = desk.quotas[action];
    return Math.min(units, Math.floor((usableCapacity(quota) - floorOf(quota, priority)) / need));
  }, rest);
  const waits = needs.map(([action, need]) => {
    const bucket = bucketOf(desk, action);
    const missing = wanted * need + floorOf(desk.quotas[action], priority) - bucket.tokens;
    return missing / rateOf(bucket, desk.quotas[action]);
  });
  const bucket = bucketOf(desk, lane);
  const before = backlogBefore(bucket, priority) + floorOf(desk.quotas[lane], priority) - bucket.unclaimed;
  const work = workUpTo(bucket.queues[priority], turn.flow, tag + wanted * laneNeed);
  return Math.min(waitSecondsMax, Math.max(...waits, (before + work) / rateOf(bucket, desk.quotas[lane])));
}
