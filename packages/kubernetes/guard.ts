import type { Verdict } from "./admission.ts";
import { awsNodeUser, eniConfigLabel, fargateGroupsKey, forwarderUser, podEniKey, trunkLabel } from "./keys.ts";
import type { NodeObject, PodObject, StringMap } from "./objects.ts";

const allowed: Verdict = { allowed: true, patch: [] };
const refused = (reason: string): Verdict => ({ allowed: false, reason });

const annotationOf = (pod: PodObject, key: string): string | undefined => {
  const annotations = pod.metadata?.annotations ?? {};
  return Object.hasOwn(annotations, key) ? annotations[key] : undefined;
};

/** Guards a pod that is being created: nobody may bring the annotation of an ENI that is not the pod's. */
export const guardNewPod = (pod: PodObject): Verdict =>
  annotationOf(pod, podEniKey) === undefined
    ? allowed
    : refused(`annotation ${podEniKey} cannot be set when a pod is created`);

/** Guards a pod that is being changed: the ENI is written by the forwarder only, Fargate's groups by nobody. */
export const guardChangedPod = (before: PodObject, after: PodObject, user: string): Verdict => {
  if (annotationOf(before, podEniKey) !== annotationOf(after, podEniKey) && user !== forwarderUser) {
    return refused(`annotation ${podEniKey} cannot be changed by ${user}`);
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

/** A node without what the CNI plugin may change and what the API server changes by itself. */
const withoutOwnFields = (node: NodeObject): unknown => {
  const metadata: Record<string, unknown> = { ...node.metadata };
  for (const field of ["resourceVersion", "generation", "managedFields"]) delete metadata[field];
  const labels: Record<string, string> = { ...(node.metadata?.labels satisfies StringMap | null | undefined) };
  delete labels[trunkLabel];
  delete labels[eniConfigLabel];
  return { ...node, metadata: { ...metadata, labels } };
};

/** Equality of JSON values, whatever the order of their keys; a missing key equals an undefined one. */
const sameJson = (left: unknown, right: unknown): boolean => {
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return left === right;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const [a, b] = [left as Record<string, unknown>, right as Record<string, unknown>];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => sameJson(a[key], b[key]));
};
