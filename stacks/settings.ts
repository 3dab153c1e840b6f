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
import { type StageSettings, schema } from "./configuration.ts";
import { configuredEnvironment } from "./configured-environment.ts";

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
