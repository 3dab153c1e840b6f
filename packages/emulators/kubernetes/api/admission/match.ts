/**
 * Which requests a webhook or an admission policy is about.
 * See https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules.
 */

import { isObject, type JsonObject, objectsAt, stringAt, stringsAt } from "../json.ts";
import type { AdmissionRequest, ApiState } from "../requests/context.ts";
import { selectorPredicate } from "../store/label-selector.ts";

/** What webhooks and policies have in common. */
export interface Constraints {
  rules: JsonObject[];
  excludeRules: JsonObject[];
  namespaceSelector: unknown;
  objectSelector: unknown;
}

/** Webhooks and policies never decide about themselves, so that a broken one can be removed. */
const EXEMPT = new Set([
  "mutatingwebhookconfigurations",
  "validatingwebhookconfigurations",
  "validatingadmissionpolicies",
  "validatingadmissionpolicybindings",
]);

/** Whether the request is one that these constraints choose. */
export function matches(state: ApiState, constraints: Constraints, request: AdmissionRequest): boolean {
  if (request.type.group === "admissionregistration.k8s.io" && EXEMPT.has(request.type.resource)) return false;
  if (!constraints.rules.some((rule) => ruleMatches(rule, request))) return false;
  if (constraints.excludeRules.some((rule) => ruleMatches(rule, request))) return false;
  return namespaceMatches(state, constraints.namespaceSelector, request) && objectMatches(constraints, request);
}

function ruleMatches(rule: JsonObject, request: AdmissionRequest): boolean {
  const { type } = request;
  const allows = (list: string, value: string) => {
    const allowed = stringsAt(rule, list);
    return allowed.includes("*") || allowed.includes(value);
  };
  const scope = stringAt(rule, "scope") ?? "*";
  const names = stringsAt(rule, "resourceNames");
  return (
    allows("operations", request.operation) &&
    allows("apiGroups", type.group) &&
    allows("apiVersions", type.version) &&
    stringsAt(rule, "resources").some((pattern) => resourceMatches(pattern, type.resource, request.subresource)) &&
    (scope === "*" || (scope === "Namespaced") === type.namespaced) &&
    (names.length === 0 || names.includes(request.name))
  );
}

/** Patterns are `pods`, `pods/status`, and with a star on either side of the slash; without a slash: no subresource. */
function resourceMatches(pattern: string, resource: string, subresource: string | undefined): boolean {
  const [wanted = "", part] = pattern.split("/");
  if (wanted !== "*" && wanted !== resource) return false;
  if (part === undefined) return subresource === undefined;
  return part === "*" || part === subresource;
}

function namespaceMatches(state: ApiState, selector: unknown, request: AdmissionRequest): boolean {
  if (!isObject(selector) || Object.keys(selector).length === 0) return true;
  const matchesLabels = selectorPredicate(selector);
  if (request.type.collection === "/namespaces") {
    return matchesLabels((request.object ?? request.oldObject)?.metadata.labels ?? {});
  }
  if (request.namespace === undefined) return true;
  const namespace = state.store.get("/namespaces", undefined, request.namespace);
  return matchesLabels(namespace?.metadata.labels ?? {});
}

function objectMatches(constraints: Constraints, request: AdmissionRequest): boolean {
  const { objectSelector } = constraints;
  if (!isObject(objectSelector) || Object.keys(objectSelector).length === 0) return true;
  const predicate = selectorPredicate(objectSelector);
  return [request.object, request.oldObject].some(
    (object) => object !== undefined && predicate(object.metadata.labels ?? {}),
  );
}

/** The constraints of a webhook. */
export function webhookConstraints(webhook: JsonObject): Constraints {
  return {
    rules: objectsAt(webhook, "rules"),
    excludeRules: [],
    namespaceSelector: webhook.namespaceSelector,
    objectSelector: webhook.objectSelector,
  };
}

/** The constraints of an admission policy, or of its binding. */
export function policyConstraints(resources: JsonObject): Constraints {
  return {
    rules: objectsAt(resources, "resourceRules"),
    excludeRules: objectsAt(resources, "excludeResourceRules"),
    namespaceSelector: resources.namespaceSelector,
    objectSelector: resources.objectSelector,
  };
}
