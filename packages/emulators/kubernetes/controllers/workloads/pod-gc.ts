import { type Controller, type ControlPlane, nodeIndex } from "../control-plane.ts";
import { nameOf } from "../objects.ts";

/** Removes the pods of nodes that no longer exist, a while after the node went: nobody else can end them. */
export function startPodGarbageCollector(plane: ControlPlane): Controller {
  const { caches, settings } = plane;
  const api = plane.api.as("system:serviceaccount:kube-system:pod-garbage-collector");
  const queue = plane.queue(1, reconcile);

  caches.nodes.onChange(({ type, object }) => {
    if (type === "DELETED") queue.addAfter(nameOf(object), settings.podGcMs);
  });
  caches.pods.onChange(({ type, object: { spec } }) => {
    if (type === "DELETED" || spec.nodeName === undefined || caches.nodes.get(spec.nodeName) !== undefined) return;
    queue.addAfter(spec.nodeName, settings.podGcMs);
  });

  async function reconcile(nodeName: string): Promise<void> {
    if (caches.nodes.get(nodeName) !== undefined) return;
    for (const pod of caches.pods.indexed(nodeIndex(nodeName))) {
      const { namespace = "", uid = "" } = pod.metadata;
      const ref = { group: "", resource: "pods", namespace, name: nameOf(pod) };
      // The real collector marks the pod as failed first, so that whoever waits for its end sees one.
      if (pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed") {
        await api.patch(ref, { type: "merge", body: { status: { phase: "Failed" } }, subresource: "status" });
      }
      await api.delete(ref, { uid, gracePeriodSeconds: 0 });
    }
  }

  return { stop: () => queue.stop() };
}
