import type { Verdict } from "./admission.ts";
import { awsNodeUser, eniConfigLabel, fargateGroupsKey, forwarderUser, podEniKey, trunkLabel } from "./keys.ts";
import type { NodeObject, ObjectMeta, PodObject } from "./objects.ts";

type Described = { readonly metadata?: ObjectMeta };

const allowed: Verdict = { allowed: true, patch: [] };
const refused = (reason: string): Verdict => ({ allowed: false, reason });

const annotationOf = (object: Described, key: string): string | undefined => {
  const annotations = object.metadata?.annotations ?? {};
  return Object.hasOwn(annotations, key) ? annotations[key] : undefined;
};

/** Guards a pod that is being created: nobody may bring the annotation of an ENI that is not the pod's. */
export const guardNewPod = (pod: PodObject): Verdict =>
  annotationOf(pod, podEniKey) === undefined
    ? allowed
    : refused(`annotation ${podEniKey} cannot be set when a pod is created`);

/**
 * Guards the binding of a pod to a node: the API server copies its annotations onto the pod, past every rule about
 * changes of pods.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/pod/storage/storage.go
 */
export const guardBinding = (binding: Described): Verdict => {
  const brought = [podEniKey, fargateGroupsKey].find((key) => annotationOf(binding, key) !== undefined);
  return brought === undefined ? allowed : refused(`annotation ${brought} cannot be set when a pod is bound`);
};

/** Guards a pod that is being changed: the ENI is written by the forwarder only, Fargate's groups by nobody. */
export const guardChangedPod = (before: PodObject, after: PodObject, user: string): Verdict => {
  if (annotationOf(before, podEniKey) !== annotationOf(after, podEniKey) && user !== forwarderUser) {
    return refused(`annotation ${podEniKey} can only be changed by ${forwarderUser}`);
  }
  return annotationOf(before, fargateGroupsKey) === annotationOf(after, fargateGroupsKey)
    ? allowed
    : refused(`annotation ${fargateGroupsKey} cannot be changed after a pod is created`);
};

/** Guards a node that is being changed: the CNI plugin's user may only change the two labels that it needs. */
export const guardChangedNode = (before: NodeObject, after: NodeObject, user: string): Verdict =>
  user !== awsNodeUser || sameJson(withoutOwnFields(before), withoutOwnFields(after))
    ? allowed
    : refused(`${awsNodeUser} can only change the labels ${trunkLabel} and ${eniConfigLabel} of a node`);

/** A node without what the CNI plugin may change and what the API server changes by itself; what is empty is absent. */
const withoutOwnFields = (node: NodeObject): unknown => {
  const metadata: Record<string, unknown> = { ...node.metadata };
  for (const field of ["resourceVersion", "generation", "managedFields"]) delete metadata[field];
  const labels: Record<string, string> = { ...node.metadata?.labels };
  delete labels[trunkLabel];
  delete labels[eniConfigLabel];
  return withoutEmpty({ ...node, metadata: withoutEmpty({ ...metadata, labels }) });
};

const withoutEmpty = (map: Readonly<Record<string, unknown>>): unknown =>
  Object.fromEntries(Object.entries(map).filter(([, value]) => !isEmpty(value)));

const isEmpty = (value: unknown): boolean =>
  value === null || (typeof value === "object" && Object.keys(value ?? {}).length === 0);

/** How deep objects are compared; those of the API server are a tenth of it. */
const depthMax = 100;

/** Equality of JSON values, whatever the order of their keys; a missing key equals an undefined one. Too deep ones differ. */
const sameJson = (left: unknown, right: unknown, depth = 0): boolean => {
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return left === right;
  if (Array.isArray(left) !== Array.isArray(right) || depth > depthMax) return false;
  const [a, b] = [left as Record<string, unknown>, right as Record<string, unknown>];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => sameJson(a[key], b[key], depth + 1));
};
