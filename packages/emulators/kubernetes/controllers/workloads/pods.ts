import type { KubernetesObject } from "../../ports.ts";
import { isStatusError } from "../../ports.ts";
import type { Pod, PodTemplate } from "../objects.ts";
import { ownedBy } from "../objects.ts";

/** Whether the pod has ended by itself. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** Whether the pod counts for its owner: it has not ended and nobody deletes it. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Whether the pod's condition Ready is true. */
export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

/**
 * How long until the pod is available, in milliseconds: 0 when it is, `undefined` while it is not ready. It is
 * available once it has been ready for `minReadySeconds`.
 */
export function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status !== "True") return undefined;
  if (minReadySeconds === 0) return 0;
  return Math.max(0, Date.parse(ready.lastTransitionTime ?? "") + minReadySeconds * 1_000 - nowMs);
}

/** What differs from the template in a pod that a controller makes. */
export interface PodIdentity {
  name?: string;
  labels?: Record<string, string>;
}

/** The pod that a template describes, controlled by `owner`. Without a name the API server makes one. */
export function podFromTemplate(owner: KubernetesObject, template: PodTemplate, identity: PodIdentity = {}): Pod {
  const { labels, annotations } = template.metadata ?? {};
  const named = identity.name === undefined ? { generateName: `${owner.metadata.name}-` } : { name: identity.name };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...named,
      ...(owner.metadata.namespace !== undefined && { namespace: owner.metadata.namespace }),
      labels: { ...labels, ...identity.labels },
      ...(annotations !== undefined && { annotations: { ...annotations } }),
      ownerReferences: [ownedBy(owner)],
    },
    spec: structuredClone(template.spec),
  };
}

/** Whether the API server refused because the namespace is being deleted. */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!isStatusError(error, "Forbidden")) return false;
  return error.status.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") ?? false;
}

/** Which pods to delete first, as the ReplicaSet controller ranks them: the ones whose loss hurts least. */
export function byDeletionOrder(a: Pod, b: Pod): number {
  return deletionRank(a) - deletionRank(b) || (createdLater(a, b) ? -1 : 1);
}

function deletionRank(pod: Pod): number {
  if (pod.spec.nodeName === undefined) return 0;
  if (pod.status?.phase !== "Running") return 1;
  return isReady(pod) ? 3 : 2;
}

function createdLater(a: Pod, b: Pod): boolean {
  return (a.metadata.creationTimestamp ?? "") > (b.metadata.creationTimestamp ?? "");
}
