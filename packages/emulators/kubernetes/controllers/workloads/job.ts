import { type Controller, type ControlPlane, ownerIndex } from "../control-plane.ts";
import { canonicalJson, controllerOf, type Job, keyOf, nameOf, type Pod } from "../objects.ts";
import { isOver, planJob } from "./job-plan.ts";
import { isNamespaceTerminating, podFromTemplate } from "./pods.ts";

/** The labels by which `kubectl` and people find the pods of a Job. */
function jobLabels(job: Job): Record<string, string> {
  const { uid = "" } = job.metadata;
  const name = nameOf(job);
  return {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
}

/** Runs Jobs. */
export function startJobController(plane: ControlPlane): Controller {
  const { caches, clock, recorder } = plane;
  const api = plane.api.as("system:serviceaccount:kube-system:job-controller");
  const queue = plane.queue(4, reconcile);

  caches.jobs.onChange(({ object }) => queue.add(keyOf(object)));
  caches.pods.onChange(({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === "Job") queue.add(`${object.metadata.namespace}/${owner.name}`);
  });

  function tell(job: Job, reason: string, message: string): void {
    recorder.tell({ about: job, type: "Normal", reason, message, component: "job-controller" });
  }

  async function createPod(job: Job): Promise<void> {
    try {
      const pod = await api.create(podFromTemplate(job, job.spec.template, { labels: jobLabels(job) }));
      tell(job, "SuccessfulCreate", `Created pod: ${nameOf(pod)}`);
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
    }
  }

  /** Deletes a Job that is over once its time to live has passed. */
  async function expire(job: Job): Promise<void> {
    const { ttlSecondsAfterFinished } = job.spec;
    const over = job.status?.conditions?.find(({ type }) => type === "Complete" || type === "Failed");
    if (ttlSecondsAfterFinished === undefined || over === undefined) return;
    const leftMs = Date.parse(over.lastTransitionTime ?? "") + ttlSecondsAfterFinished * 1_000 - clock.now();
    if (leftMs > 0) return queue.addAfter(keyOf(job), leftMs);
    const { namespace = "", uid = "" } = job.metadata;
    const ref = { group: "batch", resource: "jobs", namespace, name: nameOf(job) };
    await api.delete(ref, { uid, propagationPolicy: "Background" });
  }

  async function removePod(job: Job, pod: Pod): Promise<void> {
    const { namespace = "", uid = "" } = pod.metadata;
    await api.delete({ group: "", resource: "pods", namespace, name: nameOf(pod) }, { uid });
    tell(job, "SuccessfulDelete", `Deleted pod: ${nameOf(pod)}`);
  }

  async function reconcile(key: string): Promise<void> {
    const job = caches.jobs.get(key);
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) return;
    const pods = caches.pods.indexed(ownerIndex(job.metadata.uid ?? ""));
    const step = planJob(job, pods, clock.now());
    for (let made = 0; made < step.create; made += 1) {
      await createPod(job);
    }
    for (const pod of step.remove) await removePod(job, pod);
    const changed = canonicalJson(step.status) !== canonicalJson(job.status ?? {});
    if (!changed) return expire(job);
    const { namespace = "" } = job.metadata;
    const ref = { group: "batch", resource: "jobs", namespace, name: nameOf(job) };
    await api.patch(ref, { type: "merge", body: { status: step.status }, subresource: "status" });
    if (!isOver(job) && step.status.completionTime !== undefined) tell(job, "Completed", "Job completed");
  }

  return { stop: () => queue.stop() };
}
