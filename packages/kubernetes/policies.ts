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

/**
 * Security groups that a network interface can have when its quota is raised as far as it goes.
 *
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups
 */
export const groupsMax = 16;

/** Security groups that a network interface can have by default; an account may have more, up to {@link groupsMax}. */
export const groupsQuotaDefault = 5;

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

/** What is wrong with a policy, one line each: with its selectors or its groups. All but too many groups let it match nothing. */
export const problemsOf = (policy: Policy): readonly string[] => {
  const { podSelector, serviceAccountSelector, groupIds } = policy;
  const problems = [["podSelector", podSelector] as const, ["serviceAccountSelector", serviceAccountSelector] as const]
    .map(([field, selector]) => (selector?.ok === false ? `spec.${field}: ${selector.problem}` : ""))
    .filter((problem) => problem !== "");
  if (podSelector === undefined && serviceAccountSelector === undefined) {
    problems.push("spec: neither podSelector nor serviceAccountSelector is there; an empty one matches every pod");
  }
  if (groupIds.length === 0) problems.push("spec.securityGroups.groupIds: no security group is named");
  const count = new Set(groupIds).size;
  if (count > groupsMax) {
    problems.push(`spec.securityGroups.groupIds: ${count} groups, but a network interface takes at most ${groupsMax}`);
  }
  return problems;
};

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
