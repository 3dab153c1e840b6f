/** The built-in types, one row each. */

import {
  namespaceRules,
  networkPolicyRules,
  nodeRules,
  priorityClassRules,
  roleBindingRules,
  secretRules,
} from "./kinds/cluster-rules.ts";
import { eventRules } from "./kinds/event-rules.ts";
import { eventsView } from "./kinds/event-view.ts";
import {
  admissionPolicyBindingRules,
  admissionPolicyRules,
  definitionRules,
  mutatingWebhookRules,
  validatingWebhookRules,
} from "./kinds/extension-rules.ts";
import { leaseRules } from "./kinds/lease-rules.ts";
import { podRules } from "./kinds/pod-rules.ts";
import { serviceRules } from "./kinds/service-rules.ts";
import {
  daemonSetRules,
  deploymentRules,
  jobRules,
  replicaSetRules,
  statefulSetRules,
} from "./kinds/workload-rules.ts";
import { collectionOf, type KindRules, type ResourceType, STORED_VERBS, type Subresource } from "./resource-type.ts";
import { modelSchema } from "./schema/builtin-schema.ts";

/** What a row says beyond its kind and its plural name. */
interface Row {
  short?: string[];
  categories?: string[];
  cluster?: boolean;
  subresources?: Subresource[];
  rules?: KindRules;
  /** `metadata.generation` is kept. */
  counted?: boolean;
  /** The client's model, where it is not `V1` and the kind. */
  model?: string;
  createOnly?: boolean;
  /** A PUT has to say which version it replaces. */
  versioned?: boolean;
}

function row(groupVersion: string, kind: string, resource: string, options: Row = {}): ResourceType {
  const [group = "", version = ""] = groupVersion.includes("/") ? groupVersion.split("/") : ["", groupVersion];
  return {
    group,
    version,
    kind,
    resource,
    singular: kind.toLowerCase(),
    shortNames: options.short ?? [],
    categories: options.categories ?? [],
    namespaced: options.cluster !== true,
    subresources: options.subresources ?? [],
    verbs: options.createOnly === true ? ["create"] : STORED_VERBS,
    schema: modelSchema(options.model ?? `V1${kind}`),
    rules: options.rules ?? {},
    collection: collectionOf({ group, resource }),
    hasGeneration: options.counted === true,
    unconditionalUpdate: options.versioned !== true,
  };
}

const ALL = ["all"];
const RBAC = "rbac.authorization.k8s.io/v1";
const ADMISSION = "admissionregistration.k8s.io/v1";

function coreTypes(): ResourceType[] {
  return [
    row("v1", "Binding", "bindings", { createOnly: true }),
    row("v1", "ConfigMap", "configmaps", { short: ["cm"] }),
    row("v1", "Endpoints", "endpoints", { short: ["ep"] }),
    row("v1", "Event", "events", { short: ["ev"], rules: eventRules, model: "CoreV1Event" }),
    row("v1", "Namespace", "namespaces", {
      short: ["ns"],
      cluster: true,
      subresources: ["status", "finalize"],
      rules: namespaceRules,
    }),
    row("v1", "Node", "nodes", { short: ["no"], cluster: true, subresources: ["status"], rules: nodeRules }),
    row("v1", "Pod", "pods", {
      short: ["po"],
      categories: ALL,
      subresources: ["status", "binding", "eviction", "log"],
      rules: podRules,
    }),
    row("v1", "Secret", "secrets", { rules: secretRules }),
    row("v1", "ServiceAccount", "serviceaccounts", { short: ["sa"], subresources: ["token"] }),
    row("v1", "Service", "services", {
      short: ["svc"],
      categories: ALL,
      subresources: ["status"],
      rules: serviceRules,
    }),
  ];
}

function workloadTypes(): ResourceType[] {
  const scaled: Subresource[] = ["status", "scale"];
  const workload = { categories: ALL, counted: true };
  return [
    row("apps/v1", "DaemonSet", "daemonsets", {
      ...workload,
      short: ["ds"],
      subresources: ["status"],
      rules: daemonSetRules,
    }),
    row("apps/v1", "Deployment", "deployments", {
      ...workload,
      short: ["deploy"],
      subresources: scaled,
      rules: deploymentRules,
    }),
    row("apps/v1", "ReplicaSet", "replicasets", {
      ...workload,
      short: ["rs"],
      subresources: scaled,
      rules: replicaSetRules,
    }),
    row("apps/v1", "StatefulSet", "statefulsets", {
      ...workload,
      short: ["sts"],
      subresources: scaled,
      rules: statefulSetRules,
    }),
    row("apps/v1", "ControllerRevision", "controllerrevisions"),
    row("batch/v1", "Job", "jobs", { ...workload, subresources: ["status"], rules: jobRules }),
  ];
}

function extensionTypes(): ResourceType[] {
  const cluster = { cluster: true, counted: true, versioned: true };
  const policy = "ValidatingAdmissionPolicy";
  return [
    row("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", {
      ...cluster,
      short: ["crd", "crds"],
      categories: ["api-extensions"],
      subresources: ["status"],
      rules: definitionRules,
    }),
    row(ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", {
      ...cluster,
      categories: ["api-extensions"],
      rules: mutatingWebhookRules,
    }),
    row(ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", {
      ...cluster,
      categories: ["api-extensions"],
      rules: validatingWebhookRules,
    }),
    row(ADMISSION, policy, "validatingadmissionpolicies", {
      ...cluster,
      categories: ["api-extensions"],
      subresources: ["status"],
      rules: admissionPolicyRules,
    }),
    row(ADMISSION, `${policy}Binding`, "validatingadmissionpolicybindings", {
      ...cluster,
      categories: ["api-extensions"],
      rules: admissionPolicyBindingRules,
    }),
  ];
}

function otherTypes(): ResourceType[] {
  return [
    row("coordination.k8s.io/v1", "Lease", "leases", { rules: leaseRules, versioned: true }),
    row("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
    row("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", {
      short: ["pdb"],
      subresources: ["status"],
      counted: true,
      versioned: true,
    }),
    row("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", {
      short: ["netpol"],
      rules: networkPolicyRules,
      counted: true,
    }),
    row("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", {
      short: ["pc"],
      cluster: true,
      rules: priorityClassRules,
    }),
    row(RBAC, "Role", "roles"),
    row(RBAC, "RoleBinding", "rolebindings", { rules: roleBindingRules }),
    row(RBAC, "ClusterRole", "clusterroles", { cluster: true }),
    row(RBAC, "ClusterRoleBinding", "clusterrolebindings", { cluster: true, rules: roleBindingRules }),
    row("authentication.k8s.io/v1", "SelfSubjectReview", "selfsubjectreviews", { cluster: true, createOnly: true }),
    row("authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", {
      cluster: true,
      createOnly: true,
    }),
    row("authorization.k8s.io/v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", {
      cluster: true,
      createOnly: true,
    }),
  ];
}

/** Every built-in type, the core group first. */
export function builtinTypes(): ResourceType[] {
  const events = row("events.k8s.io/v1", "Event", "events", { short: ["ev"], model: "EventsV1Event" });
  return [
    ...coreTypes(),
    ...workloadTypes(),
    ...extensionTypes(),
    ...otherTypes(),
    { ...events, collection: collectionOf({ group: "", resource: "events" }), view: eventsView },
  ];
}
