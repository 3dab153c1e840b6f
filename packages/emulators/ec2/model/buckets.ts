import type { BucketLimits } from "./config.ts";

/**
 * EC2's request token buckets, per account, Region and action.
 * See https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
const MUTATING: BucketLimits = { capacity: 50, refillPerSecond: 5 };
const DESCRIBE: BucketLimits = { capacity: 100, refillPerSecond: 20 };
const DESCRIBE_UNFILTERED: BucketLimits = { capacity: 50, refillPerSecond: 10 };
const SPECIAL: Readonly<Record<string, BucketLimits>> = {
  AssignPrivateIpAddresses: { capacity: 100, refillPerSecond: 5 },
  CreateNetworkInterface: { capacity: 100, refillPerSecond: 5 },
  CreateTags: { capacity: 100, refillPerSecond: 10 },
  DeleteNetworkInterface: { capacity: 100, refillPerSecond: 5 },
  DeleteTags: { capacity: 100, refillPerSecond: 10 },
  ModifyNetworkInterfaceAttribute: { capacity: 100, refillPerSecond: 5 },
  RunInstances: { capacity: 5, refillPerSecond: 2 },
  StartInstances: { capacity: 5, refillPerSecond: 2 },
  TerminateInstances: { capacity: 100, refillPerSecond: 5 },
};

/** The name of the bucket that a call draws from. Describes that name neither IDs, filters nor a page size have their own. */
export function bucketName(action: string, input: object): string {
  if (!action.startsWith("Describe")) return action;
  const narrowing = Object.entries(input).some(([name, value]) => {
    // A switch such as DryRun narrows nothing, and neither does the place where a list goes on.
    if (typeof value === "boolean" || name === "NextToken") return false;
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  });
  return narrowing ? action : `${action}#unfiltered`;
}

/** EC2's default limits for a bucket name. */
export function defaultLimits(name: string): BucketLimits {
  if (name.endsWith("#unfiltered")) return DESCRIBE_UNFILTERED;
  return SPECIAL[name] ?? (name.startsWith("Describe") ? DESCRIBE : MUTATING);
}

/** The fill of all buckets. */
export class Buckets {
  readonly #fills = new Map<string, { tokens: number; atMs: number }>();

  /** Takes one token at `nowMs`; false when the bucket is empty. A changed limit applies at once. */
  take(name: string, limits: BucketLimits, nowMs: number): boolean {
    const fill = this.#fills.get(name) ?? { tokens: limits.capacity, atMs: nowMs };
    const refilled = fill.tokens + ((nowMs - fill.atMs) / 1_000) * limits.refillPerSecond;
    const tokens = Math.min(limits.capacity, refilled);
    const granted = tokens >= 1;
    this.#fills.set(name, { tokens: granted ? tokens - 1 : tokens, atMs: nowMs });
    return granted;
  }

  /** Fills all buckets again. */
  reset(): void {
    this.#fills.clear();
  }
}
