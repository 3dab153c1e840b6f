/** What is posted to a pod: the scheduler's binding, and an eviction. */

import type { KubernetesObject } from "../../ports.ts";
import { copy, isObject, numberAt, objectAt, objectIn, objectsAt, stringAt, stringMapAt } from "../json.ts";
import { badRequest, conflict, internalError, notFound, tooManyRequests } from "../statuses.ts";
import { selectorPredicate } from "../store/label-selector.ts";
import { timestamp } from "../time.ts";
import type { ApiState, RequestContext, Target } from "./context.ts";
import { deleteObject } from "./delete.ts";

const EVICTION_RETRY_SECONDS = 10;

/** Binds the pod to the node that the binding names; 409 when it is bound, gone, or another pod by now. */
export async function bindPod(state: ApiState, pod: Target, body: unknown, context: RequestContext): Promise<void> {
  await bind(state, { pod, body, admitted: { ...pod, subresource: "binding" } }, context);
}

/** As {@link bindPod}, of the pod whose name the binding itself has: what `POST …/bindings` has always done. */
export async function postBinding(
  state: ApiState,
  target: Omit<Target, "name">,
  body: unknown,
  context: RequestContext,
): Promise<void> {
  const pods = state.types.byRef({ group: "", resource: "pods" });
  const name = stringAt(body, "metadata", "name") ?? "";
  if (pods === undefined || name === "") throw badRequest("metadata.name: Required value");
  const admitted = { ...target, name };
  await bind(state, { pod: { ...admitted, type: pods }, body, admitted }, context);
}

interface BindRequest {
  pod: Target;
  body: unknown;
  /** What admission is asked about: a part of the pod, or a binding. */
  admitted: Target & { subresource?: string };
}

async function bind(state: ApiState, { pod, body, admitted }: BindRequest, context: RequestContext): Promise<void> {
  const kind = { group: "", version: "v1", kind: "Binding" };
  const given = { apiVersion: "v1", kind: "Binding", ...(isObject(body) ? body : {}) } as KubernetesObject;
  const request = { ...admitted, operation: "CREATE" as const, kind };
  const binding = await state.admission.mutate({ ...request, object: given }, context);
  const node = stringAt(binding, "target", "name") ?? "";
  if (node === "") throw badRequest("target.name: Required value");
  await state.admission.validate({ ...request, object: binding }, context);
  const subject = { group: "", resource: "pods/binding", name: pod.name };
  const old = state.store.get(pod.type.collection, pod.namespace, pod.name);
  if (old === undefined) throw notFound({ group: "", resource: "pods", name: pod.name });
  const uid = stringAt(binding, "metadata", "uid") ?? "";
  if (uid !== "" && uid !== old.metadata.uid) {
    throw conflict(
      subject,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
  }
  if (old.metadata.deletionTimestamp !== undefined) {
    throw conflict(subject, `pod ${pod.name} is being deleted, cannot be assigned to a host`);
  }
  const assigned = stringAt(old, "spec", "nodeName") ?? "";
  if (assigned !== "") throw conflict(subject, `pod ${pod.name} is already assigned to node "${assigned}"`);
  const next = boundPod(old, node, stringMapAt(binding, "metadata", "annotations"), timestamp(state.clock.now()));
  if (!context.dryRun) state.store.put(pod.type.collection, next);
}

function boundPod(
  old: KubernetesObject,
  node: string,
  annotations: Record<string, string>,
  time: string,
): KubernetesObject {
  const next = copy(old);
  objectIn(next, "spec").nodeName = node;
  if (Object.keys(annotations).length > 0) next.metadata.annotations = { ...next.metadata.annotations, ...annotations };
  const status = objectIn(next, "status");
  const scheduled = { type: "PodScheduled", status: "True", lastProbeTime: null, lastTransitionTime: time };
  const others = objectsAt(status, "conditions").filter((condition) => condition.type !== "PodScheduled");
  status.conditions = [...others, scheduled];
  return next;
}

/** Deletes the pod unless a disruption budget forbids it (429). */
export async function evictPod(state: ApiState, pod: Target, body: unknown, context: RequestContext): Promise<void> {
  const present = state.store.get(pod.type.collection, pod.namespace, pod.name);
  if (present === undefined) throw notFound({ group: "", resource: "pods", name: pod.name });
  const ended = ["Succeeded", "Failed", "Pending"].includes(stringAt(present, "status", "phase") ?? "");
  if (!ended && present.metadata.deletionTimestamp === undefined) refuseDisruption(state, present);
  const options = objectAt(body, "deleteOptions");
  const grace = numberAt(options, "gracePeriodSeconds");
  const uid = stringAt(options, "preconditions", "uid");
  const request = {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(uid === undefined ? {} : { uid }),
  };
  await deleteObject(state, pod, request, context);
}

function refuseDisruption(state: ApiState, pod: KubernetesObject): void {
  const matches = (budget: KubernetesObject, labels: Record<string, string> | undefined) =>
    selectorPredicate(objectAt(budget, "spec", "selector"))(labels ?? {});
  const budgets = state.store
    .list("policy/poddisruptionbudgets", pod.metadata.namespace)
    .filter((budget) => matches(budget, pod.metadata.labels));
  if (budgets.length > 1)
    throw internalError(
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  const [budget] = budgets;
  if (budget === undefined) return;
  const pods = state.store
    .list("/pods", pod.metadata.namespace)
    .filter((other) => matches(budget, other.metadata.labels));
  const healthy = pods.filter(isHealthy).length;
  const needed = neededHealthy(budget, pods.length);
  if (healthy - 1 >= needed) return;
  const name = budget.metadata.name ?? "";
  const refusal = tooManyRequests(
    "Cannot evict pod as it would violate the pod's disruption budget.",
    EVICTION_RETRY_SECONDS,
  );
  const message = `The disruption budget ${name} needs ${needed} healthy pods and has ${healthy} currently`;
  refusal.status.details = { ...refusal.status.details, causes: [{ reason: "DisruptionBudget", message }] };
  throw refusal;
}

function isHealthy(pod: KubernetesObject): boolean {
  const ready = objectsAt(pod, "status", "conditions").find((condition) => condition.type === "Ready");
  return ready?.status === "True" && pod.metadata.deletionTimestamp === undefined;
}

function neededHealthy(budget: KubernetesObject, pods: number): number {
  const spec = objectAt(budget, "spec") ?? {};
  const scaled = (value: unknown) => {
    if (typeof value === "number") return value;
    return typeof value === "string" ? Math.ceil((Number.parseFloat(value) / 100) * pods) : undefined;
  };
  const unavailable = scaled(spec.maxUnavailable);
  return unavailable === undefined ? (scaled(spec.minAvailable) ?? 0) : pods - unavailable;
}
