/**
 * Deleting objects: at once, or marked with a time while a grace period runs or finalizers hold them.
 * See https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/.
 */

import type { DeleteRequest, KubernetesObject } from "../../ports.ts";
import { copy, isObject, stringsAt } from "../json.ts";
import type { ResourceType } from "../resource-type.ts";
import { conflict, notFound, objectModified } from "../statuses.ts";
import { timestamp } from "../time.ts";
import type { ApiState, RequestContext, Target } from "./context.ts";
import { storedType } from "./views.ts";

const ATTEMPTS_MAX = 5;

/** Marks that the garbage collector acts on, as finalizers. */
export const FOREGROUND = "foregroundDeletion";
/** As {@link FOREGROUND}: dependents are let go instead of deleted. */
export const ORPHAN = "orphan";

/** What became of the object. */
export interface Deletion {
  object: KubernetesObject;
  /** False while a grace period or a finalizer keeps it. */
  gone: boolean;
}

type Plan = { step: "remove" } | { step: "mark"; next: KubernetesObject } | { step: "wait" };

/** Deletes the object; throws what the API server answers when it refuses. */
export async function deleteObject(
  state: ApiState,
  target: Target,
  options: DeleteRequest,
  context: RequestContext,
): Promise<Deletion> {
  const type = storedType(state, target.type);
  const subject = { ...target.type, name: target.name };
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const old = state.store.get(type.collection, target.namespace, target.name);
    if (old === undefined) throw notFound(subject);
    checkPreconditions(target, old, options);
    const request = { ...target, type, operation: "DELETE" as const, oldObject: old };
    await state.admission.validate({ ...request, options: { ...options } }, context);
    if (state.store.get(type.collection, target.namespace, target.name) !== old) continue;
    const plan = planDeletion(type, old, options, state.clock.now());
    if (context.dryRun || plan.step === "wait") return { object: old, gone: plan.step === "remove" };
    if (plan.step === "mark") return { object: state.store.put(type.collection, plan.next), gone: false };
    return { object: state.store.remove(type.collection, zeroGrace(type, old)), gone: true };
  }
  throw conflict(subject, objectModified);
}

/** See https://github.com/kubernetes/apiserver/blob/master/pkg/registry/rest/delete.go. */
function checkPreconditions(target: Target, old: KubernetesObject, options: DeleteRequest): void {
  const subject = { ...target.type, name: target.name };
  const { uid, resourceVersion } = options;
  if (uid !== undefined && uid !== old.metadata.uid) {
    const text =
      `the UID in the precondition (${uid}) does not match the UID in record (${old.metadata.uid}). ` +
      "The object might have been deleted and then recreated";
    throw conflict(subject, text);
  }
  if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
    const now = old.metadata.resourceVersion;
    const text =
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record ` +
      `(${now}). The object might have been modified`;
    throw conflict(subject, text);
  }
}

/** The last state of a pod that is removed shows that no grace was left. */
function zeroGrace(type: ResourceType, object: KubernetesObject): KubernetesObject {
  if (type.rules.gracePeriodSeconds === undefined || object.metadata.deletionTimestamp === undefined) return object;
  return { ...object, metadata: { ...object.metadata, deletionGracePeriodSeconds: 0 } };
}

function planDeletion(type: ResourceType, old: KubernetesObject, options: DeleteRequest, nowMs: number): Plan {
  const graceSeconds = type.rules.gracePeriodSeconds?.(old, options.gracePeriodSeconds) ?? 0;
  const finalizers = finalizersAfter(old, options);
  const held = finalizers.length > 0 || namespaceIsHeld(old);
  if (graceSeconds === 0 && !held) return { step: "remove" };
  const beforeSeconds = old.metadata.deletionGracePeriodSeconds;
  const deleting = old.metadata.deletionTimestamp !== undefined;
  const sameFinalizers = finalizers.length === (old.metadata.finalizers ?? []).length;
  if (deleting && sameFinalizers && graceSeconds >= (beforeSeconds ?? 0)) return { step: "wait" };

  const next = copy(old);
  const shortenedFromMs = deleting
    ? Date.parse(old.metadata.deletionTimestamp ?? "") - (beforeSeconds ?? 0) * 1000
    : nowMs;
  const seconds = deleting ? Math.min(graceSeconds, beforeSeconds ?? 0) : graceSeconds;
  next.metadata.deletionTimestamp = timestamp(shortenedFromMs + seconds * 1000);
  next.metadata.deletionGracePeriodSeconds = seconds;
  if (finalizers.length > 0) next.metadata.finalizers = finalizers;
  else delete next.metadata.finalizers;
  if (type.hasGeneration && !deleting) next.metadata.generation = (old.metadata.generation ?? 0) + 1;
  if (isNamespace(old)) next.status = { ...(isObject(old.status) ? old.status : {}), phase: "Terminating" };
  return { step: "mark", next };
}

function finalizersAfter(old: KubernetesObject, options: DeleteRequest): string[] {
  const finalizers = old.metadata.finalizers ?? [];
  if (options.propagationPolicy === undefined) return finalizers;
  const others = finalizers.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  if (options.propagationPolicy === "Foreground") return [...others, FOREGROUND];
  return options.propagationPolicy === "Orphan" ? [...others, ORPHAN] : others;
}

function isNamespace(object: KubernetesObject): boolean {
  return object.kind === "Namespace" && object.apiVersion === "v1";
}

function namespaceIsHeld(object: KubernetesObject): boolean {
  return isNamespace(object) && stringsAt(object, "spec", "finalizers").length > 0;
}
