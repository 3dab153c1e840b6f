/** The rules of quantities that follow from what they count. */

import { parseQuantity } from "../quantity.ts";
import { type FieldProblem, invalidValue } from "../statuses.ts";

/** Whether a name is that of an extended resource: it has a domain, and not one of Kubernetes. */
export function isExtended(name: string): boolean {
  return name.includes("/") && !name.split("/")[0]?.endsWith("kubernetes.io");
}

/** Pods and extended resources are counted in whole numbers; nothing is negative. The quantity is canonical. */
export function validateQuantity(name: string, quantity: string, field: string): FieldProblem[] {
  const value = parseQuantity(quantity) ?? 0;
  if (value < 0) return [invalidValue(field, quantity, "must be greater than or equal to 0")];
  const whole = name === "pods" || isExtended(name);
  return whole && !Number.isInteger(value) ? [invalidValue(field, quantity, "must be an integer")] : [];
}
