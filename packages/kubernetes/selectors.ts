import type { LabelSelector, LabelSelectorRequirement, StringMap } from "./objects.ts";

/** A selector that is ready to be asked, or what is wrong with it. */
export type CompiledSelector =
  | { readonly ok: true; matches(labels: StringMap): boolean }
  | { readonly ok: false; readonly problem: string };

type Requirement = (labels: StringMap) => boolean;

/** Part of a label's key or value: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ */
const namePattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const prefixPattern = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const prefixLengthMax = 253;

/**
 * Compiles a LabelSelector by the rules of Kubernetes: all of `matchLabels` and `matchExpressions` must hold, and an
 * empty selector matches everything. `NotIn` also holds for objects that lack the key.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#set-based-requirement
 */
export const compileSelector = (selector: LabelSelector): CompiledSelector => {
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    const problem = problemOfKey(key) ?? problemOfValue(value);
    if (problem !== undefined) return { ok: false, problem };
    requirements.push((labels) => labelOf(labels, key) === value);
  }
  for (const expression of selector.matchExpressions ?? []) {
    const compiled = compileExpression(expression);
    if (typeof compiled === "string") return { ok: false, problem: compiled };
    requirements.push(compiled);
  }
  return { ok: true, matches: (labels) => requirements.every((holds) => holds(labels)) };
};

/** The requirement, or what is wrong with the expression. */
const compileExpression = (expression: LabelSelectorRequirement): Requirement | string => {
  const { key = "", operator } = expression;
  const values = expression.values ?? [];
  const problem = problemOfKey(key) ?? values.map(problemOfValue).find((found) => found !== undefined);
  if (problem !== undefined) return problem;
  switch (operator) {
    case "In":
    case "NotIn": {
      if (values.length === 0) return `operator ${operator} needs at least one value`;
      const wanted = operator === "In";
      return (labels) => {
        const value = labelOf(labels, key);
        return (value !== undefined && values.includes(value)) === wanted;
      };
    }
    case "Exists":
    case "DoesNotExist": {
      if (values.length > 0) return `operator ${operator} takes no values`;
      const wanted = operator === "Exists";
      return (labels) => (labelOf(labels, key) !== undefined) === wanted;
    }
    default:
      return `${JSON.stringify(operator)} is not a label selector operator`;
  }
};

/** A label of the object itself, never one that every JavaScript object inherits. */
const labelOf = (labels: StringMap, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;

const problemOfKey = (key: string): string | undefined => {
  const slash = key.indexOf("/");
  const prefix = key.slice(0, Math.max(slash, 0));
  const valid =
    namePattern.test(key.slice(slash + 1)) &&
    (slash < 0 || (prefix.length <= prefixLengthMax && prefixPattern.test(prefix)));
  return valid ? undefined : `${JSON.stringify(key)} is not a label key`;
};

const problemOfValue = (value: unknown): string | undefined =>
  value === "" || (typeof value === "string" && namePattern.test(value))
    ? undefined
    : `${JSON.stringify(value)} is not a label value`;
