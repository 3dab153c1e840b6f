/** How long calls take: log-normal around a median for each action. */
export interface LatencyConfig {
  readonly medianMsByAction: Readonly<Record<string, number>>;
  /** For actions without a median of their own. */
  readonly medianMs: number;
  /** The standard deviation of the logarithm. */
  readonly sigma: number;
}

/** No latency at all: the default. */
export const NO_LATENCY: LatencyConfig = { medianMsByAction: {}, medianMs: 0, sigma: 0 };

/** What calls take about in a real Region. */
export const TYPICAL_LATENCY: LatencyConfig = {
  medianMsByAction: {
    CreateNetworkInterface: 350,
    AssociateTrunkInterface: 350,
    DisassociateTrunkInterface: 250,
    DeleteNetworkInterface: 250,
    AttachNetworkInterface: 700,
    RunInstances: 1_000,
  },
  medianMs: 120,
  sigma: 0.3,
};

/** How long this call takes, in milliseconds; `random` gives numbers in [0, 1). */
export function drawLatencyMs(config: LatencyConfig, action: string, random: () => number): number {
  const medianMs = config.medianMsByAction[action] ?? config.medianMs;
  if (medianMs === 0) return 0;
  // Box–Muller: two uniform numbers make a normal one.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return medianMs * Math.exp(config.sigma * normal);
}
