/**
 * CEL expressions of policies, match conditions and messages.
 * See https://kubernetes.io/docs/reference/using-api/cel/.
 */

import { Environment, type ParseResult } from "@marcbachmann/cel-js";
import { isObject, type JsonObject } from "../json.ts";
import type { AdmissionRequest, ApiState, RequestContext } from "../requests/context.ts";
import { admissionRequestBody } from "./review.ts";

const environment = new Environment({ unlistedVariablesAreDyn: true, enableOptionalTypes: true });
const PROGRAMS_MAX = 1_000;
const programs = new Map<string, ParseResult>();

/** The value of the expression; throws with the evaluator's reason. */
export function evaluate(expression: string, variables: JsonObject): unknown {
  let program = programs.get(expression);
  if (program === undefined) {
    program = environment.parse(expression);
    // Expressions come from a handful of manifests; the limit only keeps a flood of them from growing for ever.
    if (programs.size >= PROGRAMS_MAX) programs.clear();
    programs.set(expression, program);
  }
  return program(variables);
}

/** JSON as CEL sees it: whole numbers are integers. */
function toCel(value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (!isObject(value)) return value ?? null;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .map(([key, entry]) => [key, toCel(entry)]),
  );
}

/** The variables that an expression about a request may use. */
export function requestVariables(state: ApiState, request: AdmissionRequest, context: RequestContext): JsonObject {
  const namespace =
    request.namespace === undefined ? undefined : state.store.get("/namespaces", undefined, request.namespace);
  const { object: _object, oldObject: _oldObject, ...described } = admissionRequestBody(request, context, "");
  return {
    object: toCel(request.object),
    oldObject: toCel(request.oldObject),
    request: toCel(described),
    namespaceObject: toCel(namespace),
    params: null,
  };
}

/** What the match conditions of a webhook or a policy say. */
export type ConditionOutcome = { outcome: "met" | "unmet" } | { outcome: "failed"; reason: string };

/** Evaluates match conditions: one that is false decides; without one, an error decides. */
export function checkConditions(conditions: readonly JsonObject[], variables: JsonObject): ConditionOutcome {
  let failure: string | undefined;
  for (const condition of conditions) {
    try {
      if (evaluate(String(condition.expression ?? ""), variables) !== true) return { outcome: "unmet" };
    } catch (error) {
      failure ??= `expression '${String(condition.expression)}' resulted in error: ${messageOf(error)}`;
    }
  }
  return failure === undefined ? { outcome: "met" } : { outcome: "failed", reason: failure };
}

/** The first line of what went wrong; the evaluator adds a picture of the expression below it. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n")[0] ?? text).trim();
}
