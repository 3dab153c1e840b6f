import type { ApiAccess, KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import { podEniKey } from "./cluster.ts";

/**
 * Measures, for each pod, the time from its binding to its annotation as the API server told both.
 *
 * @returns a function that answers with the milliseconds measured so far.
 */
export function followAnnotations(api: ApiAccess): () => readonly number[] {
  const boundAt = new Map<string, number>();
  const delays = new Map<string, number>();
  const look = (pod: KubernetesObject) => {
    const uid = pod.metadata.uid ?? "";
    const bound = (pod.spec as { nodeName?: string } | undefined)?.nodeName !== undefined;
    if (bound && !boundAt.has(uid)) boundAt.set(uid, performance.now());
    if (pod.metadata.annotations?.[podEniKey] === undefined || delays.has(uid)) return;
    delays.set(uid, performance.now() - (boundAt.get(uid) ?? performance.now()));
  };
  api.watch({ group: "", resource: "pods" }, ({ object }) => look(object));
  return () => [...delays.values()];
}
