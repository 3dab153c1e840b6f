import type { InstanceId } from "@trunkline/core";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes";

/** The node that is this instance. */
export const nodeOf = (instanceId: InstanceId): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-a", labels: { "kubernetes.io/os": "linux" } },
  spec: { providerID: `aws:///us-west-2a/${instanceId}` },
  status: { capacity: { cpu: "2" }, allocatable: { cpu: "2" } },
});

/** A policy that gives these groups to the pods of the role `db`. */
export const policyOf = (...groupIds: readonly string[]): KubernetesObject => ({
  apiVersion: "vpcresources.k8s.aws/v1beta1",
  kind: "SecurityGroupPolicy",
  metadata: { name: "policy", namespace: "default" },
  spec: { podSelector: { matchLabels: { role: "db" } }, securityGroups: { groupIds } },
});

/** A pod that the policy matches, unless its labels say otherwise. */
export const podOf = (
  name: string,
  labels: Record<string, string> = { role: "db" },
  annotations: Record<string, string> = {},
): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels, annotations },
  spec: { containers: [{ name: "a", image: "nginx" }] },
});

/** What the scheduler writes to put a pod on the node. */
export const bindingOf = (name: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Binding",
  metadata: { name, namespace: "default" },
  target: { apiVersion: "v1", kind: "Node", name: "node-a" },
});
