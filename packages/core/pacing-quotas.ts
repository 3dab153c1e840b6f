import type { Ec2Action, Priority } from "./ports.ts";

/** A token bucket as EC2 keeps it for one action. */
export interface Quota {
  /** Tokens that the bucket holds when it is full. */
  readonly capacity: number;
  readonly refillPerSecond: number;
}

/** The account's buckets in one Region. */
export type Quotas = Readonly<Record<Ec2Action, Quota>>;

/** Seconds of refill that stay unused in capacity: the workers' clocks may differ by so much (P18). */
const marginSeconds = 1;

/** Shares of a full bucket that stay untouched by less urgent work, so that pods find tokens at once (P18). */
const floorShares: Readonly<Record<Priority, number>> = { pod: 0, "clean-up": 0.2, background: 0.5 };

const interfaces: Quota = { capacity: 100, refillPerSecond: 5 };
const otherChanges: Quota = { capacity: 50, refillPerSecond: 5 };
const describes: Quota = { capacity: 100, refillPerSecond: 20 };

/**
 * The buckets of an account that has not had its quotas raised. Every describe that we make is filtered or paged.
 * Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
export const defaultQuotas: Quotas = {
  CreateNetworkInterface: interfaces,
  DeleteNetworkInterface: interfaces,
  ModifyNetworkInterfaceAttribute: interfaces,
  AttachNetworkInterface: otherChanges,
  AssociateTrunkInterface: otherChanges,
  DisassociateTrunkInterface: otherChanges,
  CreateTags: { capacity: 100, refillPerSecond: 10 },
  DescribeNetworkInterfaces: describes,
  DescribeInstances: describes,
  DescribeSubnets: describes,
  DescribeSecurityGroups: describes,
  DescribeTrunkInterfaceAssociations: describes,
};

/** The capacity that the pacer uses: all but the margin, and never less than one token. */
export function usableCapacity({ capacity, refillPerSecond }: Quota): number {
  return Math.max(1, capacity - refillPerSecond * marginSeconds);
}

/** Tokens that work of this priority leaves in the bucket; at least one token can always be taken. */
export function floorOf(quota: Quota, priority: Priority): number {
  const capacity = usableCapacity(quota);
  return Math.min(capacity * floorShares[priority], capacity - 1);
}

/** The action that orders a request's turn: the one of its unit with the slowest refill, then the smallest capacity. */
export function scarcestAction(unit: Partial<Record<Ec2Action, number>>, quotas: Quotas): Ec2Action {
  const actions = Object.keys(unit) as Ec2Action[];
  return actions.reduce((scarcest, action) => {
    const difference =
      quotas[action].refillPerSecond - quotas[scarcest].refillPerSecond ||
      quotas[action].capacity - quotas[scarcest].capacity;
    return difference < 0 ? action : scarcest;
  });
}
