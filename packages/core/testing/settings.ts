import type { Settings } from "../index.ts";

/** Production's defaults, with changes of a test's own. */
export const testSettings = (changes: Partial<Settings> = {}): Settings => ({
  backendVersion: "0.1.0",
  cooldownSeconds: 60,
  cooldownFloorSeconds: 30,
  skewSeconds: 2,
  reuseIdleSeconds: 300,
  stepDeadlineSeconds: 60,
  notFoundGraceSeconds: 60,
  outcomeDeadSeconds: 300,
  staleObservationSeconds: 900,
  snapshotVoidSeconds: 900,
  snapshotOverdueSeconds: 600,
  omissionGapSeconds: 30,
  addressProbeSeconds: 10,
  slotRetrySeconds: 30,
  refusalRetrySeconds: 30,
  waitMaxSeconds: 3_600,
  tombstoneSeconds: 3_600,
  orphanAgeSeconds: 300,
  sightingGapSeconds: 60,
  reaperDeletionsMax: 50,
  reaperShareMax: 0.5,
  reaperShareFloor: 20,
  groupsPerEniMax: 5,
  ...changes,
});
