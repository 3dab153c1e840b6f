/** Empties a namespace that is being deleted, and then lets it go. */

import type { ApiAccess } from "../../ports.ts";
import { isStatusError } from "../../ports.ts";
import { copy, objectIn, stringsAt } from "../json.ts";
import type { ApiState } from "../requests/context.ts";
import { workQueue } from "./background.ts";

/** Starts the loop; the returned function stops it. */
export function startNamespaces(state: ApiState, api: ApiAccess): () => void {
  const queue = workQueue(state.clock, (namespace) => empty(state, api, namespace));
  const watched = new Map<string, () => void>();
  const isTerminating = (namespace: string) =>
    state.store.get("/namespaces", undefined, namespace)?.metadata.deletionTimestamp !== undefined;
  const watchContents = () => {
    for (const type of state.types.all()) {
      if (!type.namespaced || type.view !== undefined || watched.has(type.collection)) continue;
      const stop = state.store.watch(type.collection, ({ object }) => {
        const namespace = object.metadata.namespace ?? "";
        if (isTerminating(namespace)) queue.add(namespace);
      });
      watched.set(type.collection, stop);
    }
  };
  watched.set(
    "/namespaces",
    api.watch({ group: "", resource: "namespaces" }, ({ object }) => {
      watchContents();
      if (object.metadata.deletionTimestamp !== undefined) queue.add(object.metadata.name ?? "");
    }),
  );
  return () => {
    queue.stop();
    for (const stop of watched.values()) stop();
  };
}

async function empty(state: ApiState, api: ApiAccess, name: string): Promise<void> {
  const namespace = state.store.get("/namespaces", undefined, name);
  if (namespace === undefined || namespace.metadata.deletionTimestamp === undefined) return;
  let left = 0;
  for (const type of state.types.all()) {
    if (!type.namespaced || type.view !== undefined || !type.verbs.includes("delete")) continue;
    for (const object of state.store.list(type.collection, name)) {
      left += 1;
      if (object.metadata.deletionTimestamp !== undefined) continue;
      const ref = { group: type.group, resource: type.resource, namespace: name, name: object.metadata.name ?? "" };
      await api.delete(ref, { propagationPolicy: "Background" }).catch((error: unknown) => {
        if (!isStatusError(error, "NotFound")) throw error;
      });
      if (state.store.get(type.collection, name, ref.name) === undefined) left -= 1;
    }
  }
  if (left > 0) return;
  const released = copy(namespace);
  objectIn(released, "spec").finalizers = stringsAt(released, "spec", "finalizers").filter(
    (entry) => entry !== "kubernetes",
  );
  delete released.metadata.resourceVersion;
  await api.update(released, { subresource: "finalize" });
}
