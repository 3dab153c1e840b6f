/** The table of pods. See https://github.com/kubernetes/kubernetes/blob/v1.32.0/pkg/printers/internalversion/printers.go. */

import type { KubernetesObject } from "../../ports.ts";
import { type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../json.ts";
import { ageOf } from "../time.ts";
import { AGE, ageCell, NAME, nameCell, orNone, wide } from "./cells.ts";
import type { TableOf } from "./columns.ts";

/** `kubectl get pods`, also with `-o wide`. */
export const podTable: TableOf = {
  columns: [
    NAME,
    { name: "Ready" },
    { name: "Status" },
    { name: "Restarts" },
    AGE,
    wide("IP"),
    wide("Node"),
    wide("Nominated Node"),
    wide("Readiness Gates"),
  ],
  cells: (pod, nowMs) => {
    const statuses = objectsAt(pod, "status", "containerStatuses");
    const ready = statuses.filter((status) => status.ready === true && objectAt(status, "state", "running")).length;
    return [
      nameCell(pod),
      `${ready}/${objectsAt(pod, "spec", "containers").length}`,
      podReason(pod),
      restarts(statuses, nowMs),
      ageCell(pod, nowMs),
      orNone(stringAt(pod, "status", "podIP")),
      orNone(stringAt(pod, "spec", "nodeName")),
      orNone(stringAt(pod, "status", "nominatedNodeName")),
      readinessGates(pod),
    ];
  },
};

function podReason(pod: KubernetesObject): string {
  const phase = stringAt(pod, "status", "phase") ?? "";
  const gated = objectsAt(pod, "status", "conditions").some(
    (condition) => condition.type === "PodScheduled" && condition.reason === "SchedulingGated",
  );
  const base = stringAt(pod, "status", "reason") ?? (gated ? "SchedulingGated" : phase);
  const initializing = initReason(pod);
  const reason = initializing ?? containersReason(pod, base);
  if (pod.metadata.deletionTimestamp === undefined) return reason;
  if (stringAt(pod, "status", "reason") === "NodeLost") return "Unknown";
  return phase === "Succeeded" || phase === "Failed" ? reason : "Terminating";
}

/** What the first init container that has not succeeded says; `undefined` when all have. */
function initReason(pod: KubernetesObject): string | undefined {
  const total = objectsAt(pod, "spec", "initContainers").length;
  for (const [index, status] of objectsAt(pod, "status", "initContainerStatuses").entries()) {
    const terminated = objectAt(status, "state", "terminated");
    if (terminated?.exitCode === 0) continue;
    if (terminated !== undefined) return `Init:${terminatedReason(terminated)}`;
    const waiting = stringAt(status, "state", "waiting", "reason");
    return waiting !== undefined && waiting !== "PodInitializing" ? `Init:${waiting}` : `Init:${index}/${total}`;
  }
  return undefined;
}

function containersReason(pod: KubernetesObject, base: string): string {
  let reason = base;
  let running = false;
  for (const status of objectsAt(pod, "status", "containerStatuses").toReversed()) {
    const waiting = stringAt(status, "state", "waiting", "reason");
    const terminated = objectAt(status, "state", "terminated");
    if (waiting !== undefined && waiting !== "") reason = waiting;
    else if (terminated !== undefined) reason = terminatedReason(terminated);
    else if (status.ready === true && objectAt(status, "state", "running") !== undefined) running = true;
  }
  if (reason !== "Completed" || !running) return reason;
  const ready = objectsAt(pod, "status", "conditions").some(
    (condition) => condition.type === "Ready" && condition.status === "True",
  );
  return ready ? "Running" : "NotReady";
}

function terminatedReason(terminated: JsonObject): string {
  const reason = stringAt(terminated, "reason");
  if (reason !== undefined && reason !== "") return reason;
  const signal = numberAt(terminated, "signal") ?? 0;
  return signal === 0 ? `ExitCode:${numberAt(terminated, "exitCode") ?? 0}` : `Signal:${signal}`;
}

function restarts(statuses: readonly JsonObject[], nowMs: number): string {
  const count = statuses.reduce((sum, status) => sum + (numberAt(status, "restartCount") ?? 0), 0);
  const last = statuses
    .map((status) => stringAt(status, "lastState", "terminated", "finishedAt"))
    .filter((time) => time !== undefined)
    .toSorted()
    .at(-1);
  return count === 0 || last === undefined ? String(count) : `${count} (${ageOf(last, nowMs)} ago)`;
}

function readinessGates(pod: KubernetesObject): string {
  const gates = objectsAt(pod, "spec", "readinessGates");
  if (gates.length === 0) return "<none>";
  const conditions = objectsAt(pod, "status", "conditions");
  const met = gates.filter((gate) =>
    conditions.some((condition) => condition.type === gate.conditionType && condition.status === "True"),
  );
  return `${met.length}/${gates.length}`;
}
