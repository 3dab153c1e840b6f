import { isStatusError } from "../../ports.ts";
import { type Controller, type ControlPlane, ownerIndex } from "../control-plane.ts";
import { canonicalJson, controllerOf, keyOf, nameOf, type Pod, type ReplicaSet } from "../objects.ts";
import { availableInMs, byDeletionOrder, isActive, isNamespaceTerminating, isReady, podFromTemplate } from "./pods.ts";

/** Pods that one pass creates or deletes at most, as the real controller's burst; the rest follows in the next pass. */
const BURST_MAX = 500;

/** What a ReplicaSet lacks or has too many of. */
export type ReplicaChange = { create: number } | { remove: Pod[] };

/** Decides which pods to make or to delete. Pure. */
export function planReplicas(replicaSet: ReplicaSet, pods: Pod[]): ReplicaChange {
  const active = pods.filter(isActive);
  const missing = (replicaSet.spec.replicas ?? 1) - active.length;
  if (missing >= 0) return { create: Math.min(missing, BURST_MAX) };
  return { remove: active.sort(byDeletionOrder).slice(0, Math.min(-missing, BURST_MAX)) };
}

/** Counts the pods for the status. Pure. */
export function replicaSetStatus(replicaSet: ReplicaSet, pods: Pod[], nowMs: number): ReplicaSet["status"] {
  const active = pods.filter(isActive);
  const minReadySeconds = replicaSet.spec.minReadySeconds ?? 0;
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter((pod) => availableInMs(pod, minReadySeconds, nowMs) === 0).length,
    observedGeneration: replicaSet.metadata.generation ?? 1,
  };
}

/** Runs ReplicaSets. */
export function startReplicaSetController(plane: ControlPlane): Controller {
  const { caches, clock, recorder } = plane;
  const api = plane.api.as("system:serviceaccount:kube-system:replicaset-controller");
  const queue = plane.queue(8, reconcile);

  caches.replicaSets.onChange(({ object }) => queue.add(keyOf(object)));
  caches.pods.onChange(({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === "ReplicaSet") queue.add(`${object.metadata.namespace}/${owner.name}`);
  });

  function tell(replicaSet: ReplicaSet, type: "Normal" | "Warning", reason: string, message: string): void {
    recorder.tell({ about: replicaSet, type, reason, message, component: "replicaset-controller" });
  }

  async function createPod(replicaSet: ReplicaSet): Promise<void> {
    try {
      const pod = await api.create(podFromTemplate(replicaSet, replicaSet.spec.template));
      tell(replicaSet, "Normal", "SuccessfulCreate", `Created pod: ${nameOf(pod)}`);
    } catch (error) {
      // Nothing can be made in a namespace that is going, and the ReplicaSet goes with it.
      if (isNamespaceTerminating(error)) return;
      if (isStatusError(error)) tell(replicaSet, "Warning", "FailedCreate", `Error creating: ${error.message}`);
      throw error;
    }
  }

  async function removePod(replicaSet: ReplicaSet, pod: Pod): Promise<void> {
    const { namespace = "", uid = "" } = pod.metadata;
    await api.delete({ group: "", resource: "pods", namespace, name: nameOf(pod) }, { uid });
    tell(replicaSet, "Normal", "SuccessfulDelete", `Deleted pod: ${nameOf(pod)}`);
  }

  async function reconcile(key: string): Promise<void> {
    const replicaSet = caches.replicaSets.get(key);
    if (replicaSet === undefined) return;
    const pods = () => caches.pods.indexed(ownerIndex(replicaSet.metadata.uid ?? ""));
    if (replicaSet.metadata.deletionTimestamp === undefined) {
      const change = planReplicas(replicaSet, pods());
      try {
        for (let made = 0; "create" in change && made < change.create; made += 1) await createPod(replicaSet);
        for (const pod of "remove" in change ? change.remove : []) await removePod(replicaSet, pod);
      } finally {
        await writeStatus(replicaSet, pods());
      }
    }
  }

  async function writeStatus(replicaSet: ReplicaSet, pods: Pod[]): Promise<void> {
    const status = replicaSetStatus(replicaSet, pods, clock.now());
    const minReadySeconds = replicaSet.spec.minReadySeconds ?? 0;
    for (const pod of pods) {
      const waitMs = availableInMs(pod, minReadySeconds, clock.now()) ?? 0;
      if (waitMs > 0) queue.addAfter(keyOf(replicaSet), waitMs);
    }
    if (canonicalJson(status) === canonicalJson(replicaSet.status ?? {})) return;
    const { namespace = "" } = replicaSet.metadata;
    const ref = { group: "apps", resource: "replicasets", namespace, name: nameOf(replicaSet) };
    await api.patch(ref, { type: "merge", body: { status }, subresource: "status" });
  }

  return { stop: () => queue.stop() };
}
