import type { Instance } from "@aws-sdk/client-ec2";

/** Time comes in from outside, so that the same model runs in real and in virtual time. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Runs `run` once, `delayMs` milliseconds from now; the returned function cancels it. */
  schedule(delayMs: number, run: () => void): () => void;
}

/** A point in time as the SDK's shapes carry it. `epochMs` is in epoch milliseconds. */
export function dateOf(epochMs: number): NonNullable<Instance["LaunchTime"]> {
  // biome-ignore lint/style/noRestrictedGlobals: a Date made from a given number reads no clock.
  return new Date(epochMs);
}

/** A point in time as EventBridge writes it: ISO 8601 without fractions of a second. */
export function isoOf(epochMs: number): string {
  return `${dateOf(epochMs).toISOString().slice(0, 19)}Z`;
}
