/**
 * The rules of roles, and whom bindings mean.
 * See https://kubernetes.io/docs/reference/access-authn-authz/rbac/.
 */

import { type JsonObject, stringAt, stringsAt } from "../json.ts";
import { type Attributes, isPath } from "./attributes.ts";
import type { User } from "./user.ts";

/** A rule of a Role or ClusterRole; absent lists are empty. */
export interface Rule {
  verbs: readonly string[];
  apiGroups: readonly string[];
  resources: readonly string[];
  /** Empty: every name. */
  resourceNames: readonly string[];
  nonResourceURLs: readonly string[];
}

/** The rule that a role's entry is. */
export function ruleOf(entry: JsonObject): Rule {
  return {
    verbs: stringsAt(entry, "verbs"),
    apiGroups: stringsAt(entry, "apiGroups"),
    resources: stringsAt(entry, "resources"),
    resourceNames: stringsAt(entry, "resourceNames"),
    nonResourceURLs: stringsAt(entry, "nonResourceURLs"),
  };
}

/** Whether the rule allows what is asked. */
export function ruleAllows(rule: Rule, attributes: Attributes): boolean {
  if (!covers(rule.verbs, attributes.verb)) return false;
  if (isPath(attributes)) return rule.nonResourceURLs.some((pattern) => matchesPath(pattern, attributes.path));
  const { group, resource, subresource, name } = attributes;
  if (!covers(rule.apiGroups, group) || !matchesResource(rule.resources, resource, subresource)) return false;
  return rule.resourceNames.length === 0 || rule.resourceNames.includes(name);
}

function covers(values: readonly string[], value: string): boolean {
  return values.includes("*") || values.includes(value);
}

function matchesResource(resources: readonly string[], resource: string, subresource: string): boolean {
  if (subresource === "") return covers(resources, resource);
  return covers(resources, `${resource}/${subresource}`) || resources.includes(`*/${subresource}`);
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}

/** A key for whom a subject means: a user's name or a group's; nothing for a subject of another kind. */
export function subjectKey(subject: JsonObject, bindingNamespace: string): string | undefined {
  const name = stringAt(subject, "name") ?? "";
  const namespace = stringAt(subject, "namespace") ?? bindingNamespace;
  switch (subject.kind) {
    case "User":
      return `user ${name}`;
    case "Group":
      return `group ${name}`;
    case "ServiceAccount":
      return namespace === "" ? undefined : `user system:serviceaccount:${namespace}:${name}`;
    default:
      return undefined;
  }
}

/** The keys under which bindings may mean this user. */
export function userKeys({ username, groups }: User): string[] {
  return [`user ${username}`, ...groups.map((group) => `group ${group}`)];
}
