import type { SecurityGroupPolicyObject, StringMap } from "./objects.ts";
import { type CompiledSelector, compileSelector } from "./selectors.ts";

/** A SecurityGroupPolicy that is ready to be asked. */
export interface Policy {
  readonly namespace: string;
  readonly name: string;
  /** Epoch milliseconds; 0 when the object does not tell. */
  readonly createdAt: number;
  readonly podSelector?: CompiledSelector | undefined;
  readonly serviceAccountSelector?: CompiledSelector | undefined;
  readonly groupIds: readonly string[];
}

/** What the policies look at in a pod. */
export interface PodLabels {
  readonly namespace: string;
  readonly labels: StringMap;
  readonly serviceAccountName: string;
}

/** Labels of a ServiceAccount; undefined when there is no such ServiceAccount. */
export type ServiceAccountLabels = (namespace: string, name: string) => StringMap | undefined;

/** The groups that a pod gets, or why that cannot be told. */
export type PolicyMatch =
  | { readonly ok: true; readonly policies: readonly Policy[]; readonly groupIds: readonly string[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Compiles a policy.
 *
 * @param parseTime from an RFC 3339 text to epoch milliseconds.
 */
export const compilePolicy = (object: SecurityGroupPolicyObject, parseTime: (text: string) => number): Policy => {
  const { metadata, spec } = object;
  const compile = (selector: Parameters<typeof compileSelector>[0] | null | undefined) =>
    selector === null || selector === undefined ? undefined : compileSelector(selector);
  return {
    namespace: metadata?.namespace ?? "",
    name: metadata?.name ?? "",
    createdAt: metadata?.creationTimestamp === undefined ? 0 : parseTime(metadata.creationTimestamp),
    podSelector: compile(spec?.podSelector),
    serviceAccountSelector: compile(spec?.serviceAccountSelector),
    groupIds: spec?.securityGroups?.groupIds ?? [],
  };
};

/** What is wrong with a policy's selectors, in one sentence each; such a policy matches nothing. */
export const problemsOf = (policy: Policy): readonly string[] =>
  [
    ["podSelector", policy.podSelector] as const,
    ["serviceAccountSelector", policy.serviceAccountSelector] as const,
  ].flatMap(([field, selector]) => (selector?.ok === false ? [`spec.${field}: ${selector.problem}`] : []));

/** Whether a policy can match at all: it has a selector, valid ones only, and names a group. */
const isEffective = (policy: Policy): boolean =>
  (policy.podSelector !== undefined || policy.serviceAccountSelector !== undefined) &&
  policy.podSelector?.ok !== false &&
  policy.serviceAccountSelector?.ok !== false &&
  policy.groupIds.length > 0;

const accepts = (selector: CompiledSelector | undefined, labels: StringMap): boolean =>
  selector === undefined || (selector.ok && selector.matches(labels));

/**
 * The union of the groups of all matching policies, without duplicates, ordered by policy name.
 *
 * The ServiceAccount is only looked up for a policy that asks about it, so that a cluster whose ServiceAccount is
 * missing can still create pods that no such policy concerns.
 */
export const matchPolicies = (
  policies: readonly Policy[],
  pod: PodLabels,
  serviceAccountLabels: ServiceAccountLabels,
): PolicyMatch => {
  const matching: Policy[] = [];
  for (const policy of policies) {
    if (policy.namespace !== pod.namespace || !isEffective(policy) || !accepts(policy.podSelector, pod.labels))
      continue;
    if (policy.serviceAccountSelector !== undefined) {
      const labels = serviceAccountLabels(pod.namespace, pod.serviceAccountName);
      if (labels === undefined) {
        return { ok: false, problem: `serviceaccounts "${pod.serviceAccountName}" not found` };
      }
      if (!accepts(policy.serviceAccountSelector, labels)) continue;
    }
    matching.push(policy);
  }
  matching.sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
  return { ok: true, policies: matching, groupIds: [...new Set(matching.flatMap((policy) => policy.groupIds))] };
};
