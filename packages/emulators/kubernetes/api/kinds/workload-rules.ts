/** Deployments, replica sets, daemon sets, stateful sets and jobs. */

import type { KubernetesObject } from "../../ports.ts";
import { equal, isObject, type JsonObject, objectAt, objectIn, setDefault, stringAt, stringMapAt } from "../json.ts";
import type { KindRules } from "../resource-type.ts";
import { type FieldProblem, invalidValue, notSupported, required } from "../statuses.ts";
import { selectorPredicate } from "../store/label-selector.ts";
import { setPodSpecDefaults } from "./pod-defaults.ts";
import { validatePodSpec } from "./pod-validation.ts";

const REVISIONS_KEPT = 10;

function setTemplateDefaults(spec: JsonObject): void {
  const template = objectIn(spec, "template");
  setDefault(template, "metadata", {});
  setPodSpecDefaults(objectIn(template, "spec"));
}

function specOf(object: KubernetesObject): JsonObject {
  return objectIn(object, "spec");
}

function validateSelected(object: KubernetesObject, restartPolicies: readonly string[]): FieldProblem[] {
  const spec = specOf(object);
  const problems = validateTemplate(spec, restartPolicies);
  const selector = spec.selector;
  const labels = stringMapAt(spec, "template", "metadata", "labels");
  if (!isObject(selector)) problems.push(required("spec.selector"));
  else if (Object.keys(selector).length === 0) {
    problems.push(invalidValue("spec.selector", selector, "empty selector is invalid for deployment"));
  } else if (!selectorPredicate(selector)(labels)) {
    const text = "`selector` does not match template `labels`";
    problems.push(invalidValue("spec.template.metadata.labels", labels, text));
  }
  const replicas = spec.replicas;
  if (typeof replicas === "number" && replicas < 0) {
    problems.push(invalidValue("spec.replicas", replicas, "must be greater than or equal to 0"));
  }
  return problems;
}

function validateTemplate(spec: JsonObject, restartPolicies: readonly string[]): FieldProblem[] {
  const podSpec = objectAt(spec, "template", "spec") ?? {};
  const policy = stringAt(podSpec, "restartPolicy") ?? "";
  const problems = validatePodSpec(podSpec, "spec.template.spec");
  if (!restartPolicies.includes(policy)) {
    problems.push(notSupported("spec.template.spec.restartPolicy", policy, restartPolicies));
  }
  return problems;
}

function unchanged(field: string): (next: KubernetesObject, old: KubernetesObject) => FieldProblem[] {
  return (next, old) => {
    const now = specOf(next)[field];
    return equal(now, specOf(old)[field]) ? [] : [invalidValue(`spec.${field}`, now, "field is immutable")];
  };
}

/** See https://kubernetes.io/docs/concepts/workloads/controllers/deployment/. */
export const deploymentRules: KindRules = {
  setDefaults: (object) => {
    const spec = specOf(object);
    setTemplateDefaults(spec);
    setDefault(spec, "replicas", 1);
    const strategy = objectIn(spec, "strategy");
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy.type === "RollingUpdate") {
      const rolling = objectIn(strategy, "rollingUpdate");
      setDefault(rolling, "maxUnavailable", "25%");
      setDefault(rolling, "maxSurge", "25%");
    }
    setDefault(spec, "revisionHistoryLimit", REVISIONS_KEPT);
    setDefault(spec, "progressDeadlineSeconds", 600);
  },
  validate: (object) => validateSelected(object, ["Always"]),
  validateUpdate: unchanged("selector"),
};

/** See https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/. */
export const replicaSetRules: KindRules = {
  setDefaults: (object) => {
    setTemplateDefaults(specOf(object));
    setDefault(specOf(object), "replicas", 1);
  },
  prepareCreate: (object) => {
    object.status = { replicas: 0 };
  },
  validate: (object) => validateSelected(object, ["Always"]),
  validateUpdate: unchanged("selector"),
};

/** See https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/. */
export const daemonSetRules: KindRules = {
  setDefaults: (object) => {
    const spec = specOf(object);
    setTemplateDefaults(spec);
    const strategy = objectIn(spec, "updateStrategy");
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy.type === "RollingUpdate") {
      const rolling = objectIn(strategy, "rollingUpdate");
      setDefault(rolling, "maxUnavailable", 1);
      setDefault(rolling, "maxSurge", 0);
    }
    setDefault(spec, "revisionHistoryLimit", REVISIONS_KEPT);
  },
  prepareCreate: (object) => {
    object.status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
  },
  validate: (object) => validateSelected(object, ["Always"]),
  validateUpdate: unchanged("selector"),
};

/** See https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/. */
export const statefulSetRules: KindRules = {
  setDefaults: (object) => {
    const spec = specOf(object);
    setTemplateDefaults(spec);
    setDefault(spec, "replicas", 1);
    setDefault(spec, "podManagementPolicy", "OrderedReady");
    setDefault(spec, "revisionHistoryLimit", REVISIONS_KEPT);
    const strategy = objectIn(spec, "updateStrategy");
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy.type === "RollingUpdate") setDefault(objectIn(strategy, "rollingUpdate"), "partition", 0);
  },
  prepareCreate: (object) => {
    object.status = { replicas: 0, availableReplicas: 0 };
  },
  validate: (object) => validateSelected(object, ["Always"]),
  validateUpdate: unchanged("selector"),
};

/** See https://kubernetes.io/docs/concepts/workloads/controllers/job/. */
export const jobRules: KindRules = {
  setDefaults: (object) => {
    const spec = specOf(object);
    setTemplateDefaults(spec);
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    setDefault(spec, "parallelism", 1);
    setDefault(spec, "backoffLimit", 6);
    setDefault(spec, "completionMode", "NonIndexed");
    setDefault(spec, "suspend", false);
    setDefault(spec, "manualSelector", false);
    setDefault(spec, "podReplacementPolicy", "TerminatingOrFailed");
  },
  prepareCreate: (object) => {
    const spec = specOf(object);
    object.status = {};
    if (spec.manualSelector === true) return;
    const uid = object.metadata.uid ?? "";
    const name = object.metadata.name ?? "";
    spec.selector = { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
    const labels = objectIn(objectIn(objectIn(spec, "template"), "metadata"), "labels");
    Object.assign(labels, {
      "batch.kubernetes.io/controller-uid": uid,
      "batch.kubernetes.io/job-name": name,
      "controller-uid": uid,
      "job-name": name,
    });
  },
  validate: (object) => validateTemplate(specOf(object), ["OnFailure", "Never"]),
  validateUpdate: (next, old) => [...unchanged("template")(next, old), ...unchanged("selector")(next, old)],
};
