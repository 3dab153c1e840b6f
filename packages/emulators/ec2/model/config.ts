/** A token bucket: how many calls it holds and how many come back each second. */
export interface BucketLimits {
  readonly capacity: number;
  readonly refillPerSecond: number;
}

/** How late others see a change. Both are 0 unless a test asks for more. */
export interface VisibilityConfig {
  /** Describes miss what is younger than this and still show what was deleted less than this ago. */
  readonly describeDelayMs: number;
  /** Calls that name something younger than this answer NotFound. */
  readonly referenceDelayMs: number;
}

/** How long things take that EC2 does in the background. */
export interface TransitionConfig {
  readonly pendingMs: number;
  readonly shuttingDownMs: number;
  readonly stoppingMs: number;
  readonly attachingMs: number;
  readonly detachingMs: number;
  /** A terminated instance stays visible for so long. */
  readonly terminatedKeptMs: number;
}

/** What the account may have. Defaults: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
export interface QuotaConfig {
  /** EC2 counts interfaces per Availability Zone. */
  readonly interfacesPerZoneMax: number;
  readonly groupsPerInterfaceMax: number;
  /** Rules of one direction in one group. */
  readonly rulesPerGroupMax: number;
}

/** Everything about the model that a test or an operator of the emulator may set, also while it runs. */
export interface Ec2Config {
  /** Whether calls cost tokens at all. */
  readonly throttling: boolean;
  /** Buckets that differ from EC2's defaults, by action; `<action>#unfiltered` for describes that name nothing. */
  readonly buckets: Readonly<Record<string, BucketLimits>>;
  readonly quotas: QuotaConfig;
  /** Whether AWS has switched on ENI trunking for the account. */
  readonly trunkingEnabled: boolean;
  readonly visibility: VisibilityConfig;
  readonly transitions: TransitionConfig;
}

/** Changes to a configuration: groups are merged field by field. */
export interface Ec2ConfigPatch {
  readonly throttling?: boolean | undefined;
  readonly buckets?: Readonly<Record<string, BucketLimits>> | undefined;
  readonly quotas?: Partial<QuotaConfig> | undefined;
  readonly trunkingEnabled?: boolean | undefined;
  readonly visibility?: Partial<VisibilityConfig> | undefined;
  readonly transitions?: Partial<TransitionConfig> | undefined;
}

/** An account with EC2's default limits, immediate consistency, and transitions of about a second. */
export const DEFAULT_CONFIG: Ec2Config = {
  throttling: true,
  buckets: {},
  quotas: { interfacesPerZoneMax: 5_000, groupsPerInterfaceMax: 5, rulesPerGroupMax: 60 },
  trunkingEnabled: true,
  visibility: { describeDelayMs: 0, referenceDelayMs: 0 },
  transitions: {
    pendingMs: 1_000,
    shuttingDownMs: 1_000,
    stoppingMs: 1_000,
    attachingMs: 1_000,
    detachingMs: 1_000,
    terminatedKeptMs: 3_600_000,
  },
};

/** The configuration with the changes made. */
export function patchConfig(config: Ec2Config, patch: Ec2ConfigPatch): Ec2Config {
  return {
    throttling: patch.throttling ?? config.throttling,
    trunkingEnabled: patch.trunkingEnabled ?? config.trunkingEnabled,
    buckets: { ...config.buckets, ...patch.buckets },
    quotas: { ...config.quotas, ...patch.quotas },
    visibility: { ...config.visibility, ...patch.visibility },
    transitions: { ...config.transitions, ...patch.transitions },
  };
}
