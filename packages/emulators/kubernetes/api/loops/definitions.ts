/** Serves the custom types that definitions describe, and removes their objects when a definition goes. */

import type { ApiAccess, KubernetesObject } from "../../ports.ts";
import { isStatusError } from "../../ports.ts";
import { customTypes } from "../custom-type.ts";
import { copy, equal, objectAt, objectIn, objectsAt, stringAt } from "../json.ts";
import { CUSTOM_RESOURCE_CLEANUP } from "../kinds/extension-rules.ts";
import type { ApiState } from "../requests/context.ts";
import { collectionOf } from "../resource-type.ts";
import { timestamp } from "../time.ts";
import { workQueue } from "./background.ts";

const COLLECTION = "apiextensions.k8s.io/customresourcedefinitions";

/** Starts the loop; the returned function stops it. */
export function startDefinitions(state: ApiState, api: ApiAccess): () => void {
  const queue = workQueue(state.clock, (name) => reconcile(state, api, name, () => queue.add(name)));
  const stop = api.watch({ group: "apiextensions.k8s.io", resource: "customresourcedefinitions" }, (event) => {
    const name = event.object.metadata.name ?? "";
    // Serving follows the definition at once, so that an object can be created right after its type.
    if (event.type === "DELETED") state.types.removeCustom(name);
    else state.types.setCustom(name, customTypes(event.object));
    queue.add(name);
  });
  return () => {
    stop();
    queue.stop();
  };
}

/** `again` has the definition looked at once more. */
async function reconcile(state: ApiState, api: ApiAccess, name: string, again: () => void): Promise<void> {
  const definition = state.store.get(COLLECTION, undefined, name);
  if (definition === undefined) return;
  if (definition.metadata.deletionTimestamp === undefined) await establish(state, api, definition);
  else await cleanUp(state, api, definition, again);
}

async function establish(state: ApiState, api: ApiAccess, definition: KubernetesObject): Promise<void> {
  const next = copy(definition);
  const status = objectIn(next, "status");
  status.acceptedNames = objectAt(definition, "spec", "names");
  const stored = objectsAt(definition, "spec", "versions").find((version) => version.storage === true);
  status.storedVersions = [stringAt(stored, "name")];
  const time = timestamp(state.clock.now());
  if (objectsAt(status, "conditions").length === 0) {
    status.conditions = [
      condition("NamesAccepted", "NoConflicts", "no conflicts found", time),
      condition("Established", "InitialNamesAccepted", "the initial names have been accepted", time),
    ];
  }
  if (equal(next.status, definition.status)) return;
  await api.update(next, { subresource: "status" });
}

function condition(type: string, reason: string, message: string, time: string): object {
  return { type, status: "True", reason, message, lastTransitionTime: time };
}

async function cleanUp(
  state: ApiState,
  api: ApiAccess,
  definition: KubernetesObject,
  again: () => void,
): Promise<void> {
  const finalizers = definition.metadata.finalizers ?? [];
  if (!finalizers.includes(CUSTOM_RESOURCE_CLEANUP)) return;
  const group = stringAt(definition, "spec", "group") ?? "";
  const resource = stringAt(definition, "spec", "names", "plural") ?? "";
  const collection = collectionOf({ group, resource });
  for (const object of state.store.list(collection)) {
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const { name = "", namespace } = object.metadata;
    const ref = { group, resource, name, ...(namespace === undefined ? {} : { namespace }) };
    await api.delete(ref).catch((error: unknown) => {
      if (!isStatusError(error, "NotFound")) throw error;
    });
  }
  if (state.store.list(collection).length > 0) {
    const stop = state.store.watch(collection, () => {
      if (state.store.list(collection).length > 0) return;
      stop();
      again();
    });
    return;
  }
  const { uid, resourceVersion } = definition.metadata;
  const left = finalizers.filter((entry) => entry !== CUSTOM_RESOURCE_CLEANUP);
  const body = { metadata: { uid, resourceVersion, finalizers: left.length === 0 ? null : left } };
  const ref = {
    group: "apiextensions.k8s.io",
    resource: "customresourcedefinitions",
    name: definition.metadata.name ?? "",
  };
  await api.patch(ref, { type: "merge", body });
}
