/**
 * What an instance type can hold, as far as trunking is concerned.
 *
 * EC2's API does not tell how many branch ENIs a type takes, so a table comes with the package and an operator can
 * correct it: https://docs.aws.amazon.com/eks/latest/userguide/security-groups-for-pods.html
 */
export interface InstanceLimits {
  /** Network interfaces that can be attached, over all network cards. */
  readonly interfaces: number;
  /** Branch ENIs on the instance's trunk; 0 when the type takes no trunk. */
  readonly branchesMax: number;
  readonly networkCards: number;
  /** Network interfaces on the default network card, where the trunk is attached: device indexes 0 to one less. */
  readonly defaultCardInterfaces: number;
  /** Whether the type takes a trunk ENI. */
  readonly trunking: boolean;
}

/** Types that share their limits: interfaces, branchesMax, networkCards, defaultCardInterfaces, and the types' names. */
export type InstanceLimitsRow = readonly [
  interfaces: number,
  branchesMax: number,
  networkCards: number,
  defaultCardInterfaces: number,
  types: string,
];

/** The limits in force, and what was wrong with the operator's part of them. */
export interface InstanceLimitsLookup {
  /** The limits of a type such as `m5.large`, or `unknown` when neither the table nor the operator names it. */
  readonly of: (instanceType: string) => InstanceLimits | "unknown";
  /** One sentence for each override that was left out; a caller refuses to start when there is one. */
  readonly invalid: readonly string[];
}

/** The figures of one type that an operator can give. A type that the table does not have needs the first two. */
export type InstanceLimitsOverride = Partial<Omit<InstanceLimits, "trunking">>;

/** The bounds of each figure: VLAN IDs end at 120, and no type has as many interfaces or cards. */
const bounds = {
  interfaces: [1, 512],
  branchesMax: [0, 120],
  networkCards: [1, 64],
  defaultCardInterfaces: [1, 512],
} as const;

const figureNames = Object.keys(bounds) as (keyof typeof bounds)[];
const instanceTypePattern = /^[a-z0-9-]{1,32}\.[a-z0-9-]{1,32}$/;
const overridesMax = 1_000;

/**
 * Joins the table and the operator's overrides.
 *
 * @param rows the table, as generated
 * @param overrides from instance type to {@link InstanceLimitsOverride}, as it was parsed from JSON
 */
export function instanceLimits(rows: readonly InstanceLimitsRow[], overrides: unknown = {}): InstanceLimitsLookup {
  const limits = expand(rows);
  const invalid: string[] = [];
  for (const [instanceType, override] of entriesOf(overrides, invalid)) {
    const joined = join(instanceType, override, limits.get(instanceType));
    if (typeof joined === "string") {
      invalid.push(joined);
    } else {
      limits.set(instanceType, joined);
    }
  }
  return { of: (instanceType) => limits.get(instanceType) ?? "unknown", invalid };
}

function expand(rows: readonly InstanceLimitsRow[]): Map<string, InstanceLimits> {
  const limits = new Map<string, InstanceLimits>();
  for (const [interfaces, branchesMax, networkCards, defaultCardInterfaces, types] of rows) {
    const shared = { interfaces, branchesMax, networkCards, defaultCardInterfaces, trunking: branchesMax > 0 };
    for (const instanceType of types.split(" ")) {
      limits.set(instanceType, shared);
    }
  }
  return limits;
}

function entriesOf(overrides: unknown, invalid: string[]): [string, unknown][] {
  if (!isRecord(overrides)) {
    invalid.push("The instance limits are not an object from instance type to limits.");
    return [];
  }
  const entries = Object.entries(overrides);
  if (entries.length > overridesMax) {
    invalid.push(`There are ${entries.length} instance limits; at most ${overridesMax} are taken.`);
    return [];
  }
  return entries;
}

/** The limits of a type after its override, or a sentence about what is wrong with the override. */
function join(instanceType: string, override: unknown, known: InstanceLimits | undefined): InstanceLimits | string {
  if (!instanceTypePattern.test(instanceType)) {
    return `"${instanceType}" is not an instance type.`;
  }
  const problem = problemOf(instanceType, override);
  if (problem !== undefined) {
    return problem;
  }
  const given = override as InstanceLimitsOverride;
  const interfaces = given.interfaces ?? known?.interfaces;
  const branchesMax = given.branchesMax ?? known?.branchesMax;
  if (interfaces === undefined || branchesMax === undefined) {
    return `${instanceType} is not in the table: it needs interfaces and branchesMax.`;
  }
  const networkCards = given.networkCards ?? known?.networkCards ?? 1;
  const onlyCardInterfaces = networkCards === 1 ? interfaces : known?.defaultCardInterfaces;
  const defaultCardInterfaces = given.defaultCardInterfaces ?? onlyCardInterfaces;
  if (defaultCardInterfaces === undefined) {
    return `${instanceType} has ${networkCards} network cards: it needs defaultCardInterfaces.`;
  }
  if (defaultCardInterfaces > interfaces) {
    return `${instanceType}: defaultCardInterfaces ${defaultCardInterfaces} is more than interfaces ${interfaces}.`;
  }
  return { interfaces, branchesMax, networkCards, defaultCardInterfaces, trunking: branchesMax > 0 };
}

function problemOf(instanceType: string, override: unknown): string | undefined {
  if (!isRecord(override)) {
    return `${instanceType}: the limits are not an object.`;
  }
  const strange = Object.keys(override).find((name) => !Object.hasOwn(bounds, name));
  if (strange !== undefined) {
    return `${instanceType}: "${strange}" is not a limit; there are ${figureNames.join(", ")}.`;
  }
  for (const name of figureNames) {
    const value = override[name];
    const [least, most] = bounds[name];
    if (value !== undefined && !(isInteger(value) && value >= least && value <= most)) {
      return `${instanceType}: ${name} is not a whole number from ${least} to ${most}.`;
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}
