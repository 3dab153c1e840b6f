/**
 * Label selectors, both in the notation of `kubectl -l` and as the object that specifications carry.
 * See https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors.
 */

import { isObject, objectsAt, stringAt, stringMapAt, stringsAt } from "../json.ts";
import { badRequest } from "../statuses.ts";

/** Whether a set of labels is chosen. */
export type LabelPredicate = (labels: Readonly<Record<string, string>>) => boolean;

const KEY = "[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?";
const VALUE = "[-A-Za-z0-9_.]*";
const SET_FORM = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUALITY_FORM = new RegExp(`^(${KEY})\\s*(=|==|!=|>|<)\\s*(${VALUE})$`);
const EXISTS_FORM = new RegExp(`^(!?)\\s*(${KEY})$`);

/** Parses `a=b,c!=d,e in (f,g),h,!i`; throws 400 when it is malformed. */
export function parseLabelSelector(text: string): LabelPredicate {
  const requirements = splitRequirements(text).map((part) => parseRequirement(part, text));
  return (labels) => requirements.every((requirement) => requirement(labels));
}

/** Splits at commas that stand outside parentheses. */
function splitRequirements(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function parseRequirement(part: string, whole: string): LabelPredicate {
  const set = SET_FORM.exec(part);
  if (set !== null) {
    const values = (set[4] ?? "").split(",").map((value) => value.trim());
    return membership(set[1] ?? "", set[3] === "in" ? "In" : "NotIn", values);
  }
  const equality = EQUALITY_FORM.exec(part);
  if (equality !== null) {
    const [, key = "", , operator = "", value = ""] = equality;
    if (operator === ">") return (labels) => Number(labels[key]) > Number(value);
    if (operator === "<") return (labels) => Number(labels[key]) < Number(value);
    return membership(key, operator === "!=" ? "NotIn" : "In", [value]);
  }
  const exists = EXISTS_FORM.exec(part);
  if (exists !== null) return membership(exists[2] ?? "", exists[1] === "!" ? "DoesNotExist" : "Exists", []);
  throw badRequest(`unable to parse requirement: ${JSON.stringify(part)} in label selector ${JSON.stringify(whole)}`);
}

function membership(key: string, operator: string, values: readonly string[]): LabelPredicate {
  return (labels) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      default:
        return false;
    }
  };
}

/** The predicate of a `LabelSelector` object. An absent selector chooses nothing, an empty one everything. */
export function selectorPredicate(selector: unknown): LabelPredicate {
  if (!isObject(selector)) return () => false;
  const requirements = [
    ...Object.entries(stringMapAt(selector, "matchLabels")).map(([key, value]) => membership(key, "In", [value])),
    ...objectsAt(selector, "matchExpressions").map((expression) =>
      membership(
        stringAt(expression, "key") ?? "",
        stringAt(expression, "operator") ?? "",
        stringsAt(expression, "values"),
      ),
    ),
  ];
  return (labels) => requirements.every((requirement) => requirement(labels));
}

/** A `LabelSelector` object in the notation of `kubectl -l`, as tables and scales show it; `<none>` when empty. */
export function formatSelector(selector: unknown): string {
  const labels = Object.entries(stringMapAt(selector, "matchLabels")).map(([key, value]) => `${key}=${value}`);
  const expressions = objectsAt(selector, "matchExpressions").map((expression) => {
    const key = stringAt(expression, "key") ?? "";
    const values = stringsAt(expression, "values").toSorted().join(",");
    const operator = stringAt(expression, "operator");
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    return `${key} ${operator === "NotIn" ? "notin" : "in"} (${values})`;
  });
  const parts = [...labels.toSorted(), ...expressions];
  return parts.length === 0 ? "<none>" : parts.join(",");
}
