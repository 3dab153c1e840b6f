/** Tables of the apps, batch and policy groups. */

import type { KubernetesObject } from "../../ports.ts";
import { at, numberAt, objectAt, objectsAt, stringAt, stringMapAt } from "../json.ts";
import { formatSelector } from "../store/label-selector.ts";
import { humanDuration } from "../time.ts";
import { AGE, ageCell, containerCells, labelCell, NAME, nameCell, wide } from "./cells.ts";
import type { Column, TableOf } from "./columns.ts";

const CONTAINERS: readonly Column[] = [wide("Containers"), wide("Images")];

function status(object: KubernetesObject, field: string): number {
  return numberAt(object, "status", field) ?? 0;
}

function selector(object: KubernetesObject): string {
  return formatSelector(objectAt(object, "spec", "selector"));
}

const deployments: TableOf = {
  columns: [
    NAME,
    { name: "Ready" },
    { name: "Up-to-date" },
    { name: "Available" },
    AGE,
    ...CONTAINERS,
    wide("Selector"),
  ],
  cells: (object, nowMs) => [
    nameCell(object),
    `${status(object, "readyReplicas")}/${numberAt(object, "spec", "replicas") ?? 0}`,
    status(object, "updatedReplicas"),
    status(object, "availableReplicas"),
    ageCell(object, nowMs),
    ...containerCells(object),
    selector(object),
  ],
};

const replicaSets: TableOf = {
  columns: [NAME, { name: "Desired" }, { name: "Current" }, { name: "Ready" }, AGE, ...CONTAINERS, wide("Selector")],
  cells: (object, nowMs) => [
    nameCell(object),
    numberAt(object, "spec", "replicas") ?? 0,
    status(object, "replicas"),
    status(object, "readyReplicas"),
    ageCell(object, nowMs),
    ...containerCells(object),
    selector(object),
  ],
};

const daemonSets: TableOf = {
  columns: [
    NAME,
    { name: "Desired" },
    { name: "Current" },
    { name: "Ready" },
    { name: "Up-to-date" },
    { name: "Available" },
    { name: "Node Selector" },
    AGE,
    ...CONTAINERS,
    wide("Selector"),
  ],
  cells: (object, nowMs) => [
    nameCell(object),
    status(object, "desiredNumberScheduled"),
    status(object, "currentNumberScheduled"),
    status(object, "numberReady"),
    status(object, "updatedNumberScheduled"),
    status(object, "numberAvailable"),
    labelCell(stringMapAt(object, "spec", "template", "spec", "nodeSelector")),
    ageCell(object, nowMs),
    ...containerCells(object),
    selector(object),
  ],
};

const statefulSets: TableOf = {
  columns: [NAME, { name: "Ready" }, AGE, ...CONTAINERS],
  cells: (object, nowMs) => [
    nameCell(object),
    `${status(object, "readyReplicas")}/${numberAt(object, "spec", "replicas") ?? 0}`,
    ageCell(object, nowMs),
    ...containerCells(object),
  ],
};

const jobs: TableOf = {
  columns: [
    NAME,
    { name: "Status" },
    { name: "Completions" },
    { name: "Duration" },
    AGE,
    ...CONTAINERS,
    wide("Selector"),
  ],
  cells: (object, nowMs) => [
    nameCell(object),
    jobStatus(object),
    jobCompletions(object),
    jobDuration(object, nowMs),
    ageCell(object, nowMs),
    ...containerCells(object),
    selector(object),
  ],
};

function jobStatus(job: KubernetesObject): string {
  const holds = (type: string) =>
    objectsAt(job, "status", "conditions").some((condition) => condition.type === type && condition.status === "True");
  if (holds("Complete")) return "Complete";
  if (holds("Failed")) return "Failed";
  if (job.metadata.deletionTimestamp !== undefined) return "Terminating";
  if (holds("Suspended")) return "Suspended";
  if (holds("FailureTarget")) return "FailureTarget";
  return holds("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
}

function jobCompletions(job: KubernetesObject): string {
  const wanted = numberAt(job, "spec", "completions");
  const succeeded = status(job, "succeeded");
  if (wanted !== undefined) return `${succeeded}/${wanted}`;
  const parallelism = numberAt(job, "spec", "parallelism") ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: KubernetesObject, nowMs: number): string {
  const start = stringAt(job, "status", "startTime");
  if (start === undefined) return "";
  const end = stringAt(job, "status", "completionTime");
  return humanDuration((end === undefined ? nowMs : Date.parse(end)) - Date.parse(start));
}

const disruptionBudgets: TableOf = {
  columns: [NAME, { name: "Min Available" }, { name: "Max Unavailable" }, { name: "Allowed Disruptions" }, AGE],
  cells: (object, nowMs) => [
    nameCell(object),
    String(at(object, "spec", "minAvailable") ?? "N/A"),
    String(at(object, "spec", "maxUnavailable") ?? "N/A"),
    status(object, "disruptionsAllowed"),
    ageCell(object, nowMs),
  ],
};

/** By collection. */
export const workloadTables: Readonly<Record<string, TableOf>> = {
  "apps/deployments": deployments,
  "apps/replicasets": replicaSets,
  "apps/daemonsets": daemonSets,
  "apps/statefulsets": statefulSets,
  "batch/jobs": jobs,
  "policy/poddisruptionbudgets": disruptionBudgets,
};
