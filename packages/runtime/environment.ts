import {
  branded,
  type ClusterLimits,
  type ClusterName,
  defaultQuotas,
  type Quotas,
  type Settings,
} from "@trunkline/core";
import { type InstanceLimitsLookup, instanceLimits } from "@trunkline/core/instance-limits";
import { instanceLimitsTable } from "@trunkline/core/instance-limits-table";
import { z } from "zod";
import {
  backendVersion,
  type ClusterEntry,
  counts,
  defaultSlug,
  durations,
  type NumberVariable,
  variables,
} from "./names.ts";

/** What the functions are told by their environment, checked. */
export interface Environment {
  readonly deployment: string;
  readonly table: string;
  readonly epoch: string;
  readonly account: string;
  readonly region: string;
  readonly clusters: readonly ClusterEntry[];
  readonly clusterQueueUrlPrefix: string;
  readonly branchCooldownQueueUrl: string;
  readonly endpoints: {
    readonly dynamodb?: string | undefined;
    readonly sqs?: string | undefined;
    readonly ec2?: string | undefined;
  };
  readonly settings: Settings;
  readonly quotas: Quotas;
  readonly instanceLimits: InstanceLimitsLookup;
  limitsOf(cluster: ClusterName): ClusterLimits;
}

/** The environment, or one clear line for each variable that is missing or wrong. */
export type EnvironmentResult =
  | { readonly ok: true; readonly value: Environment }
  | { readonly ok: false; readonly problems: readonly string[] };

type Variables = Readonly<Record<string, string | undefined>>;

const entry = z.strictObject({
  // Part of tags and of intents, where a slash would separate and EC2 would read * and ? as wildcards.
  cluster: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "must be a cluster's name"),
  slug: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,40}$/, "must be a part of a queue's name")
    .optional(),
  securityGroups: z
    .array(z.string().regex(/^sg-[0-9a-f]{8,17}$/, "must be a security group ID"))
    .max(1_000)
    .optional(),
  subnets: z
    .array(z.string().regex(/^subnet-[0-9a-f]{8,17}$/, "must be a subnet ID"))
    .max(1_000)
    .optional(),
  enisMax: z.number().int().min(1).max(100_000).optional(),
});

const quota = z.strictObject({ capacity: z.number().min(1), refillPerSecond: z.number().gt(0) });

const text = (what: string) => z.string(`is not set; it must be ${what}`).min(1, `must be ${what}`);
const url = (what: string) =>
  z.url({ error: (issue) => `${issue.input === undefined ? "is not set; it" : ""} must be ${what}`.trim() });

/** The queue tells the cluster, so no two clusters may share a name or a queue. */
const clusterList = z
  .array(entry, "must be a list of clusters")
  .min(1, "must name at least one cluster")
  .max(1_000)
  .refine((entries) => areDistinct(entries.map(({ cluster }) => cluster)), "names a cluster twice")
  .refine(
    (entries) => areDistinct(entries.map(({ cluster, slug }) => slug ?? defaultSlug(cluster))),
    "gives two clusters the same queues",
  );

const areDistinct = (names: readonly string[]): boolean => new Set(names).size === names.length;

/** JSON in a variable; anything else is a problem of that variable. */
const json = <Schema extends z.ZodType>(schema: Schema, what: string) =>
  z
    .string(`is not set; it must be ${what}`)
    .transform((value, context) => {
      try {
        return JSON.parse(value) as unknown;
      } catch {
        context.addIssue({ code: "custom", message: `is no JSON; it must be ${what}` });
        return z.NEVER;
      }
    })
    .pipe(schema);

const schema = z.object({
  [variables.deployment]: text("the deployment's name, the value of the tag trunkline:owner"),
  [variables.table]: text("the name of the ledger's table"),
  [variables.epoch]: text("the table's epoch, 1 to 36 characters").max(36, "must have at most 36 characters"),
  [variables.account]: z
    .string("is not set; it must be the AWS account's 12 digits")
    .regex(/^\d{12}$/, "must be the AWS account's 12 digits"),
  [variables.region]: text("a Region such as eu-west-1"),
  [variables.clusters]: json(clusterList, "a list of clusters"),
  [variables.clusterQueueUrlPrefix]: url("the first part of the URLs of the clusters' queues"),
  [variables.branchCooldownQueueUrl]: url("the URL of the queue branch-cooldown"),
  // No function sends there; a deployment that forgets it has no fast path when an instance ends.
  [variables.instanceEventsQueueUrl]: url("the URL of the queue instance-events"),
  [variables.quotas]: json(z.record(z.string(), quota), "buckets by EC2 action").optional(),
  [variables.instanceLimits]: json(z.unknown(), "figures by instance type").optional(),
  [variables.reuse]: z.enum(["on", "off"], "must be on or off").optional(),
  [variables.floors]: z.enum(["on", "off"], "must be on or off").optional(),
  [variables.endpointDynamodb]: z.url("must be a URL").optional(),
  [variables.endpointSqs]: z.url("must be a URL").optional(),
  [variables.endpointEc2]: z.url("must be a URL").optional(),
});

/** Reads the functions' variables. Values are never repeated in a problem, but for numbers. */
export function readEnvironment(given: Variables): EnvironmentResult {
  const parsed = schema.safeParse(given);
  const numbers = readNumbers(given, given[variables.floors] !== "off");
  const limits = instanceLimits(instanceLimitsTable, parsed.data?.[variables.instanceLimits] ?? {});
  const quotas = readQuotas(parsed.data?.[variables.quotas] ?? {});
  const problems = [
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `${path.join(".")} ${message}.`),
    ...numbers.problems,
    ...limits.invalid.map((sentence) => `${variables.instanceLimits}: ${sentence}`),
    ...quotas.problems,
  ];
  if (!parsed.success || problems.length > 0) return { ok: false, problems: [...new Set(problems)] };
  const { data } = parsed;
  const clusters = data[variables.clusters] as readonly ClusterEntry[];
  const byName = new Map(clusters.map((each) => [each.cluster, each]));
  return {
    ok: true,
    value: {
      clusters,
      deployment: data[variables.deployment],
      table: data[variables.table],
      epoch: data[variables.epoch],
      account: data[variables.account],
      region: data[variables.region],
      clusterQueueUrlPrefix: data[variables.clusterQueueUrlPrefix],
      branchCooldownQueueUrl: data[variables.branchCooldownQueueUrl],
      endpoints: {
        dynamodb: data[variables.endpointDynamodb],
        sqs: data[variables.endpointSqs],
        ec2: data[variables.endpointEc2],
      },
      settings: settingsFrom(numbers.values, data[variables.reuse] !== "off"),
      quotas: quotas.value,
      instanceLimits: limits,
      limitsOf: (cluster) => ({ ...byName.get(cluster), cluster: branded<ClusterName>(cluster) }),
    },
  };
}

const numberVariables = { ...durations, ...counts };
type Numbers = Record<keyof typeof numberVariables, number>;

function readNumbers(given: Variables, floors: boolean): { values: Numbers; problems: readonly string[] } {
  const problems: string[] = [];
  const entries = Object.entries<NumberVariable>(numberVariables).map(([name, { variable, floor, max, ...rest }]) => {
    const least = floors ? floor : 0;
    const value = given[variable] === undefined ? rest.default : Number(given[variable] || Number.NaN);
    if (!(value >= least && value <= max)) problems.push(`${variable} must be a number from ${least} to ${max}.`);
    return [name, value];
  });
  return { values: Object.fromEntries(entries) as Numbers, problems };
}

function settingsFrom(numbers: Numbers, reuse: boolean): Settings {
  return { backendVersion, ...numbers, reuseIdleSeconds: reuse ? numbers.reuseIdleSeconds : 0 };
}

function readQuotas(given: Readonly<Record<string, z.output<typeof quota>>>): {
  value: Quotas;
  problems: readonly string[];
} {
  const unknown = Object.keys(given).filter((action) => !Object.hasOwn(defaultQuotas, action));
  return {
    value: { ...defaultQuotas, ...given },
    problems: unknown.map(
      (action) => `${variables.quotas} names ${action}, which is no EC2 action with a bucket here.`,
    ),
  };
}
