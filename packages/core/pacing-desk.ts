import { type BucketState, fullBucket, pass } from "./pacing-bucket.ts";
import type { Quotas } from "./pacing-quotas.ts";
import type { Ec2Action } from "./ports.ts";

/** The tokens of an account in a Region, as all workers share them. */
export interface PacerState {
  /** Up to when time has passed in the buckets, epoch milliseconds. */
  readonly at: number;
  /** A bucket that is absent was never used and is full. */
  readonly buckets: Partial<Readonly<Record<Ec2Action, BucketState>>>;
}

/** The buckets while a batch is answered. */
export interface Desk {
  /** The asking worker's time. */
  readonly now: number;
  /** The buckets' time. */
  readonly at: number;
  readonly quotas: Quotas;
  readonly buckets: Map<Ec2Action, BucketState>;
}

/** Clocks may differ by this much. A state from further ahead was written by a clock that is wrong. */
const skewMillisecondsMax = 5_000;

/** Takes a state out and lets time pass in it. */
export function openDesk(state: PacerState, now: number, quotas: Quotas): Desk {
  const at = state.at > now + skewMillisecondsMax ? now : Math.max(state.at, now);
  const seconds = Math.max(0, at - state.at) / 1_000;
  const buckets = new Map<Ec2Action, BucketState>();
  for (const [action, bucket] of entriesOf(state.buckets)) buckets.set(action, pass(bucket, quotas[action], seconds));
  return { now, at, quotas, buckets };
}

/** The state to keep. */
export function closeDesk({ at, buckets }: Desk): PacerState {
  return { at, buckets: Object.fromEntries(buckets) };
}

/** The bucket of an action, full when it was never used. */
export function bucketOf({ buckets, quotas }: Desk, action: Ec2Action): BucketState {
  return buckets.get(action) ?? fullBucket(quotas[action]);
}

/** The entries of a record by action. */
export function entriesOf<Value>(values: Partial<Readonly<Record<Ec2Action, Value>>>): readonly [Ec2Action, Value][] {
  return Object.entries(values) as [Ec2Action, Value][];
}
