/** Kinds that extend the API server: definitions of custom resources, webhooks, admission policies. */

import type { KubernetesObject } from "../../ports.ts";
import { type JsonObject, objectAt, objectIn, objectsAt, setDefault, stringAt } from "../json.ts";
import type { KindRules } from "../resource-type.ts";
import { type FieldProblem, invalidValue, required } from "../statuses.ts";

/** What keeps a definition until its custom resources are gone. */
export const CUSTOM_RESOURCE_CLEANUP = "customresourcecleanup.apiextensions.k8s.io";

/** See https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/. */
export const definitionRules: KindRules = {
  setDefaults: (definition) => {
    const spec = objectIn(definition, "spec");
    const names = objectIn(spec, "names");
    setDefault(names, "singular", stringAt(names, "kind")?.toLowerCase());
    setDefault(names, "listKind", `${stringAt(names, "kind") ?? ""}List`);
    setDefault(spec, "conversion", { strategy: "None" });
  },
  prepareCreate: (definition) => {
    definition.metadata.finalizers = [...(definition.metadata.finalizers ?? []), CUSTOM_RESOURCE_CLEANUP];
    definition.status = {};
  },
  validate: validateDefinition,
};

function validateDefinition(definition: KubernetesObject): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const spec = objectAt(definition, "spec") ?? {};
  const plural = stringAt(spec, "names", "plural") ?? "";
  const group = stringAt(spec, "group") ?? "";
  if (definition.metadata.name !== `${plural}.${group}`) {
    problems.push(invalidValue("metadata.name", definition.metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  if (plural === "") problems.push(required("spec.names.plural"));
  if ((stringAt(spec, "names", "kind") ?? "") === "") problems.push(required("spec.names.kind"));
  const scope = stringAt(spec, "scope");
  if (scope === undefined) problems.push(required("spec.scope"));
  const versions = objectsAt(spec, "versions");
  for (const [index, version] of versions.entries()) {
    if (objectAt(version, "schema", "openAPIV3Schema") === undefined) {
      problems.push(required(`spec.versions[${index}].schema.openAPIV3Schema`, "schemas are required"));
    }
  }
  if (versions.filter((version) => version.storage === true).length !== 1) {
    problems.push(invalidValue("spec.versions", "", "must have exactly one version marked as storage version"));
  }
  return problems;
}

function setRuleDefaults(rules: readonly JsonObject[]): void {
  for (const rule of rules) setDefault(rule, "scope", "*");
}

function setWebhookDefaults(configuration: KubernetesObject, mutating: boolean): void {
  for (const webhook of objectsAt(configuration, "webhooks")) {
    setDefault(webhook, "failurePolicy", "Fail");
    setDefault(webhook, "matchPolicy", "Equivalent");
    setDefault(webhook, "namespaceSelector", {});
    setDefault(webhook, "objectSelector", {});
    setDefault(webhook, "timeoutSeconds", 10);
    if (mutating) setDefault(webhook, "reinvocationPolicy", "Never");
    setRuleDefaults(objectsAt(webhook, "rules"));
    const service = objectAt(webhook, "clientConfig", "service");
    if (service !== undefined) setDefault(service, "port", 443);
  }
}

function validateWebhooks(configuration: KubernetesObject): FieldProblem[] {
  return objectsAt(configuration, "webhooks").flatMap((webhook, index) => {
    const field = `webhooks[${index}]`;
    const problems: FieldProblem[] = [];
    if ((stringAt(webhook, "name") ?? "").split(".").length < 3) {
      const text = "should be a domain with at least three segments separated by dots";
      problems.push(invalidValue(`${field}.name`, stringAt(webhook, "name") ?? "", text));
    }
    const url = stringAt(webhook, "clientConfig", "url");
    const service = objectAt(webhook, "clientConfig", "service");
    if ((url === undefined) === (service === undefined)) {
      problems.push(required(`${field}.clientConfig`, "exactly one of url or service is required"));
    }
    if (url !== undefined && !url.startsWith("https://")) {
      const text = "'https' is the only allowed URL scheme; desired format: https://host[/path]";
      problems.push(invalidValue(`${field}.clientConfig.url`, url, text));
    }
    if (webhook.sideEffects !== "None" && webhook.sideEffects !== "NoneOnDryRun") {
      const found = JSON.stringify(webhook.sideEffects ?? "");
      const text = `Unsupported value: ${found}: supported values: "None", "NoneOnDryRun"`;
      problems.push({ field: `${field}.sideEffects`, reason: "FieldValueNotSupported", text });
    }
    if (objectsAt(webhook, "rules").length > 0 && !Array.isArray(webhook.admissionReviewVersions)) {
      problems.push(required(`${field}.admissionReviewVersions`, "must specify one of v1, v1beta1"));
    }
    return problems;
  });
}

/** See https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/. */
export const mutatingWebhookRules: KindRules = {
  setDefaults: (configuration) => setWebhookDefaults(configuration, true),
  validate: validateWebhooks,
};

/** As {@link mutatingWebhookRules}. */
export const validatingWebhookRules: KindRules = {
  setDefaults: (configuration) => setWebhookDefaults(configuration, false),
  validate: validateWebhooks,
};

/** See https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/. */
export const admissionPolicyRules: KindRules = {
  setDefaults: (policy) => {
    const spec = objectIn(policy, "spec");
    setDefault(spec, "failurePolicy", "Fail");
    setMatchDefaults(objectAt(spec, "matchConstraints"));
  },
  validate: (policy) => {
    const problems: FieldProblem[] = [];
    if (objectAt(policy, "spec", "matchConstraints") === undefined) problems.push(required("spec.matchConstraints"));
    for (const [index, validation] of objectsAt(policy, "spec", "validations").entries()) {
      if ((stringAt(validation, "expression") ?? "").trim() === "") {
        problems.push(required(`spec.validations[${index}].expression`, "expression is not specified"));
      }
    }
    return problems;
  },
};

/** As {@link admissionPolicyRules}. */
export const admissionPolicyBindingRules: KindRules = {
  setDefaults: (binding) => setMatchDefaults(objectAt(binding, "spec", "matchResources")),
  validate: (binding) => {
    const problems: FieldProblem[] = [];
    if (stringAt(binding, "spec", "policyName") === undefined) problems.push(required("spec.policyName"));
    const actions = objectAt(binding, "spec")?.validationActions;
    if (!Array.isArray(actions) || actions.length === 0) problems.push(required("spec.validationActions"));
    return problems;
  },
};

function setMatchDefaults(constraints: JsonObject | undefined): void {
  if (constraints === undefined) return;
  setDefault(constraints, "matchPolicy", "Equivalent");
  setDefault(constraints, "namespaceSelector", {});
  setDefault(constraints, "objectSelector", {});
  setRuleDefaults(objectsAt(constraints, "resourceRules"));
  setRuleDefaults(objectsAt(constraints, "excludeResourceRules"));
}
