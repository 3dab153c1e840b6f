/** The smaller kinds of the core, policy, networking and scheduling groups. */

import type { KubernetesObject } from "../../ports.ts";
import { copy, isObject, objectAt, objectIn, setDefault, stringAt, stringMapAt } from "../json.ts";
import type { KindRules } from "../resource-type.ts";
import { type FieldProblem, invalidValue } from "../statuses.ts";
import { validateQuantity } from "./quantity-validation.ts";

/** See https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/. */
export const namespaceRules: KindRules = {
  statusMayChangeMetadata: "all",
  setDefaults: (namespace) => {
    const labels = { ...namespace.metadata.labels };
    if (namespace.metadata.name !== undefined) labels["kubernetes.io/metadata.name"] = namespace.metadata.name;
    namespace.metadata.labels = labels;
  },
  prepareCreate: (namespace) => {
    namespace.spec = { finalizers: ["kubernetes"] };
    namespace.status = { phase: "Active" };
  },
  prepareUpdate: (next, old) => {
    // What holds a namespace back is changed through its `finalize` path only.
    next.spec = copy(old.spec);
  },
};

/** See https://kubernetes.io/docs/concepts/architecture/nodes/. */
export const nodeRules: KindRules = {
  statusMayChangeMetadata: "all",
  setDefaults: (node) => {
    objectIn(node, "spec");
    const status = objectIn(node, "status");
    const capacity = objectAt(status, "capacity");
    if (capacity !== undefined) setDefault(status, "allocatable", copy(capacity));
  },
  validate: validateNodeQuantities,
  validateStatus: validateNodeQuantities,
  validateUpdate: (next, old) => {
    const before = stringAt(old, "spec", "providerID");
    const now = stringAt(next, "spec", "providerID");
    if (before === undefined || before === "" || before === now) return [];
    const text =
      "node updates may only change labels, taints, or capacity (or configSource, if the DynamicKubeletConfig feature gate is enabled)";
    return [{ field: "spec.providerID", reason: "FieldValueForbidden", text: `Forbidden: ${text}` }];
  },
};

/** `ValidateNodeResources` in https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go. */
function validateNodeQuantities(node: KubernetesObject): FieldProblem[] {
  return ["capacity", "allocatable"].flatMap((list) =>
    Object.entries(stringMapAt(node, "status", list)).flatMap(([name, quantity]) =>
      validateQuantity(name, quantity, `status.${list}.${name}`),
    ),
  );
}

/** See https://kubernetes.io/docs/concepts/configuration/secret/. */
export const secretRules: KindRules = {
  setDefaults: (secret) => {
    setDefault(secret, "type", "Opaque");
    const plain = stringMapAt(secret, "stringData");
    if (!isObject(secret.stringData)) return;
    const data = objectIn(secret, "data");
    for (const [key, value] of Object.entries(plain)) data[key] = Buffer.from(value).toString("base64");
    delete secret.stringData;
  },
  validateUpdate: (next, old) =>
    next.type === old.type ? [] : [invalidValue("type", next.type, "field is immutable")],
};

/** See https://kubernetes.io/docs/concepts/services-networking/network-policies/. */
export const networkPolicyRules: KindRules = {
  setDefaults: (policy) => {
    const spec = objectIn(policy, "spec");
    setDefault(
      spec,
      "policyTypes",
      objectAt(policy, "spec") !== undefined && "egress" in spec ? ["Ingress", "Egress"] : ["Ingress"],
    );
  },
};

/** See https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/. */
export const priorityClassRules: KindRules = {
  setDefaults: (priorityClass) => setDefault(priorityClass, "preemptionPolicy", "PreemptLowerPriority"),
  validateUpdate: (next, old) =>
    next.value === old.value ? [] : [invalidValue("value", next.value, "field is immutable")],
};

/** Role bindings name the API group of what they refer to. */
export const roleBindingRules: KindRules = {
  setDefaults: (binding) => {
    const group = "rbac.authorization.k8s.io";
    const role = objectAt(binding, "roleRef");
    if (role !== undefined) setDefault(role, "apiGroup", group);
    const subjects = binding.subjects;
    for (const subject of Array.isArray(subjects) ? subjects.filter(isObject) : []) {
      if (subject.kind !== "ServiceAccount") setDefault(subject, "apiGroup", group);
    }
  },
};
