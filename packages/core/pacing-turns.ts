import { backlogBefore, flow, rateOf, tokensFor, unclaimedOf } from "./pacing-bucket.ts";
import { bucketOf, type Desk, entriesOf } from "./pacing-desk.ts";
import { flowOf, join, type Place, serve, workUpTo } from "./pacing-queue.ts";
import { floorOf, scarcestAction, usableCapacity } from "./pacing-quotas.ts";
import type { Ec2Action, Priority, TokenGrant, TokenRequest } from "./ports.ts";

/** Tokens are promised at most this far ahead of their coming, and only to pods (P17). */
const aheadSecondsMax = 1;
/** A grant is void so long after its start, so that a frozen worker does not spend old tokens (P17). */
const grantVoidMilliseconds = 2_000;
/** Nobody is told to wait longer: the longest delay that a queue's message can have. */
const waitSecondsMax = 900;
/** Rounding of stored numbers must not keep anybody from a turn that has come. */
const tolerance = 0.001;

/** The tag of a request that was never entered anywhere: presented again, it counts as new. */
export const unenteredTag = Number.MAX_SAFE_INTEGER;
/**
 * The tag of a pod's work that is under way, such as the next call for an ENI or a cut: it goes before new work, and is
 * counted to its cluster.
 */
export const urgentTag = -1;

/** One request at the desk. */
interface Turn {
  readonly flow: string;
  readonly priority: Priority;
  /** The actions with the tokens that a unit needs of each. */
  readonly needs: readonly (readonly [Ec2Action, number])[];
  /** The action whose queue orders the request, and its need. */
  readonly lane: Ec2Action;
  readonly laneNeed: number;
}

/** Answers one request and takes what it grants. */
export function answer(desk: Desk, request: TokenRequest): TokenGrant {
  const turn = turnOf(desk, request);
  return turn.priority === "pod" ? answerPod(desk, turn, request) : answerOther(desk, turn, request);
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

/** Pods take turns: a unit is granted when virtual time reaches its start tag and tokens are there. */
function answerPod(desk: Desk, turn: Turn, { units, tag }: TokenRequest): TokenGrant {
  const { start, finish } = takePlace(desk, turn, { units, tag });
  const granted = Math.min(units, unitsDue(desk, turn, start), unitsThere(desk, turn));
  const startsAt = desk.now + spend(desk, turn, granted);
  const wakeAt = granted === units ? startsAt : wakeTime(desk, turn, { finish, rest: units - granted });
  const next = tag === urgentTag ? tag : start + granted * turn.laneNeed;
  return { granted, startsAt, expiresAt: startsAt + grantVoidMilliseconds, wakeAt, tag: next };
}

/**
 * Other work takes what is there. What it does not get is entered in its queue only to tell each when to come back, so
 * that all of it does not come at once: nobody notes a tag for it, and who comes is served.
 */
function answerOther(desk: Desk, turn: Turn, { units }: TokenRequest): TokenGrant {
  const granted = Math.min(units, unitsThere(desk, turn));
  const startsAt = desk.now + spend(desk, turn, granted);
  const rest = units - granted;
  const { finish } = takePlace(desk, turn, { units: rest, tag: undefined });
  const wakeAt = rest === 0 ? startsAt : wakeTime(desk, turn, { finish, rest });
  return { granted, startsAt, expiresAt: startsAt + grantVoidMilliseconds, wakeAt, tag: unenteredTag };
}

/** Puts units into their lane's queue and lets what is unclaimed flow to it. */
function takePlace(desk: Desk, turn: Turn, { units, tag }: Pick<TokenRequest, "units" | "tag">): Place {
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
  return joined;
}

/** Units whose start tag virtual time has reached, or will have reached by the end of what is promised ahead. */
function unitsDue(desk: Desk, { lane, laneNeed, priority }: Turn, start: number): number {
  const bucket = bucketOf(desk, lane);
  const { virtualTime } = serve(bucket.queues[priority], unclaimedOf(bucket) + aheadOf(desk, lane, priority)).queue;
  return Math.max(0, Math.floor((virtualTime - start) / laneNeed + tolerance) + 1);
}

/** Units for which every action has tokens; all of them start together, so never more than a full bucket gives. */
function unitsThere(desk: Desk, { needs, priority }: Turn): number {
  const units = needs.map(([action, need]) => {
    const quota = desk.quotas[action];
    const there = tokensFor(bucketOf(desk, action), quota, priority) + aheadOf(desk, action, priority);
    return Math.floor(Math.min(usableCapacity(quota), there) / need);
  });
  return Math.max(0, Math.min(...units));
}

/** Tokens of the next second, which only pods are promised. */
function aheadOf(desk: Desk, action: Ec2Action, priority: Priority): number {
  return priority === "pod" ? rateOf(bucketOf(desk, action), desk.quotas[action]) * aheadSecondsMax : 0;
}

/**
 * Takes the tokens; in the lane, first those that have flowed to the queue.
 *
 * @returns in how many milliseconds the calls may start: when every bucket of the turn is out of debt.
 */
function spend(desk: Desk, turn: Turn, units: number): number {
  const debts = turn.needs.map(([action, need]) => {
    const bucket = bucketOf(desk, action);
    return Math.max(0, units * need - bucket.tokens) / rateOf(bucket, desk.quotas[action]);
  });
  const milliseconds = Math.ceil(Math.min(aheadSecondsMax, Math.max(...debts)) * 1_000);
  for (const [action, need] of turn.needs) {
    const bucket = bucketOf(desk, action);
    const quota = desk.quotas[action];
    const atStart = bucket.tokens + (rateOf(bucket, quota) * milliseconds) / 1_000;
    // EC2's bucket overflows while it is full and the calls have not started: that refill never comes.
    const overflow = Math.max(0, atStart - usableCapacity(quota));
    const tokens = bucket.tokens - units * need - overflow;
    const queues = action === turn.lane ? taken(bucket.queues, turn.priority, units * need) : bucket.queues;
    desk.buckets.set(action, { ...bucket, tokens, queues });
  }
  return milliseconds;
}

type Queues = ReturnType<typeof bucketOf>["queues"];

/** Pods may take what is promised ahead; other work that was not told to come takes what is unclaimed. */
function taken(queues: Queues, priority: Priority, tokens: number): Queues {
  const left = queues[priority].due - tokens;
  return { ...queues, [priority]: { ...queues[priority], due: priority === "pod" ? left : Math.max(0, left) } };
}

/** When the rest, or as much of it as the buckets hold at once, can expect its turn and its tokens. */
function wakeTime(
  desk: Desk,
  turn: Turn,
  { finish, rest }: { readonly finish: number; readonly rest: number },
): number {
  const { needs, lane, laneNeed, priority } = turn;
  const wanted = needs.reduce((units, [action, need]) => {
    const quota = desk.quotas[action];
    return Math.min(units, Math.floor((usableCapacity(quota) - floorOf(quota, priority)) / need));
  }, rest);
  const waits = needs.map(([action, need]) => {
    const bucket = bucketOf(desk, action);
    return (wanted * need - tokensFor(bucket, desk.quotas[action], priority)) / rateOf(bucket, desk.quotas[action]);
  });
  const bucket = bucketOf(desk, lane);
  const before = backlogBefore(bucket, priority) + floorOf(desk.quotas[lane], priority) - unclaimedOf(bucket);
  const work = workUpTo(bucket.queues[priority], turn.flow, finish - (rest - wanted) * laneNeed);
  const seconds = Math.max(...waits, (before + work) / rateOf(bucket, desk.quotas[lane]));
  return desk.now + Math.ceil(Math.min(waitSecondsMax, seconds) * 1_000);
}
