/** Leases, as a kind. */

import type { KubernetesObject } from "../../ports.ts";
import { numberAt, stringAt } from "../json.ts";
import type { KindRules } from "../resource-type.ts";
import { type FieldProblem, forbiddenField, invalidValue } from "../statuses.ts";

/** See https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/coordination/validation/validation.go. */
export const leaseRules: KindRules = { validate };

function validate(lease: KubernetesObject): FieldProblem[] {
  const duration = numberAt(lease, "spec", "leaseDurationSeconds");
  const transitions = numberAt(lease, "spec", "leaseTransitions");
  const problems: FieldProblem[] = [];
  if (duration !== undefined && duration <= 0) {
    problems.push(invalidValue("spec.leaseDurationSeconds", duration, "must be greater than 0"));
  }
  if (transitions !== undefined && transitions < 0) {
    problems.push(invalidValue("spec.leaseTransitions", transitions, "must be greater than or equal to 0"));
  }
  const preferred = stringAt(lease, "spec", "preferredHolder") ?? "";
  if (preferred !== "" && (stringAt(lease, "spec", "strategy") ?? "") === "") {
    problems.push(forbiddenField("spec.preferredHolder", "may only be specified if `strategy` is defined"));
  }
  return problems;
}
