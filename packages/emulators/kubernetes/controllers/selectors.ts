import type { LabelSelector, Labels, Requirement } from "./objects.ts";

function meets(value: string | undefined, requirement: Requirement): boolean {
  const { operator, values = [] } = requirement;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      // An operator that nobody knows matches nothing; the API server refuses it anyway.
      return false;
  }
}

/** Whether all requirements hold for these labels (or fields). */
export function meetsAll(labels: Labels, requirements: Requirement[]): boolean {
  return requirements.every((requirement) => meets(labels[requirement.key], requirement));
}

/** Whether the labels carry each of the wanted ones: the selector of a Service and a pod's `nodeSelector`. */
export function carriesAll(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** Whether a label selector matches: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  return carriesAll(labels, selector.matchLabels ?? {}) && meetsAll(labels, selector.matchExpressions ?? []);
}
