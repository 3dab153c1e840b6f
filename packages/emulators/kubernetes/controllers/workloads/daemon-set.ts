import { isStatusError } from "../../ports.ts";
import { type Controller, type ControlPlane, ownerIndex } from "../control-plane.ts";
import {
  type ControllerRevision,
  canonicalJson,
  controllerOf,
  type DaemonSet,
  keyOf,
  nameOf,
  type Pod,
} from "../objects.ts";
import { planRevisions } from "./daemon-revisions.ts";
import { daemonTemplate, planDaemons } from "./daemon-set-plan.ts";
import { isNamespaceTerminating, podFromTemplate } from "./pods.ts";
import { CONTROLLER_REVISION_HASH, templateHash } from "./template-hash.ts";

/** Runs DaemonSets: one pod on each node that its template fits, replaced node by node when the template changes. */
export function startDaemonSetController(plane: ControlPlane): Controller {
  const { caches, clock, recorder } = plane;
  const api = plane.api.as("system:serviceaccount:kube-system:daemon-set-controller");
  const queue = plane.queue(4, reconcile);

  caches.daemonSets.onChange(({ object }) => queue.add(keyOf(object)));
  caches.nodes.onChange(({ type, object, previous }) => {
    const placement = (node: typeof previous) => canonicalJson([node?.metadata.labels, node?.spec]);
    if (type === "MODIFIED" && placement(object) === placement(previous)) return;
    for (const daemonSet of caches.daemonSets.all()) queue.add(keyOf(daemonSet));
  });
  caches.pods.onChange(({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === "DaemonSet") queue.add(`${object.metadata.namespace}/${owner.name}`);
  });

  function tell(daemonSet: DaemonSet, type: "Normal" | "Warning", reason: string, message: string): void {
    recorder.tell({ about: daemonSet, type, reason, message, component: "daemonset-controller" });
  }

  async function createPod(daemonSet: DaemonSet, nodeName: string): Promise<void> {
    const { template } = daemonSet.spec;
    const labels = { [CONTROLLER_REVISION_HASH]: templateHash(template) };
    try {
      const pod = await api.create(podFromTemplate(daemonSet, daemonTemplate(template, nodeName), { labels }));
      tell(daemonSet, "Normal", "SuccessfulCreate", `Created pod: ${nameOf(pod)}`);
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      if (isStatusError(error)) tell(daemonSet, "Warning", "FailedCreate", `Error creating: ${error.message}`);
      throw error;
    }
  }

  async function removePod(daemonSet: DaemonSet, pod: Pod): Promise<void> {
    const { namespace = "", uid = "" } = pod.metadata;
    await api.delete({ group: "", resource: "pods", namespace, name: nameOf(pod) }, { uid });
    tell(daemonSet, "Normal", "SuccessfulDelete", `Deleted pod: ${nameOf(pod)}`);
  }

  async function keepRevisions(daemonSet: DaemonSet): Promise<void> {
    const { uid = "", namespace = "" } = daemonSet.metadata;
    const step = planRevisions(daemonSet, caches.revisions.indexed(ownerIndex(uid)));
    const refTo = (revision: ControllerRevision) => {
      return { group: "apps", resource: "controllerrevisions", namespace, name: nameOf(revision) };
    };
    if (step.create !== undefined) await api.create(step.create);
    if (step.renumber !== undefined) {
      const { revision, to } = step.renumber;
      await api.patch(refTo(revision), { type: "merge", body: { revision: to } });
    }
    for (const revision of step.prune) await api.delete(refTo(revision));
  }

  async function reconcile(key: string): Promise<void> {
    const daemonSet = caches.daemonSets.get(key);
    if (daemonSet === undefined || daemonSet.metadata.deletionTimestamp !== undefined) return;
    await keepRevisions(daemonSet);
    const pods = caches.pods.indexed(ownerIndex(daemonSet.metadata.uid ?? ""));
    const step = planDaemons(daemonSet, [...caches.nodes.all()], pods, clock.now());
    for (const nodeName of step.create) await createPod(daemonSet, nodeName);
    for (const pod of step.remove) await removePod(daemonSet, pod);
    if (canonicalJson(step.status) === canonicalJson(daemonSet.status ?? {})) return;
    const { namespace = "" } = daemonSet.metadata;
    const ref = { group: "apps", resource: "daemonsets", namespace, name: nameOf(daemonSet) };
    await api.patch(ref, { type: "merge", body: { status: step.status }, subresource: "status" });
  }

  return { stop: () => queue.stop() };
}
