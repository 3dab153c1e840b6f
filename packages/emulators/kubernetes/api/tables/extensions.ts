/** Tables of definitions, admission, scheduling and access control. */

import type { KubernetesObject } from "../../ports.ts";
import { at, objectAt, objectsAt, stringAt } from "../json.ts";
import { AGE, ageCell, NAME, nameCell, wide } from "./cells.ts";
import type { TableOf } from "./columns.ts";

const created: TableOf = {
  columns: [NAME, { name: "Created At", type: "date" }],
  cells: (object) => [nameCell(object), object.metadata.creationTimestamp ?? ""],
};

const webhooks: TableOf = {
  columns: [NAME, { name: "Webhooks" }, AGE],
  cells: (object, nowMs) => [nameCell(object), objectsAt(object, "webhooks").length, ageCell(object, nowMs)],
};

function kindAndName(reference: unknown, kind: string): string {
  return reference === undefined
    ? "<unset>"
    : `${stringAt(reference, kind) ?? ""}/${stringAt(reference, "name") ?? ""}`;
}

function subjects(binding: KubernetesObject, kind: string): string {
  return objectsAt(binding, "subjects")
    .filter((subject) => subject.kind === kind)
    .map((subject) => (kind === "ServiceAccount" ? `${subject.namespace}/${subject.name}` : `${subject.name}`))
    .join(", ");
}

const bindings: TableOf = {
  columns: [NAME, { name: "Role" }, AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts")],
  cells: (object, nowMs) => [
    nameCell(object),
    kindAndName(objectAt(object, "roleRef"), "kind"),
    ageCell(object, nowMs),
    subjects(object, "User"),
    subjects(object, "Group"),
    subjects(object, "ServiceAccount"),
  ],
};

/** By collection. */
export const extensionTables: Readonly<Record<string, TableOf>> = {
  "apiextensions.k8s.io/customresourcedefinitions": created,
  "rbac.authorization.k8s.io/roles": created,
  "rbac.authorization.k8s.io/clusterroles": created,
  "rbac.authorization.k8s.io/rolebindings": bindings,
  "rbac.authorization.k8s.io/clusterrolebindings": bindings,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": webhooks,
  "admissionregistration.k8s.io/validatingwebhookconfigurations": webhooks,
  "admissionregistration.k8s.io/validatingadmissionpolicies": {
    columns: [NAME, { name: "Validations" }, { name: "ParamKind" }, AGE],
    cells: (object, nowMs) => [
      nameCell(object),
      objectsAt(object, "spec", "validations").length,
      kindAndName(objectAt(object, "spec", "paramKind"), "apiVersion"),
      ageCell(object, nowMs),
    ],
  },
  "admissionregistration.k8s.io/validatingadmissionpolicybindings": {
    columns: [NAME, { name: "PolicyName" }, { name: "ParamRef" }, AGE],
    cells: (object, nowMs) => [
      nameCell(object),
      stringAt(object, "spec", "policyName") ?? "",
      kindAndName(objectAt(object, "spec", "paramRef"), "namespace"),
      ageCell(object, nowMs),
    ],
  },
  "scheduling.k8s.io/priorityclasses": {
    columns: [NAME, { name: "Value" }, { name: "Global-Default" }, AGE, { name: "PreemptionPolicy" }],
    cells: (object, nowMs) => [
      nameCell(object),
      Number(at(object, "value") ?? 0),
      object.globalDefault === true,
      ageCell(object, nowMs),
      stringAt(object, "preemptionPolicy") ?? "",
    ],
  },
};
