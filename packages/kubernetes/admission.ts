import { fargateGroupsKey, fargateProfileLabel, podEniKey } from "./keys.ts";
import type { PodObject } from "./objects.ts";
import type { PodLabels, PolicyMatch } from "./policies.ts";
import { isMirrorPod, wantsWindows } from "./requests.ts";

/** One operation of RFC 6902. */
export type JsonPatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string };

/** The answer to an admission request. */
export type Verdict =
  | { readonly allowed: true; readonly patch: readonly JsonPatchOperation[] }
  | { readonly allowed: false; readonly reason: string };

const untouched: Verdict = { allowed: true, patch: [] };

/** A key as one step of a JSON pointer: https://www.rfc-editor.org/rfc/rfc6901#section-3 */
export const pointerStep = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

/** Adds a key to a map that may not be there yet. */
export const addToMap = (
  map: Readonly<Record<string, unknown>> | null | undefined,
  path: string,
  key: string,
  value: unknown,
): JsonPatchOperation =>
  map === undefined || map === null
    ? { op: "add", path, value: { [key]: value } }
    : { op: "add", path: `${path}/${pointerStep(key)}`, value };

/** What the policies look at in a pod that is being created; its namespace may only be in the request. */
export const labelsOfNewPod = (pod: PodObject, namespace: string): PodLabels => ({
  namespace: pod.metadata?.namespace || namespace,
  labels: pod.metadata?.labels ?? {},
  serviceAccountName: pod.spec?.serviceAccountName || "default",
});

/**
 * Mutates a pod on CREATE: a pod that a policy matches asks for one branch ENI in its first container, where the CNI
 * plugin looks for it; a pod for Fargate gets its groups in an annotation.
 *
 * @param match finds the pod's policies; only called for pods that could get an ENI.
 */
export const mutatePod = (pod: PodObject, namespace: string, match: (labels: PodLabels) => PolicyMatch): Verdict => {
  if (pod.spec?.hostNetwork === true || isMirrorPod(pod)) return untouched;
  const onFargate = Object.hasOwn(pod.metadata?.labels ?? {}, fargateProfileLabel);
  if (!onFargate && (wantsWindows(pod) || (pod.spec?.containers ?? []).length === 0)) return untouched;
  const found = match(labelsOfNewPod(pod, namespace));
  if (!found.ok)
    return { allowed: false, reason: `failed to get matching security groups for the pod: ${found.problem}` };
  if (onFargate) return { allowed: true, patch: fargatePatch(pod, found.groupIds) };
  return found.groupIds.length === 0 ? untouched : { allowed: true, patch: requestPatch(pod) };
};

const requestPatch = (pod: PodObject): readonly JsonPatchOperation[] => {
  const path = "/spec/containers/0/resources";
  const resources = pod.spec?.containers?.[0]?.resources;
  if (resources === undefined || resources === null) {
    return [{ op: "add", path, value: { limits: { [podEniKey]: "1" }, requests: { [podEniKey]: "1" } } }];
  }
  return [
    addToMap(resources.limits, `${path}/limits`, podEniKey, "1"),
    addToMap(resources.requests, `${path}/requests`, podEniKey, "1"),
  ];
};

const fargatePatch = (pod: PodObject, groupIds: readonly string[]): readonly JsonPatchOperation[] => {
  const annotations = pod.metadata?.annotations;
  if (groupIds.length > 0)
    return [addToMap(annotations, "/metadata/annotations", fargateGroupsKey, groupIds.join(","))];
  return Object.hasOwn(annotations ?? {}, fargateGroupsKey)
    ? [{ op: "remove", path: `/metadata/annotations/${pointerStep(fargateGroupsKey)}` }]
    : [];
};
