import type { ClusterQueueKind, FunctionName, SharedQueueKind } from "./names.ts";

/** The longest that each function may run, in seconds. A step's deadline is longer, so that a live worker is not overtaken. */
export const functionTimeoutSeconds: Record<FunctionName, number> = {
  "pod-events": 30,
  "node-events": 30,
  "branch-cooldown": 30,
  "instance-events": 30,
  /** It lists every ENI of the deployment, page by page. */
  reaper: 300,
};

/** Messages that one invocation gets at most. */
export const batchMax = 10;

/** Batches of one queue that are worked on at the same time; AWS takes 2 to 1,000. */
export const concurrencyMax: Record<Exclude<FunctionName, "reaper">, number> = {
  "pod-events": 20,
  "node-events": 10,
  "branch-cooldown": 20,
  "instance-events": 5,
};

/** How often a message is given out before it counts as a bug and goes to the dead letters. AWS asks for at least 5. */
export const receivesMax = 5;

/** What stays in an outcomes queue longer than this is gone, in seconds (P11). */
export const outcomeRetentionSeconds = 240;

/** How long dead letters stay to be looked at: SQS's longest time, in seconds. */
export const deadLettersRetentionSeconds = 1_209_600;

/**
 * How long a message stays invisible after it was received, in seconds: six times the function's timeout, as AWS asks,
 * and for outcomes, which the forwarder holds for 60 s at most (P11), that time.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 */
export const visibilityTimeoutSeconds: Record<ClusterQueueKind | SharedQueueKind, number> = {
  "pod-events": 6 * functionTimeoutSeconds["pod-events"],
  "node-events": 6 * functionTimeoutSeconds["node-events"],
  "branch-cooldown": 6 * functionTimeoutSeconds["branch-cooldown"],
  "instance-events": 6 * functionTimeoutSeconds["instance-events"],
  outcomes: 60,
};

/** Lambda takes 4 KB of environment in all: what the operator configures may fill this many bytes of them. */
export const configuredEnvironmentBytesMax = 2_800;
