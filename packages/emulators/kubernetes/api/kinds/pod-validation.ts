/**
 * Validation of pods and templates: what users really run into, with the texts of the API server.
 * See https://github.com/kubernetes/kubernetes/blob/v1.32.0/pkg/apis/core/validation/validation.go.
 */

import type { KubernetesObject } from "../../ports.ts";
import { equal, type JsonObject, numberAt, objectAt, objectsAt, stringAt, stringMapAt } from "../json.ts";
import { parseQuantity } from "../quantity.ts";
import {
  duplicate,
  type FieldProblem,
  forbiddenField,
  invalidValue,
  missing,
  notSupported,
  required,
} from "../statuses.ts";
import { dnsLabelText, isDnsLabel } from "./metadata-validation.ts";
import { isExtended, validateQuantity } from "./quantity-validation.ts";

const PORT_MAX = 65_535;
const RESTART_POLICIES = ["Always", "OnFailure", "Never"];
const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];

/** What is wrong with a pod specification that stands at `path`. */
export function validatePodSpec(spec: JsonObject, path: string): FieldProblem[] {
  const containers = objectsAt(spec, "containers");
  const problems: FieldProblem[] = [];
  if (containers.length === 0) problems.push(required(`${path}.containers`));
  const volumes = objectsAt(spec, "volumes").map((volume) => stringAt(volume, "name") ?? "");
  problems.push(...uniqueNames(volumes, `${path}.volumes`));
  for (const list of ["initContainers", "containers"]) {
    const held = objectsAt(spec, list);
    const names = held.map((container) => stringAt(container, "name") ?? "");
    problems.push(...uniqueNames(names, `${path}.${list}`));
    for (const [index, container] of held.entries()) {
      problems.push(...validateContainer(container, `${path}.${list}[${index}]`, volumes));
    }
  }
  const restartPolicy = stringAt(spec, "restartPolicy") ?? "";
  if (!RESTART_POLICIES.includes(restartPolicy)) {
    problems.push(notSupported(`${path}.restartPolicy`, restartPolicy, RESTART_POLICIES));
  }
  const grace = numberAt(spec, "terminationGracePeriodSeconds") ?? 0;
  if (grace < 0) {
    problems.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than or equal to 0"));
  }
  return problems;
}

function uniqueNames(names: readonly string[], path: string): FieldProblem[] {
  return names.flatMap((name, index) =>
    name !== "" && names.indexOf(name) < index ? [duplicate(`${path}[${index}].name`, name)] : [],
  );
}

function validateContainer(container: JsonObject, path: string, volumes: readonly string[]): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const name = stringAt(container, "name") ?? "";
  if (name === "") problems.push(required(`${path}.name`));
  else if (!isDnsLabel(name)) problems.push(invalidValue(`${path}.name`, name, dnsLabelText));
  const image = stringAt(container, "image") ?? "";
  if (image === "") problems.push(required(`${path}.image`));
  else if (image !== image.trim()) {
    problems.push(invalidValue(`${path}.image`, image, "must not have leading or trailing whitespace"));
  }
  const pull = stringAt(container, "imagePullPolicy") ?? "";
  if (!PULL_POLICIES.includes(pull)) problems.push(notSupported(`${path}.imagePullPolicy`, pull, PULL_POLICIES));
  for (const [index, port] of objectsAt(container, "ports").entries()) {
    const number = numberAt(port, "containerPort");
    const field = `${path}.ports[${index}].containerPort`;
    if (number === undefined) problems.push(required(field));
    else if (number < 1 || number > PORT_MAX) {
      problems.push(invalidValue(field, number, `must be between 1 and ${PORT_MAX}, inclusive`));
    }
  }
  for (const [index, variable] of objectsAt(container, "env").entries()) {
    if ((stringAt(variable, "name") ?? "") === "") problems.push(required(`${path}.env[${index}].name`));
  }
  for (const [index, mount] of objectsAt(container, "volumeMounts").entries()) {
    const volume = stringAt(mount, "name") ?? "";
    if (!volumes.includes(volume)) problems.push(missing(`${path}.volumeMounts[${index}].name`, volume));
  }
  return [...problems, ...validateRequirements(container, `${path}.resources`)];
}

/** Extended resources cannot be overcommitted: whole numbers, and requests equal to limits. */
function validateRequirements(container: JsonObject, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const limits = stringMapAt(container, "resources", "limits");
  const requests = stringMapAt(container, "resources", "requests");
  for (const [kind, quantities] of Object.entries({ limits, requests })) {
    for (const [name, quantity] of Object.entries(quantities)) {
      const field = `${path}.${kind}[${name}]`;
      problems.push(...validateQuantity(name, quantity, field));
    }
  }
  for (const [name, quantity] of Object.entries(requests)) {
    const limit = limits[name];
    const extended = isExtended(name);
    if (limit === undefined) {
      if (extended) problems.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
    } else if (extended && quantity !== limit) {
      problems.push(invalidValue(`${path}.requests`, quantity, `must be equal to ${name} limit of ${limit}`));
    } else if ((parseQuantity(quantity) ?? 0) > (parseQuantity(limit) ?? 0)) {
      problems.push(
        invalidValue(`${path}.requests`, quantity, `must be less than or equal to ${name} limit of ${limit}`),
      );
    }
  }
  return problems;
}

const UPDATE_RULE =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
  "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** A pod's specification is fixed but for a few fields. */
export function validatePodUpdate(next: KubernetesObject, old: KubernetesObject): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!equal(mutableFieldsRemoved(next), mutableFieldsRemoved(old))) {
    problems.push(forbiddenField("spec", UPDATE_RULE));
  }
  const tolerations = objectsAt(next, "spec", "tolerations");
  const kept = objectsAt(old, "spec", "tolerations").every((entry) => tolerations.some((now) => equal(now, entry)));
  if (!kept) {
    problems.push(
      forbiddenField("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"),
    );
  }
  return problems;
}

function mutableFieldsRemoved(pod: KubernetesObject): JsonObject {
  const spec = objectAt(pod, "spec") ?? {};
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...rest } = spec;
  const imageless = (list: string) =>
    objectsAt(rest, list).map((container) => {
      const { image: _image, ...fixed } = container;
      return fixed;
    });
  return { ...rest, containers: imageless("containers"), initContainers: imageless("initContainers") };
}
