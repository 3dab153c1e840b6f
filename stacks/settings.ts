import { instanceLimits } from "@trunkline/core/instance-limits";
import { instanceLimitsTable } from "@trunkline/core/instance-limits-table";
import { configuredEnvironmentBytesMax } from "@trunkline/runtime/limits";
import {
  clusterQueueName,
  counts,
  deadLettersName,
  defaultSlug,
  durations,
  queueNameLengthMax,
} from "@trunkline/runtime/names";
import { z } from "zod";
import { configuredEnvironment } from "./configured-environment.ts";

/** A stage's name becomes part of the names of queues, functions and roles. */
const stageName = z.string().regex(/^[a-z][a-z0-9-]{0,15}$/, "a stage is named with up to 16 of a-z, 0-9 and dashes");

const cluster = z.strictObject({
  /** The cluster's name, as in the tag `kubernetes.io/cluster/<name>` of its instances. */
  cluster: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  /** Stands for the cluster in its queues' names. Default: the name, with a dash for what SQS does not take. */
  slug: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional(),
  /** Only these security groups are given to pods. */
  securityGroups: z
    .array(z.string().regex(/^sg-[0-9a-f]{8,17}$/))
    .min(1)
    .max(50)
    .optional(),
  /** Only interfaces in these subnets are made. */
  subnets: z
    .array(z.string().regex(/^subnet-[0-9a-f]{8,17}$/))
    .min(1)
    .max(50)
    .optional(),
  /** The most ENIs that the cluster may hold. */
  enisMax: z.int().min(1).max(100_000).optional(),
});

const bucket = z.strictObject({ capacity: z.number().min(1), refillPerSecond: z.number().positive() });

const stage = z.strictObject({
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/),
  /** The table's epoch: give a new one after the table was restored from a backup. */
  epoch: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  clusters: z.array(cluster).min(1).max(100),
  /** Whether cooled branches are given to later pods. Default: true. */
  reuse: z.boolean().optional(),
  /** The account's EC2 buckets where they are not the documented ones, by action. */
  quotas: z.record(z.string().regex(/^[A-Z][A-Za-z]{2,63}$/), bucket).optional(),
  /** Instance types to add or to correct. */
  instanceLimits: z.record(z.string(), z.unknown()).optional(),
  /** Durations in seconds and counts that differ from their defaults, by name. */
  numbers: z.record(z.string(), z.number()).optional(),
});

const schema = z.strictObject({ stages: z.record(stageName, stage) });

/** What `trunkline.config.ts` holds. */
export type Configuration = z.input<typeof schema>;

/** One stage, checked, with every cluster's slug. */
export type StageSettings = Omit<z.output<typeof stage>, "clusters"> & {
  readonly stage: string;
  readonly clusters: readonly (z.output<typeof cluster> & { readonly slug: string })[];
};

/**
 * The settings of one stage.
 *
 * @throws Error that names each wrong field, before anything is deployed
 */
export function stageSettings(configuration: unknown, name: string): StageSettings {
  const parsed = schema.safeParse(configuration);
  if (!parsed.success) {
    throw refusal(parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`));
  }
  const found = parsed.data.stages[name];
  if (found === undefined) {
    throw refusal([`there is no stage "${name}"; there are: ${Object.keys(parsed.data.stages).join(", ")}`]);
  }
  const clusters = found.clusters.map((entry) => ({ ...entry, slug: entry.slug ?? defaultSlug(entry.cluster) }));
  const settings = { ...found, stage: name, clusters };
  const problems = [
    ...nameProblems(settings),
    ...numberProblems(settings),
    ...limitProblems(settings),
    ...sizeProblems(settings),
  ];
  if (problems.length > 0) {
    throw refusal(problems);
  }
  return settings;
}

function refusal(problems: readonly string[]): Error {
  return new Error(`trunkline.config.ts is refused:\n  ${problems.join("\n  ")}`);
}

/** Two clusters with one name or one slug would share queues, and a queue is a cluster's identity. */
function nameProblems({ stage, clusters }: StageSettings): string[] {
  const repeated = (names: readonly string[]) => names.filter((name, index) => names.indexOf(name) !== index);
  const tooLong = clusters
    .map(({ slug }) => deadLettersName(clusterQueueName(stage, slug, "node-events")))
    .filter((name) => name.length > queueNameLengthMax);
  return [
    ...repeated(clusters.map((entry) => entry.cluster)).map((name) => `cluster "${name}" is named twice`),
    ...repeated(clusters.map((entry) => entry.slug)).map((slug) => `slug "${slug}" stands for two clusters: set slug`),
    ...tooLong.map((name) => `queue name "${name}" has more than ${queueNameLengthMax} characters: set a shorter slug`),
  ];
}

function numberProblems({ numbers = {} }: StageSettings): string[] {
  const known = new Map(Object.entries({ ...durations, ...counts }));
  return Object.entries(numbers).flatMap(([name, value]) => {
    const number = known.get(name);
    if (number === undefined) {
      return [`numbers.${name}: there is no such number`];
    }
    const fits = value >= number.floor && value <= number.max;
    return fits ? [] : [`numbers.${name}: ${value} is not from ${number.floor} to ${number.max}`];
  });
}

function limitProblems(settings: StageSettings): readonly string[] {
  return instanceLimits(instanceLimitsTable, settings.instanceLimits).invalid;
}

function sizeProblems(settings: StageSettings): string[] {
  const bytes = Buffer.byteLength(Object.entries(configuredEnvironment(settings)).flat().join(""));
  const fits = bytes <= configuredEnvironmentBytesMax;
  return fits
    ? []
    : [`the stage takes ${bytes} bytes of the functions' environment; ${configuredEnvironmentBytesMax} fit`];
}
