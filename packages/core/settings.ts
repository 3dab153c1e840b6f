import type { ClusterName } from "./ids.ts";

/** Durations and limits with production's defaults; every one is configuration. */
export interface Settings {
  /** Version of the deployment, told to nodes. */
  readonly backendVersion: string;
  /** Used until a cluster has told its own; seconds. */
  readonly cooldownSeconds: number;
  /** No cool-down is shorter. 30 in production. */
  readonly cooldownFloorSeconds: number;
  /** Added to every cool-down for clock skew (P21). */
  readonly skewSeconds: number;
  /** How long a cooled branch is kept for reuse beyond its cool-down; 0 switches reuse off (P22: ≤ 300). */
  readonly reuseIdleSeconds: number;
  /** A worker has this long for one step before any other may take over (P08). */
  readonly stepDeadlineSeconds: number;
  /** Younger than this, NotFound means "not visible yet" (P07). */
  readonly notFoundGraceSeconds: number;
  /** A branch ended by anything but a PodGone is guarded this long (P11). */
  readonly outcomeDeadSeconds: number;
  /** Older observations only ask for a snapshot (P03). */
  readonly staleObservationSeconds: number;
  /** Snapshots sent longer ago are void (P10). */
  readonly snapshotVoidSeconds: number;
  /** A trunk without a snapshot for so long is asked about (P12). */
  readonly snapshotOverdueSeconds: number;
  /** Two omissions at least this far apart release, whatever the versions (P10). */
  readonly omissionGapSeconds: number;
  /** One probe of a full subnet or quota in this time (P16). */
  readonly addressProbeSeconds: number;
  /** How soon a node without a free device index is tried again. */
  readonly slotRetrySeconds: number;
  /** How soon a wish that EC2 refused is tried again, unchanged: the missing group may have been created. */
  readonly refusalRetrySeconds: number;
  /** A chain of deferrals ends after this (P16). */
  readonly waitMaxSeconds: number;
  /** Tombstones stay so long (P03). */
  readonly tombstoneSeconds: number;
  /** An orphan is at least this old. */
  readonly orphanAgeSeconds: number;
  /** Two sightings of an orphan are at least this far apart. */
  readonly sightingGapSeconds: number;
  /** Deletions per run of the reaper. */
  readonly reaperDeletionsMax: number;
  /** The reaper stops when a larger share of our ENIs looks orphaned and there are more than `reaperShareFloor`. */
  readonly reaperShareMax: number;
  readonly reaperShareFloor: number;
  /** Groups per interface, the account's quota (5…16). */
  readonly groupsPerEniMax: number;
}

/** What a cluster may use; checked by the functions, not by the forwarder. Absent lists allow everything of the VPC. */
export interface ClusterLimits {
  readonly cluster: ClusterName;
  readonly securityGroups?: readonly string[] | undefined;
  readonly subnets?: readonly string[] | undefined;
  readonly enisMax?: number | undefined;
}
