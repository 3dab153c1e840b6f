import { backlogOf, emptyQueue, type QueueState, relieve, serve } from "./pacing-queue.ts";
import { floorOf, type Quota, usableCapacity } from "./pacing-quotas.ts";
import type { Priority } from "./ports.ts";

/** From the most urgent on. */
export const priorities = ["pod", "clean-up", "background"] as const satisfies readonly Priority[];

/** One action's bucket, as all workers share it. */
export interface BucketState {
  /** Tokens that are there; below zero while tokens of the next second are promised. */
  readonly tokens: number;
  /** Share of the account's refill rate that is used: 1 but after many throttled calls (P18). */
  readonly rateShare: number;
  /** Calls reported in the current window, and how many of them were throttled. */
  readonly made: number;
  readonly throttled: number;
  readonly queues: Readonly<Record<Priority, QueueState>>;
}

/** The share of the refill rate never falls below this. */
const rateShareMin = 0.25;
/** The most by which one window of calls lowers the rate (P18). */
const rateCutMax = 0.1;
/** Calls in a window, and the share of throttled ones above which the rate is lowered (P18). */
const windowCalls = 100;
const throttledShareMax = 0.03;
/** How much of the account's rate comes back in a second: 1 % a minute. */
const rateShareRegainedPerSecond = 0.01 / 60;

/** A bucket that nobody has used yet. */
export function fullBucket(quota: Quota): BucketState {
  const queues = { pod: emptyQueue, "clean-up": emptyQueue, background: emptyQueue };
  return { tokens: usableCapacity(quota), rateShare: 1, made: 0, throttled: 0, queues };
}

/** Tokens that the bucket earns in a second. */
export function rateOf(bucket: BucketState, quota: Quota): number {
  return quota.refillPerSecond * bucket.rateShare;
}

/** Lets time pass: tokens come, flow to those who wait, and a full bucket relieves everybody. */
export function pass(bucket: BucketState, quota: Quota, seconds: number): BucketState {
  const capacity = usableCapacity(quota);
  const earned = rateOf(bucket, quota) * seconds;
  const rateShare = Math.min(1, bucket.rateShare + rateShareRegainedPerSecond * seconds);
  const tokens = Math.min(capacity, bucket.tokens + earned);
  if (tokens < capacity) return flow({ ...bucket, rateShare, tokens }, quota);
  const { pod, "clean-up": cleanUp, background } = bucket.queues;
  const queues = { pod: relieve(pod), "clean-up": relieve(cleanUp), background: relieve(background) };
  return { ...bucket, rateShare, tokens, queues };
}

/** Tokens that no queue has a claim on; below zero when more is owed than there is. */
export function unclaimedOf({ tokens, queues }: BucketState): number {
  return tokens - queues.pod.due - queues["clean-up"].due - queues.background.due;
}

/** Lets unclaimed tokens flow to the queues, the most urgent first, each down to its floor. */
export function flow(bucket: BucketState, quota: Quota): BucketState {
  const queues = { ...bucket.queues };
  let unclaimed = unclaimedOf(bucket);
  for (const priority of priorities) {
    const floor = floorOf(quota, priority);
    const served = serve(queues[priority], unclaimed - floor);
    queues[priority] = settled(served.queue);
    unclaimed = served.left + floor;
  }
  return { ...bucket, queues };
}

/** When nobody waits, nothing is owed to the bucket: a message that came twice may have taken what flowed once. */
function settled(queue: QueueState): QueueState {
  return queue.due < 0 && backlogOf(queue) === 0 ? { ...queue, due: 0 } : queue;
}

/** Tokens that work of this priority finds: what is there, but for the floor and for what more urgent work is due. */
export function tokensFor(bucket: BucketState, quota: Quota, priority: Priority): number {
  let tokens = bucket.tokens - floorOf(quota, priority);
  for (const higher of prioritiesAbove(priority)) tokens -= Math.max(0, bucket.queues[higher].due);
  return tokens;
}

/** Tokens that work of higher priority waits for. */
export function backlogBefore(bucket: BucketState, priority: Priority): number {
  let backlog = 0;
  for (const higher of prioritiesAbove(priority)) backlog += backlogOf(bucket.queues[higher]);
  return backlog;
}

function prioritiesAbove(priority: Priority): readonly Priority[] {
  return priorities.slice(0, priorities.indexOf(priority));
}

/**
 * Learns from calls (P18): a throttle empties the bucket; the rate falls, by at most a tenth, only when more than three
 * of a hundred calls were throttled. What is promised to those whose turn has come stays promised.
 */
export function learn(bucket: BucketState, calls: { readonly made: number; readonly throttled: number }): BucketState {
  const lost = calls.throttled > 0 ? Math.max(0, bucket.tokens) : 0;
  const made = bucket.made + calls.made;
  const throttled = bucket.throttled + calls.throttled;
  const emptied = { ...bucket, tokens: bucket.tokens - lost };
  const throttledShare = throttled / Math.max(windowCalls, made);
  if (throttledShare > throttledShareMax) {
    const rateShare = Math.max(rateShareMin, bucket.rateShare * (1 - Math.min(rateCutMax, throttledShare)));
    return { ...emptied, rateShare, made: 0, throttled: 0 };
  }
  return made < windowCalls ? { ...emptied, made, throttled } : { ...emptied, made: 0, throttled: 0 };
}
