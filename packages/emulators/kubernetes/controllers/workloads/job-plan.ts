import type { Condition, Job, Pod } from "../objects.ts";
import { timestamp } from "../objects.ts";
import { isActive, isReady } from "./pods.ts";

/** What a Job does next, and its status. */
export interface JobStep {
  create: number;
  remove: Pod[];
  status: NonNullable<Job["status"]>;
}

const BACKOFF_LIMIT_DEFAULT = 6;

type Verdict = { type: string; reason: string; message: string };

const SUCCEEDED: Verdict[] = ["SuccessCriteriaMet", "Complete"].map((type) => {
  return { type, reason: "CompletionsReached", message: "Reached expected number of succeeded pods" };
});
const FAILED: Verdict[] = ["FailureTarget", "Failed"].map((type) => {
  return { type, reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
});

/** Whether the Job is over, well or badly. */
export function isOver(job: Job): boolean {
  return (
    job.status?.conditions?.some(({ type, status }) => /^(Complete|Failed)$/.test(type) && status === "True") ?? false
  );
}

function conditions(verdicts: Verdict[], now: string): Condition[] {
  return verdicts.map((verdict) => ({ ...verdict, status: "True", lastProbeTime: now, lastTransitionTime: now }));
}

/**
 * Decides what a Job does next: https://kubernetes.io/docs/concepts/workloads/controllers/job/ with the completion
 * mode NonIndexed. Counts never fall, although somebody may delete pods that have ended. Pure.
 */
export function planJob(job: Job, pods: Pod[], nowMs: number): JobStep {
  const { parallelism = 1, completions, backoffLimit = BACKOFF_LIMIT_DEFAULT, suspend = false } = job.spec;
  const before = job.status ?? {};
  const now = timestamp(nowMs);
  const count = (phase: string) => pods.filter(({ status }) => status?.phase === phase).length;
  const active = pods.filter(isActive);
  const succeeded = Math.max(before.succeeded ?? 0, count("Succeeded"));
  const failed = Math.max(before.failed ?? 0, count("Failed"));
  const status = { ...before, active: active.length, ready: active.filter(isReady).length, succeeded, failed };
  if (!suspend) status.startTime = before.startTime ?? now;

  if (isOver(job)) return { create: 0, remove: active, status };
  if (failed > backoffLimit) {
    return { create: 0, remove: active, status: { ...status, conditions: conditions(FAILED, now) } };
  }
  // Without a number of completions the first success lets the others end and starts no more.
  const done = completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions;
  if (done) {
    const finished = { ...status, completionTime: now, conditions: conditions(SUCCEEDED, now) };
    return { create: 0, remove: active, status: finished };
  }
  const open = completions === undefined ? (succeeded > 0 ? 0 : parallelism) : completions - succeeded;
  const wanted = suspend ? 0 : Math.min(parallelism, open);
  return {
    create: Math.max(0, wanted - active.length),
    remove: active.slice(0, Math.max(0, active.length - wanted)),
    status,
  };
}
