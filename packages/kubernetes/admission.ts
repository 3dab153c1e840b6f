import { fargateGroupsKey, fargateProfileLabel, podEniKey } from "./keys.ts";
import type { ContainerObject, PodObject } from "./objects.ts";
import { groupsMax, groupsQuotaDefault, type PodLabels, type Policy, type PolicyMatch } from "./policies.ts";
import { isMirrorPod, wantsWindows } from "./requests.ts";

/** One operation of RFC 6902. */
export type JsonPatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string };

/** The answer to an admission request. */
export type Verdict =
  | {
      readonly allowed: true;
      readonly patch: readonly JsonPatchOperation[];
      /** What the client is told beside the answer; `kubectl` prints it. */
      readonly warnings?: readonly string[];
    }
  | {
      readonly allowed: false;
      readonly reason: string;
      /** HTTP code of the refusal; 403 without one, 400 for an object that cannot be judged. */
      readonly code?: number;
    };

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
 * A pod with more groups than any interface can have is refused: it could never start, and whoever creates it sees the
 * refusal at once (`kubectl`, or the events of its ReplicaSet). More groups than the default quota are only warned
 * of: whether the account's quota was raised is known to EC2 alone, whose refusal becomes an event on the pod.
 *
 * The answer to the mutated pod is an empty patch, so that the webhook can be invoked again.
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
  const { policies, groupIds } = found;
  if (groupIds.length > groupsMax) return { allowed: false, reason: tooMany(policies, groupIds) };
  if (groupIds.length === 0 && !onFargate) return untouched;
  return {
    allowed: true,
    patch: onFargate ? fargatePatch(pod, groupIds) : requestPatch(pod.spec?.containers ?? []),
    ...(groupIds.length > groupsQuotaDefault ? { warnings: [overQuota(groupIds)] } : {}),
  };
};

const namedMax = 3;

const tooMany = (policies: readonly Policy[], groupIds: readonly string[]): string => {
  const names = policies.slice(0, namedMax).map(({ name }) => name);
  const more = policies.length > namedMax ? ` and ${policies.length - namedMax} more` : "";
  const source = names.length === 0 ? "" : ` by the security group policies ${names.join(", ")}${more}`;
  return (
    `the pod gets ${groupIds.length} security groups${source}, but a network interface takes at most ${groupsMax}: ` +
    "name fewer groups, or let fewer policies select the pod"
  );
};

const overQuota = (groupIds: readonly string[]): string =>
  `the pod gets ${groupIds.length} security groups; a network interface takes ${groupsQuotaDefault} unless the account's ` +
  `quota "Security groups per network interface" was raised, and the pod does not start without`;

const resourcesPath = (index: number): string => `/spec/containers/${index}/resources`;

/** The request in the first container, and away from where it was when another webhook has put a container before it. */
const requestPatch = (containers: readonly ContainerObject[]): readonly JsonPatchOperation[] => {
  const [first] = containers;
  const resources = first?.resources;
  if (resources === undefined || resources === null) {
    const value = { limits: { [podEniKey]: "1" }, requests: { [podEniKey]: "1" } };
    return [{ op: "add", path: resourcesPath(0), value }, ...displacedPatch(containers)];
  }
  const additions = (["limits", "requests"] as const)
    .filter((field) => quantityOf(resources[field]) !== "1")
    .map((field) => addToMap(resources[field], `${resourcesPath(0)}/${field}`, podEniKey, "1"));
  const isAsking = quantityOf(resources.limits) !== undefined || quantityOf(resources.requests) !== undefined;
  return isAsking ? additions : [...additions, ...displacedPatch(containers)];
};

/**
 * A webhook that puts its sidecar first moves the container to which the request was added. When the API server invokes
 * this webhook again, the request follows to the new first container: two requests would be two ENIs.
 */
const displacedPatch = (containers: readonly ContainerObject[]): readonly JsonPatchOperation[] => {
  const index = containers.findIndex(
    ({ resources }) => quantityOf(resources?.limits) === "1" && quantityOf(resources?.requests) === "1",
  );
  if (index < 1) return [];
  const step = pointerStep(podEniKey);
  return ["limits", "requests"].map((field) => ({ op: "remove", path: `${resourcesPath(index)}/${field}/${step}` }));
};

/** What a map of quantities says about branch ENIs. */
const quantityOf = (quantities: Readonly<Record<string, string | number>> | null | undefined): unknown =>
  Object.hasOwn(quantities ?? {}, podEniKey) ? quantities?.[podEniKey] : undefined;

const fargatePatch = (pod: PodObject, groupIds: readonly string[]): readonly JsonPatchOperation[] => {
  const annotations = pod.metadata?.annotations ?? {};
  const present = Object.hasOwn(annotations, fargateGroupsKey) ? annotations[fargateGroupsKey] : undefined;
  const wanted = groupIds.length === 0 ? undefined : groupIds.join(",");
  if (present === wanted) return [];
  return wanted === undefined
    ? [{ op: "remove", path: `/metadata/annotations/${pointerStep(fargateGroupsKey)}` }]
    : [addToMap(pod.metadata?.annotations, "/metadata/annotations", fargateGroupsKey, wanted)];
};
