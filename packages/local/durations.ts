import { functionTimeoutSeconds, visibilityTimeoutSeconds } from "@trunkline/runtime/limits";
import { type DurationName, durations, reaperIntervalSeconds } from "@trunkline/runtime/names";

/**
 * What the local world shortens, in whole seconds, so that a walk-through of hours fits into a minute. Everything that
 * is not named here is production's. Each is an ordinary variable of the functions.
 */
export const localDurations = {
  cooldownSeconds: 3,
  cooldownFloorSeconds: 1,
  skewSeconds: 1,
  reuseIdleSeconds: 5,
  stepDeadlineSeconds: 6,
  notFoundGraceSeconds: 3,
  outcomeDeadSeconds: 8,
  snapshotOverdueSeconds: 6,
  omissionGapSeconds: 2,
  addressProbeSeconds: 2,
  slotRetrySeconds: 2,
  orphanAgeSeconds: 3,
  sightingGapSeconds: 2,
} as const satisfies Partial<Record<DurationName, number>>;

/**
 * Durations of the local world that are no settings of the functions, in seconds, beside what production has. Those of
 * nodes (how often kubelet writes the node's status, when it tries a failed sandbox again, how often the CNI plugin looks
 * for its trunk ENI) hold for the emulated cluster alone.
 */
export const worldDurations = {
  reaperInterval: { local: 1, production: reaperIntervalSeconds },
  snapshotInterval: { local: 3, production: 300 },
  functionTimeout: { local: 5, production: functionTimeoutSeconds["pod-events"] },
  lease: { local: 3, production: 15 },
  leaseRenew: { local: 2, production: 10 },
  leaseRetry: { local: 1, production: 2 },
  visibilityTimeout: { local: 30, production: visibilityTimeoutSeconds["pod-events"] },
  nodeStatusInterval: { local: 1, production: 10 },
  sandboxRetry: { local: 1, production: 10 },
  trunkLookInterval: { local: 1, production: 5 },
} as const;

/** One row per shortened duration, as the summary prints them. */
export function shortenedDurations(): readonly { name: string; local: number; production: number }[] {
  const settings = Object.entries(localDurations).map(([name, local]) => ({
    name,
    local,
    production: durations[name as DurationName].default,
  }));
  const world = Object.entries(worldDurations).map(([name, { local, production }]) => ({
    name: `${name}Seconds`,
    local,
    production,
  }));
  return [...settings, ...world];
}
