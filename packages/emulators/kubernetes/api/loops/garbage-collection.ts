/**
 * Deletes what lost its owners, and carries out foreground and orphaning deletions.
 * See https://kubernetes.io/docs/concepts/architecture/garbage-collection/.
 */

import type { ApiAccess, KubernetesObject, OwnerReference } from "../../ports.ts";
import { isStatusError } from "../../ports.ts";
import type { ApiState } from "../requests/context.ts";
import { FOREGROUND, ORPHAN } from "../requests/delete.ts";
import type { ResourceType } from "../resource-type.ts";
import type { Change } from "../store/store.ts";
import { workQueue } from "./background.ts";

interface Known {
  type: ResourceType;
  object: KubernetesObject;
}

/** What the collector knows: every object by UID, and the dependents of each owner. */
interface Graph {
  objects: Map<string, Known>;
  dependents: Map<string, Set<string>>;
}

/** Starts the loop; the returned function stops it. */
export function startGarbageCollection(state: ApiState, api: ApiAccess): () => void {
  const graph: Graph = { objects: new Map(), dependents: new Map() };
  const queue = workQueue(state.clock, (uid) => collect(graph, api, uid));
  const watched = new Map<string, () => void>();
  const learn = (type: ResourceType, change: Pick<Change, "type" | "object" | "previous">) => {
    for (const uid of remember(graph, type, change)) queue.add(uid);
  };
  const watchAll = () => {
    for (const type of state.types.all()) {
      if (type.view !== undefined || watched.has(type.collection) || isEvent(type)) continue;
      const stop = state.store.watch(type.collection, (change) => {
        learn(type, change);
        if (type.resource === "customresourcedefinitions") watchAll();
      });
      watched.set(type.collection, stop);
      for (const object of state.store.list(type.collection))
        learn(type, { type: "ADDED", object, previous: undefined });
    }
  };
  watchAll();
  return () => {
    queue.stop();
    for (const stop of watched.values()) stop();
  };
}

/** Events have no owners and come in numbers. */
function isEvent(type: ResourceType): boolean {
  return type.collection === "/events";
}

/** Records the change and answers which objects to look at again. */
function remember(graph: Graph, type: ResourceType, change: Pick<Change, "type" | "object" | "previous">): string[] {
  const { object, previous } = change;
  const uid = object.metadata.uid ?? "";
  for (const owner of previous?.metadata.ownerReferences ?? []) graph.dependents.get(owner.uid)?.delete(uid);
  if (change.type === "DELETED") {
    graph.objects.delete(uid);
    const owners = (object.metadata.ownerReferences ?? []).map((owner) => owner.uid);
    const left = [...(graph.dependents.get(uid) ?? [])];
    graph.dependents.delete(uid);
    return [...left, ...owners];
  }
  graph.objects.set(uid, { type, object });
  for (const owner of object.metadata.ownerReferences ?? []) {
    const dependents = graph.dependents.get(owner.uid) ?? new Set();
    graph.dependents.set(owner.uid, dependents.add(uid));
  }
  const concerned =
    (object.metadata.ownerReferences ?? []).length > 0 || isMarked(object, FOREGROUND) || isMarked(object, ORPHAN);
  return concerned ? [uid] : [];
}

function isMarked(object: KubernetesObject, finalizer: string): boolean {
  return object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).includes(finalizer);
}

async function collect(graph: Graph, api: ApiAccess, uid: string): Promise<void> {
  const known = graph.objects.get(uid);
  if (known === undefined) return;
  if (isMarked(known.object, ORPHAN)) return orphan(graph, api, known);
  if (isMarked(known.object, FOREGROUND)) await deleteDependents(graph, api, known);
  await deleteWithoutOwners(graph, api, known);
}

/** Deletes the object when all its owners are gone, or are waiting for it in the foreground. */
async function deleteWithoutOwners(graph: Graph, api: ApiAccess, { type, object }: Known): Promise<void> {
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length === 0 || object.metadata.deletionTimestamp !== undefined) return;
  const isPresent = (owner: OwnerReference) => graph.objects.has(owner.uid);
  if (!owners.some(isPresent)) {
    await ignoreAbsence(
      api.delete(refOf(type, object), { uid: object.metadata.uid ?? "", propagationPolicy: "Background" }),
    );
    return;
  }
  if (owners.every(isPresent)) return;
  const body = { metadata: { uid: object.metadata.uid, ownerReferences: owners.filter(isPresent) } };
  await ignoreAbsence(api.patch(refOf(type, object), { type: "merge", body }));
}

async function deleteDependents(graph: Graph, api: ApiAccess, owner: Known): Promise<void> {
  const dependents = [...(graph.dependents.get(owner.object.metadata.uid ?? "") ?? [])].flatMap(
    (uid) => graph.objects.get(uid) ?? [],
  );
  for (const { type, object } of dependents) {
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const uid = object.metadata.uid ?? "";
    const propagationPolicy = (graph.dependents.get(uid)?.size ?? 0) > 0 ? "Foreground" : "Background";
    await ignoreAbsence(api.delete(refOf(type, object), { uid, propagationPolicy }));
  }
  const blocks = (dependent: Known) =>
    graph.objects.has(dependent.object.metadata.uid ?? "") &&
    (dependent.object.metadata.ownerReferences ?? []).some(
      (reference) => reference.uid === owner.object.metadata.uid && reference.blockOwnerDeletion === true,
    );
  if (!dependents.some(blocks)) await removeFinalizer(api, owner, FOREGROUND);
}

async function orphan(graph: Graph, api: ApiAccess, owner: Known): Promise<void> {
  const ownerUid = owner.object.metadata.uid ?? "";
  for (const uid of [...(graph.dependents.get(ownerUid) ?? [])]) {
    const dependent = graph.objects.get(uid);
    if (dependent === undefined) continue;
    const kept = (dependent.object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== ownerUid);
    const body = { metadata: { uid, ownerReferences: kept.length === 0 ? null : kept } };
    await ignoreAbsence(api.patch(refOf(dependent.type, dependent.object), { type: "merge", body }));
  }
  await removeFinalizer(api, owner, ORPHAN);
}

async function removeFinalizer(api: ApiAccess, { type, object }: Known, finalizer: string): Promise<void> {
  const finalizers = (object.metadata.finalizers ?? []).filter((entry) => entry !== finalizer);
  const { uid, resourceVersion } = object.metadata;
  const body = { metadata: { uid, resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers } };
  await ignoreAbsence(api.patch(refOf(type, object), { type: "merge", body }));
}

function refOf(type: ResourceType, object: KubernetesObject) {
  const { name = "", namespace } = object.metadata;
  return {
    group: type.group,
    version: type.version,
    resource: type.resource,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** Somebody else deleted the object, or replaced it under its name: there is nothing left to do. */
async function ignoreAbsence(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isStatusError(error, "NotFound") && !isReplaced(error)) throw error;
  }
}

/** A deletion says so with a conflict, a patch by refusing the other UID. */
function isReplaced(error: unknown): boolean {
  if (isStatusError(error, "Conflict")) return error.message.includes("the UID in the precondition");
  if (!isStatusError(error, "Invalid")) return false;
  return (error.status.details?.causes ?? []).some(({ field }) => field === "metadata.uid");
}
