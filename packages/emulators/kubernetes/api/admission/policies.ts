/**
 * Validating admission policies: expressions that the API server evaluates itself.
 * See https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/.
 */

import type { KubernetesObject } from "../../ports.ts";
import { type JsonObject, objectAt, objectsAt, stringAt, stringsAt } from "../json.ts";
import type { AdmissionRequest, ApiState, RequestContext } from "../requests/context.ts";
import { forbidden, type Subject } from "../statuses.ts";
import { checkConditions, evaluate, messageOf, requestVariables } from "./expressions.ts";
import { matches, policyConstraints } from "./match.ts";

const CODES: Readonly<Record<string, number>> = {
  Unauthorized: 401,
  Forbidden: 403,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

/** Why a request is refused. */
interface Denial {
  message: string;
  /** One of {@link CODES}. */
  reason: string;
}

/** Evaluates every bound policy that the request concerns; throws the first refusal. */
export function validateByPolicies(state: ApiState, request: AdmissionRequest, context: RequestContext): void {
  const bindings = state.store.list("admissionregistration.k8s.io/validatingadmissionpolicybindings");
  for (const binding of bindings) {
    const policyName = stringAt(binding, "spec", "policyName") ?? "";
    const policy = state.store.get("admissionregistration.k8s.io/validatingadmissionpolicies", undefined, policyName);
    if (policy === undefined || !concerns(state, policy, binding, request)) continue;
    for (const denial of evaluatePolicy(state, policy, request, context)) enforce(binding, denial, request, context);
  }
}

function concerns(
  state: ApiState,
  policy: KubernetesObject,
  binding: KubernetesObject,
  request: AdmissionRequest,
): boolean {
  const own = objectAt(policy, "spec", "matchConstraints");
  if (own === undefined || !matches(state, policyConstraints(own), request)) return false;
  const narrowed = objectAt(binding, "spec", "matchResources");
  if (narrowed === undefined) return true;
  // A binding without rules narrows by its selectors only.
  const constraints = policyConstraints(narrowed);
  const rules = constraints.rules.length === 0 ? policyConstraints(own).rules : constraints.rules;
  return matches(state, { ...constraints, rules }, request);
}

function evaluatePolicy(
  state: ApiState,
  policy: KubernetesObject,
  request: AdmissionRequest,
  context: RequestContext,
): Denial[] {
  const failOpen = stringAt(policy, "spec", "failurePolicy") === "Ignore";
  const failed = (message: string): Denial[] => (failOpen ? [] : [{ message, reason: "Invalid" }]);
  const given = requestVariables(state, request, context);
  const conditions = checkConditions(objectsAt(policy, "spec", "matchConditions"), given);
  if (conditions.outcome === "unmet") return [];
  if (conditions.outcome === "failed") return failed(conditions.reason);
  const variables = { ...given, variables: lazyVariables(objectsAt(policy, "spec", "variables"), given) };
  return objectsAt(policy, "spec", "validations").flatMap((validation) => {
    const expression = (stringAt(validation, "expression") ?? "").trim();
    try {
      if (evaluate(expression, variables) === true) return [];
    } catch (error) {
      return failed(`expression '${expression}' resulted in error: ${messageOf(error)}`);
    }
    const reason = stringAt(validation, "reason") ?? "Invalid";
    return [{ message: denialMessage(validation, expression, variables), reason }];
  });
}

/** The policy's own variables, each evaluated when it is first used; they may use those before them. */
function lazyVariables(definitions: readonly JsonObject[], given: JsonObject): JsonObject {
  const variables: JsonObject = {};
  for (const definition of definitions) {
    let known: { value: unknown } | undefined;
    Object.defineProperty(variables, stringAt(definition, "name") ?? "", {
      enumerable: true,
      get: () => {
        known ??= { value: evaluate(stringAt(definition, "expression") ?? "", { ...given, variables }) };
        return known.value;
      },
    });
  }
  return variables;
}

function denialMessage(validation: JsonObject, expression: string, variables: JsonObject): string {
  const computed = stringAt(validation, "messageExpression");
  if (computed !== undefined) {
    try {
      const message = evaluate(computed, variables);
      if (typeof message === "string" && message.trim() !== "") return message.trim();
    } catch {
      // A message that cannot be computed falls back to the fixed one, as the API server does.
    }
  }
  return stringAt(validation, "message") ?? `failed expression: ${expression}`;
}

function enforce(binding: KubernetesObject, denial: Denial, request: AdmissionRequest, context: RequestContext): void {
  const actions = stringsAt(binding, "spec", "validationActions");
  const policy = stringAt(binding, "spec", "policyName");
  const named = `ValidatingAdmissionPolicy '${policy}' with binding '${binding.metadata.name}'`;
  if (actions.includes("Warn")) context.warn(`Validation failed for ${named}: ${denial.message}`);
  if (!actions.includes("Deny")) return;
  const message = `${named} denied request: ${denial.message}`;
  const subject: Subject = { group: request.type.group, resource: request.type.resource, name: request.name };
  const refused = forbidden(subject, message);
  refused.status.reason = denial.reason;
  refused.status.code = CODES[denial.reason] ?? 422;
  refused.status.details = { ...refused.status.details, causes: [{ message }] };
  throw refused;
}
