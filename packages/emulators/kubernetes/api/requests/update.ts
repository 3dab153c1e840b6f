/** Changing objects: what `update` and `patch` have in common. */

import type { KubernetesObject, ManagedFieldsEntry } from "../../ports.ts";
import { copy, equal, without } from "../json.ts";
import { validateMetadata, validateMetadataUpdate, validateWishedMetadata } from "../kinds/metadata-validation.ts";
import { trackUpdate } from "../patch/apply.ts";
import { changedFields, fieldsOf, isEmpty, managedPart } from "../patch/field-set.ts";
import { apiVersionOf, type ResourceType } from "../resource-type.ts";
import { conflict, invalid, mustNameVersion, notFound, objectModified } from "../statuses.ts";
import { timestamp } from "../time.ts";
import type { ApiState, RequestContext, Target } from "./context.ts";
import { decodeObject, setDefaults, validateObject } from "./decode-object.ts";
import { shownAs, storedType } from "./views.ts";

/** How often a change is computed anew when the object changed under it. */
const ATTEMPTS_MAX = 5;

/** A wish to change an object. */
export interface Change {
  /** The next state, from the present one as the request's type shows it. Must not change its argument. */
  compute(present: KubernetesObject): unknown;
  /** `status`: only the status changes; `finalize`: what holds a namespace back changes. */
  subresource?: "status" | "finalize";
  /** A PUT: the UID that it names is a precondition. A patch has none, and must not change the UID. */
  replaces?: boolean;
  /** The next state says itself who manages its fields. */
  applies?: boolean;
}

/** Changes the object; throws what the API server answers when it refuses. */
export async function changeObject(
  state: ApiState,
  target: Target,
  change: Change,
  context: RequestContext,
): Promise<KubernetesObject> {
  const type = storedType(state, target.type);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const old = state.store.get(type.collection, target.namespace, target.name);
    if (old === undefined) throw notFound({ ...target.type, name: target.name });
    const next = await nextState(state, { ...target, type }, { old, change, shownType: target.type }, context);
    if (state.store.get(type.collection, target.namespace, target.name) !== old) continue;
    return shownAs(target.type, commit(state, type, { old, next, change }, context));
  }
  throw conflict({ ...target.type, name: target.name }, objectModified);
}

interface Present {
  old: KubernetesObject;
  change: Change;
  shownType: ResourceType;
}

async function nextState(
  state: ApiState,
  target: Target,
  present: Present,
  context: RequestContext,
): Promise<KubernetesObject> {
  const { type, name } = target;
  const { old, change, shownType } = present;
  const wished = decodeObject(shownType, change.compute(shownAs(shownType, old)), context);
  const stored = shownType.view?.toStored(wished) ?? wished;
  if (change.replaces === true) checkUid(target, stored, old);
  checkVersion(target, stored, old);
  const merged = mergeWish(type, stored, old, change);
  setDefaults(type, merged);

  const request = { ...target, operation: "UPDATE" as const, oldObject: old, ...subresourceOf(change) };
  const mutated = await state.admission.mutate({ ...request, object: merged }, context);
  const admitted = decodeObject(type, mutated, { ...context, fieldValidation: "Ignore" });
  const next = mergeWish(type, admitted, old, change);
  setDefaults(type, next);
  if (change.subresource === undefined) type.rules.allocate?.(next, state.store.list(type.collection), state.random);

  const problems = [
    ...validateMetadata(type, next),
    ...validateWishedMetadata(stored, old),
    ...validateMetadataUpdate(next, old),
    ...(change.subresource === undefined ? validateObject(type, next) : []),
    ...(change.subresource === undefined ? (type.rules.validateUpdate?.(next, old) ?? []) : []),
    ...(change.subresource === "status" ? (type.rules.validateStatus?.(next) ?? []) : []),
    ...(shownType.view?.validateUpdate(next, old) ?? []),
  ];
  if (problems.length > 0) throw invalid(type, name, problems);
  await state.admission.validate({ ...request, object: next }, context);
  return next;
}

function subresourceOf(change: Change): { subresource?: string } {
  return change.subresource === undefined ? {} : { subresource: change.subresource };
}

function checkUid(target: Target, wished: KubernetesObject, old: KubernetesObject): void {
  const { uid } = wished.metadata;
  if (uid === undefined || uid === "" || uid === old.metadata.uid) return;
  const text = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`;
  throw conflict({ ...target.type, name: target.name }, text);
}

/** See https://github.com/kubernetes/apiserver/blob/master/pkg/registry/generic/registry/store.go. */
function checkVersion(target: Target, wished: KubernetesObject, old: KubernetesObject): void {
  const { type, name } = target;
  const { resourceVersion } = wished.metadata;
  if (resourceVersion === undefined || resourceVersion === "" || resourceVersion === "0") {
    if (!type.unconditionalUpdate) throw mustNameVersion({ ...type, name });
  } else if (resourceVersion !== old.metadata.resourceVersion) {
    throw conflict({ ...type, name }, objectModified);
  }
}

/** The wish, as far as this path to the object may change it. */
function mergeWish(
  type: ResourceType,
  wished: KubernetesObject,
  old: KubernetesObject,
  change: Change,
): KubernetesObject {
  const next = change.subresource === "status" ? statusOnly(type, wished, old) : { ...wished };
  next.metadata = { ...next.metadata, ...systemMetadata(old) };
  if (old.metadata.deletionTimestamp === undefined) {
    delete next.metadata.deletionTimestamp;
    delete next.metadata.deletionGracePeriodSeconds;
  }
  if (change.applies !== true) {
    if (old.metadata.managedFields === undefined) delete next.metadata.managedFields;
    else next.metadata.managedFields = old.metadata.managedFields;
  }
  if (change.subresource === undefined) {
    if (type.subresources.includes("status")) {
      if (old.status === undefined) delete next.status;
      else next.status = copy(old.status);
    }
    type.rules.prepareUpdate?.(next, old);
  }
  return next;
}

function statusOnly(type: ResourceType, wished: KubernetesObject, old: KubernetesObject): KubernetesObject {
  const next: KubernetesObject = { ...copy(old), ...(wished.status === undefined ? {} : { status: wished.status }) };
  if (wished.status === undefined) delete next.status;
  const { statusMayChangeMetadata } = type.rules;
  if (statusMayChangeMetadata !== undefined) {
    const { ownerReferences } = next.metadata;
    next.metadata = { ...wished.metadata };
    if (statusMayChangeMetadata === "all but owners") {
      if (ownerReferences === undefined) delete next.metadata.ownerReferences;
      else next.metadata.ownerReferences = ownerReferences;
    }
  }
  if (wished.metadata.managedFields !== undefined) next.metadata.managedFields = wished.metadata.managedFields;
  return next;
}

/** What belongs to the server and cannot be changed by anybody. */
function systemMetadata(old: KubernetesObject): Partial<KubernetesObject["metadata"]> {
  const owned = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
  ] as const;
  return Object.fromEntries(
    owned.filter((key) => old.metadata[key] !== undefined).map((key) => [key, old.metadata[key]]),
  );
}

function commit(
  state: ApiState,
  type: ResourceType,
  versions: { old: KubernetesObject; next: KubernetesObject; change: Change },
  context: RequestContext,
): KubernetesObject {
  const { old, next, change } = versions;
  if (sameButTimes(old, next)) return old;
  if (type.hasGeneration && !equal(specification(type, old), specification(type, next))) {
    next.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  if (change.applies !== true) recordManager(state, type, versions, context);
  if (context.dryRun) return next;
  return isReleased(next) ? state.store.remove(type.collection, next) : state.store.put(type.collection, next);
}

/** Whether nothing but the times in `managedFields` differs. */
function sameButTimes(old: KubernetesObject, next: KubernetesObject): boolean {
  const timeless = (object: KubernetesObject) => ({
    ...object,
    metadata: {
      ...object.metadata,
      managedFields: (object.metadata.managedFields ?? []).map((entry) => without({ ...entry }, "time")),
    },
  });
  return equal(timeless(old), timeless(next));
}

/** What the generation counts: everything but metadata and a status with a path of its own. */
function specification(type: ResourceType, object: KubernetesObject): unknown {
  return type.subresources.includes("status") ? without(object, "metadata", "status") : without(object, "metadata");
}

/** Whether the last finalizer of an object that is being deleted has gone. */
function isReleased(object: KubernetesObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined || (finalizers ?? []).length > 0) return false;
  if (object.kind === "Namespace" && object.apiVersion === "v1") {
    const spec = object.spec as { finalizers?: unknown[] } | undefined;
    return (spec?.finalizers ?? []).length === 0;
  }
  return (deletionGracePeriodSeconds ?? 0) === 0;
}

function recordManager(
  state: ApiState,
  type: ResourceType,
  versions: { old: KubernetesObject; next: KubernetesObject; change: Change },
  context: RequestContext,
): void {
  const { old, next, change } = versions;
  if (context.fieldManager === undefined) return;
  const after = managedPart(next);
  const changed = changedFields(managedPart(old), after, type.schema);
  const writer = {
    manager: context.fieldManager,
    apiVersion: apiVersionOf(type),
    time: timestamp(state.clock.now()),
    ...subresourceOf(change),
  };
  const managers: readonly ManagedFieldsEntry[] = old.metadata.managedFields ?? [];
  if (isEmpty(changed)) return;
  next.metadata.managedFields = trackUpdate(managers, { changed, next: fieldsOf(after, type.schema) }, writer);
}
