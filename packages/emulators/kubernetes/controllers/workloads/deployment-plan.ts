import type { Deployment, ReplicaSet } from "../objects.ts";
import { nameOf } from "../objects.ts";
import { templateText } from "./template-hash.ts";

/** How many replicas one ReplicaSet is to have. */
export interface Scaling {
  replicaSet: ReplicaSet;
  from: number;
  to: number;
}

/** The next step of a rollout. Each change of a ReplicaSet leads to the next step. */
export interface RolloutStep {
  /** The ReplicaSet of the present template, when there is one. */
  current: ReplicaSet | undefined;
  /** Make the ReplicaSet of the present template, with so many replicas. */
  create: { replicas: number } | undefined;
  scalings: Scaling[];
  /** Old and empty ReplicaSets beyond the history limit. */
  prune: ReplicaSet[];
}

const REVISION_HISTORY_DEFAULT = 10;

/** The revision that a ReplicaSet or a Deployment carries; 0 when it carries none. */
export function revisionOf(object: { metadata: { annotations?: Record<string, string> } }): number {
  return Number(object.metadata.annotations?.["deployment.kubernetes.io/revision"] ?? 0);
}

/** A count that may be a share of the replicas, such as `25%`. */
export function resolveShare(share: number | string | undefined, total: number, round: (n: number) => number): number {
  if (typeof share === "string" && share.endsWith("%")) return round((Number(share.slice(0, -1)) * total) / 100);
  return Number(share ?? 0);
}

/** How far a rolling update may leave the wished count: surge rounds up, unavailability down, and not both are 0. */
export function rollingLimits(deployment: Deployment): { surge: number; unavailable: number } {
  const { replicas = 1, strategy } = deployment.spec;
  const { maxSurge = "25%", maxUnavailable = "25%" } = strategy?.rollingUpdate ?? {};
  const surge = resolveShare(maxSurge, replicas, Math.ceil);
  const unavailable = resolveShare(maxUnavailable, replicas, Math.floor);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

function replicasOf(replicaSet: ReplicaSet): number {
  return replicaSet.spec.replicas ?? 1;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function scaling(replicaSet: ReplicaSet, to: number): Scaling[] {
  const from = replicasOf(replicaSet);
  return from === to ? [] : [{ replicaSet, from, to }];
}

/** How many replicas the present ReplicaSet may have now, when it has `own` and all together have `total`. */
function currentReplicas(deployment: Deployment, own: number, total: number): number {
  const wanted = deployment.spec.replicas ?? 1;
  if (own >= wanted) return wanted;
  const room = wanted + rollingLimits(deployment).surge - total;
  return room <= 0 ? own : own + Math.min(room, wanted - own);
}

/** Takes from the old ReplicaSets what may go: first replicas that are not available anyway, then available ones. */
function shrinkOld(deployment: Deployment, current: ReplicaSet, old: ReplicaSet[]): Scaling[] {
  const minAvailable = (deployment.spec.replicas ?? 1) - rollingLimits(deployment).unavailable;
  const available = (replicaSet: ReplicaSet) => replicaSet.status?.availableReplicas ?? 0;
  const missingInCurrent = Math.max(0, replicasOf(current) - available(current));
  let mayGo = sum([current, ...old].map(replicasOf)) - minAvailable - missingInCurrent;
  let availableMayGo = Math.max(0, sum([current, ...old].map(available)) - minAvailable);
  const scalings: Scaling[] = [];
  for (const replicaSet of old) {
    if (mayGo <= 0) break;
    const broken = Math.max(0, Math.min(mayGo, replicasOf(replicaSet) - available(replicaSet)));
    const healthy = Math.min(mayGo - broken, availableMayGo, replicasOf(replicaSet) - broken);
    mayGo -= broken + healthy;
    availableMayGo -= healthy;
    scalings.push(...scaling(replicaSet, replicasOf(replicaSet) - broken - healthy));
  }
  return scalings;
}

function prunable(deployment: Deployment, old: ReplicaSet[]): ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit ?? REVISION_HISTORY_DEFAULT;
  const empty = old.filter(
    ({ spec, status, metadata }) =>
      spec.replicas === 0 && (status?.replicas ?? 0) === 0 && metadata.deletionTimestamp === undefined,
  );
  return empty.slice(0, Math.max(0, old.length - limit));
}

function recreateStep(deployment: Deployment, step: RolloutStep, old: ReplicaSet[]): RolloutStep {
  const stopping = old.flatMap((replicaSet) => scaling(replicaSet, 0));
  const oldPods = sum(old.map(({ status }) => status?.replicas ?? 0));
  const wanted = deployment.spec.replicas ?? 1;
  if (stopping.length > 0 || oldPods > 0) return { ...step, scalings: stopping };
  if (step.current === undefined) return { ...step, create: { replicas: wanted } };
  return { ...step, scalings: scaling(step.current, wanted) };
}

/**
 * Decides what the rollout does next, as the Deployment controller does (RollingUpdate and Recreate):
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/. Total and pure.
 */
export function planRollout(deployment: Deployment, replicaSets: ReplicaSet[]): RolloutStep {
  const oldestFirst = [...replicaSets].sort(
    (a, b) => revisionOf(a) - revisionOf(b) || (nameOf(a) < nameOf(b) ? -1 : 1),
  );
  const text = templateText(deployment.spec.template);
  const current = oldestFirst.find(({ spec }) => templateText(spec.template) === text);
  const old = oldestFirst.filter((replicaSet) => replicaSet !== current);
  const step: RolloutStep = { current, create: undefined, scalings: [], prune: [] };
  const wanted = deployment.spec.replicas ?? 1;
  const total = sum(oldestFirst.map(replicasOf));

  if (deployment.spec.paused === true) {
    const active = oldestFirst.filter((replicaSet) => replicasOf(replicaSet) > 0);
    const only = active.length > 1 ? undefined : (active[0] ?? current);
    return { ...step, scalings: only === undefined ? [] : scaling(only, wanted) };
  }
  if (deployment.spec.strategy?.type === "Recreate") return recreateStep(deployment, step, old);
  if (current === undefined) return { ...step, create: { replicas: currentReplicas(deployment, 0, total) } };
  const own = scaling(current, currentReplicas(deployment, replicasOf(current), total));
  if (own.length > 0) return { ...step, scalings: own };
  return { ...step, scalings: shrinkOld(deployment, current, old), prune: prunable(deployment, old) };
}
