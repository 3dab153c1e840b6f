import { type ClusterEntry, counts, defaultSlug, durations, variables } from "@trunkline/runtime/names";
import type { StageSettings } from "./configuration.ts";

/** The variables that follow from the configuration alone. Their size is checked before a deployment. */
export function configuredEnvironment(settings: StageSettings): Record<string, string> {
  const { quotas, instanceLimits, reuse, numbers = {} } = settings;
  const known = { ...durations, ...counts };
  const chosen = Object.entries(known).flatMap(([name, { variable }]) =>
    numbers[name] === undefined ? [] : [[variable, String(numbers[name])]],
  );
  return {
    [variables.clusters]: JSON.stringify(settings.clusters.map(clusterEntry)),
    ...(quotas === undefined ? {} : { [variables.quotas]: JSON.stringify(quotas) }),
    ...(instanceLimits === undefined ? {} : { [variables.instanceLimits]: JSON.stringify(instanceLimits) }),
    ...(reuse === undefined ? {} : { [variables.reuse]: reuse ? "on" : "off" }),
    ...Object.fromEntries(chosen),
  };
}

/** A cluster as the functions read it: without the slug where it follows from the name, because the space is short. */
function clusterEntry({ slug, ...entry }: StageSettings["clusters"][number]): ClusterEntry {
  return slug === defaultSlug(entry.cluster) ? entry : { ...entry, slug };
}
