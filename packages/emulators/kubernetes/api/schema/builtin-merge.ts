/**
 * How the lists and objects of built-in types merge, which the client's models do not say.
 * From the `patchMergeKey`, `listMapKey`, `structType` and `mapType` marks of https://github.com/kubernetes/api.
 */

import type { ListMerge } from "./schema.ts";

const KEYED: Readonly<Record<string, readonly string[]>> = {
  "V1PodSpec.containers": ["name"],
  "V1PodSpec.initContainers": ["name"],
  "V1PodSpec.ephemeralContainers": ["name"],
  "V1PodSpec.volumes": ["name"],
  "V1PodSpec.imagePullSecrets": ["name"],
  "V1PodSpec.hostAliases": ["ip"],
  "V1PodSpec.topologySpreadConstraints": ["topologyKey", "whenUnsatisfiable"],
  "V1PodSpec.resourceClaims": ["name"],
  "V1PodSpec.schedulingGates": ["name"],
  "V1Container.env": ["name"],
  "V1Container.ports": ["containerPort", "protocol"],
  "V1Container.volumeMounts": ["mountPath"],
  "V1Container.volumeDevices": ["devicePath"],
  "V1EphemeralContainer.env": ["name"],
  "V1EphemeralContainer.ports": ["containerPort", "protocol"],
  "V1EphemeralContainer.volumeMounts": ["mountPath"],
  "V1ResourceRequirements.claims": ["name"],
  "V1ObjectMeta.ownerReferences": ["uid"],
  "V1PodStatus.conditions": ["type"],
  "V1PodStatus.podIPs": ["ip"],
  "V1NodeStatus.conditions": ["type"],
  "V1NodeStatus.addresses": ["type"],
  "V1ServiceSpec.ports": ["port", "protocol"],
  "V1ServiceStatus.conditions": ["type"],
  "V1ServiceAccount.secrets": ["name"],
  "V1NamespaceStatus.conditions": ["type"],
  "V1DeploymentStatus.conditions": ["type"],
  "V1ReplicaSetStatus.conditions": ["type"],
  "V1DaemonSetStatus.conditions": ["type"],
  "V1StatefulSetStatus.conditions": ["type"],
  "V1JobStatus.conditions": ["type"],
  "V1PodDisruptionBudgetStatus.conditions": ["type"],
  "V1MutatingWebhookConfiguration.webhooks": ["name"],
  "V1ValidatingWebhookConfiguration.webhooks": ["name"],
  "V1MutatingWebhook.matchConditions": ["name"],
  "V1ValidatingWebhook.matchConditions": ["name"],
  "V1ValidatingAdmissionPolicySpec.matchConditions": ["name"],
  "V1ValidatingAdmissionPolicySpec.variables": ["name"],
  "V1CustomResourceDefinitionStatus.conditions": ["type"],
};

const SETS: ReadonlySet<string> = new Set(["V1ObjectMeta.finalizers", "V1NodeSpec.podCIDRs"]);

/** The models whose values have one owner. */
export const ATOMIC_MODELS: ReadonlySet<string> = new Set([
  "V1LabelSelector",
  "V1NodeSelector",
  "V1NodeSelectorTerm",
  "V1ObjectReference",
  "V1LocalObjectReference",
  "V1SecretKeySelector",
  "V1ConfigMapKeySelector",
  "V1ObjectFieldSelector",
  "V1ResourceFieldSelector",
  "V1TypedLocalObjectReference",
  "V1ScopeSelector",
]);

/** The maps whose entries have one owner together. */
export const ATOMIC_MAPS: ReadonlySet<string> = new Set(["V1PodSpec.nodeSelector", "V1ServiceSpec.selector"]);

/** The fields that hold quantities; a map of them holds quantities as values. */
export const QUANTITIES: ReadonlySet<string> = new Set([
  "V1ResourceRequirements.limits",
  "V1ResourceRequirements.requests",
  "V1VolumeResourceRequirements.limits",
  "V1VolumeResourceRequirements.requests",
  "V1NodeStatus.capacity",
  "V1NodeStatus.allocatable",
  "V1PodSpec.overhead",
  "V1EmptyDirVolumeSource.sizeLimit",
  "V1ResourceFieldSelector.divisor",
  "V1ContainerStatus.allocatedResources",
  "V1PersistentVolumeClaimStatus.capacity",
]);

/** How the list `V1PodSpec.containers` (and the like) merges. */
export function builtinListMerge(path: string): ListMerge {
  const keys = KEYED[path];
  if (keys !== undefined) return { by: "keys", keys };
  return { by: SETS.has(path) ? "value" : "whole" };
}
