import type { Condition, Deployment, DeploymentStatus, ReplicaSet } from "../objects.ts";
import { nameOf, timestamp } from "../objects.ts";
import { rollingLimits } from "./deployment-plan.ts";

const PROGRESS_DEADLINE_DEFAULT_SECONDS = 600;

type Verdict = Pick<Condition, "status"> & { reason: string; message: string };

/** The condition with its times: `lastTransitionTime` changes with the status, `lastUpdateTime` with anything. */
function dated(type: string, verdict: Verdict, previous: Condition | undefined, now: string): Condition {
  const sameStatus = previous?.status === verdict.status;
  const same = sameStatus && previous.reason === verdict.reason && previous.message === verdict.message;
  return {
    type,
    ...verdict,
    lastUpdateTime: same ? (previous.lastUpdateTime ?? now) : now,
    lastTransitionTime: sameStatus ? (previous.lastTransitionTime ?? now) : now,
  };
}

function availability(deployment: Deployment, available: number): Verdict {
  const enough = available >= (deployment.spec.replicas ?? 1) - rollingLimits(deployment).unavailable;
  return enough
    ? { status: "True", reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability." }
    : {
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };
}

function isComplete(deployment: Deployment, counts: DeploymentStatus): boolean {
  const wanted = deployment.spec.replicas ?? 1;
  return counts.updatedReplicas === wanted && counts.replicas === wanted && counts.availableReplicas === wanted;
}

function madeProgress(before: DeploymentStatus, counts: DeploymentStatus): boolean {
  const outdated = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (counts.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    (counts.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (counts.availableReplicas ?? 0) > (before.availableReplicas ?? 0) ||
    outdated(counts) < outdated(before)
  );
}

/** When the rollout counts as stuck if nothing moves (epoch ms), or `undefined` when it is over. */
export function progressDeadlineMs(deployment: Deployment, status: DeploymentStatus): number | undefined {
  const progressing = status.conditions?.find(({ type }) => type === "Progressing");
  if (progressing?.status !== "True" || progressing.reason === "NewReplicaSetAvailable") return undefined;
  const seconds = deployment.spec.progressDeadlineSeconds ?? PROGRESS_DEADLINE_DEFAULT_SECONDS;
  return Date.parse(progressing.lastUpdateTime ?? "") + seconds * 1_000;
}

function progress(deployment: Deployment, counts: DeploymentStatus, name: string, nowMs: number): Condition {
  const before = deployment.status ?? {};
  const previous = before.conditions?.find(({ type }) => type === "Progressing");
  const now = timestamp(nowMs);
  const verdict = (status: "True" | "False", reason: string, says: string): Verdict => {
    return { status, reason, message: `ReplicaSet "${name}" ${says}.` };
  };
  const done = verdict("True", "NewReplicaSetAvailable", "has successfully progressed");
  if (isComplete(deployment, counts)) return dated("Progressing", done, previous, now);
  // A rollout that was complete stays so when it is only scaled or loses a pod.
  const settled = previous?.reason === done.reason && previous.message === done.message;
  if (settled && counts.replicas === counts.updatedReplicas) return previous;
  const stuck = verdict("False", "ProgressDeadlineExceeded", "has timed out progressing");
  const moving = verdict("True", "ReplicaSetUpdated", "is progressing");
  if (madeProgress(before, counts)) return { ...dated("Progressing", moving, previous, now), lastUpdateTime: now };
  if (previous?.reason === stuck.reason && previous.message === stuck.message) return previous;
  if (nowMs >= (progressDeadlineMs(deployment, before) ?? Number.POSITIVE_INFINITY)) {
    return dated("Progressing", stuck, previous, now);
  }
  return dated("Progressing", moving, previous, now);
}

/** The status that `kubectl rollout status` and `kubectl get deployments` read. Pure. */
export function deploymentStatus(
  deployment: Deployment,
  replicaSets: ReplicaSet[],
  current: ReplicaSet | undefined,
  nowMs: number,
): DeploymentStatus {
  const total = (field: "replicas" | "readyReplicas" | "availableReplicas") =>
    replicaSets.reduce((count, { status }) => count + (status?.[field] ?? 0), 0);
  const availableReplicas = total("availableReplicas");
  const counts: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation ?? 1,
    replicas: total("replicas"),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: total("readyReplicas"),
    availableReplicas,
    unavailableReplicas: Math.max(0, (deployment.spec.replicas ?? 1) - availableReplicas),
  };
  const previous = deployment.status?.conditions?.find(({ type }) => type === "Available");
  const available = dated("Available", availability(deployment, availableReplicas), previous, timestamp(nowMs));
  if (current === undefined) return { ...counts, conditions: [available] };
  return { ...counts, conditions: [available, progress(deployment, counts, nameOf(current), nowMs)] };
}
