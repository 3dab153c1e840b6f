import type { InstanceId } from "@trunkline/core";
import {
  eligibilityOf,
  matchPolicies,
  type PodLabels,
  type PolicyMatch,
  type StringMap,
  settingsConfigMap,
} from "@trunkline/kubernetes";
import type { KubernetesApi } from "../ports/api.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import { createIndex } from "./index-by.ts";
import { type Change, createReflector, type Kept, type Reflector } from "./reflector.ts";
import {
  type CniNodeView,
  type ConfigMapView,
  type EniConfigView,
  type LabelledView,
  type NodeView,
  type PodView,
  type PolicyView,
  viewCniNode,
  viewConfigMap,
  viewEniConfig,
  viewNode,
  viewPod,
  viewPolicy,
  viewServiceAccount,
} from "./views.ts";

/** What the forwarder follows. */
export interface ClusterChanges {
  pod(change: Change<PodView>): void;
  node(change: Change<NodeView>): void;
  cniNode(change: Change<CniNodeView>): void;
  policy(change: Change<PolicyView>): void;
  serviceAccount(change: Change<LabelledView>): void;
  eniConfig(change: Change<EniConfigView>): void;
  settings(change: Change<ConfigMapView>): void;
}

export interface ClusterOptions {
  readonly api: KubernetesApi;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly changes: ClusterChanges;
}

/** Copies of everything that the forwarder looks at, with the lookups that it needs. */
export interface Cluster {
  start(): void;
  stop(): void;
  isSynced(): boolean;
  pods(): IterableIterator<PodView>;
  podByUid(uid: string): PodView | undefined;
  podsOnNode(nodeName: string): Iterable<PodView>;
  nodes(): IterableIterator<NodeView>;
  node(name: string): NodeView | undefined;
  /** Nodes with this instance's provider ID; usually one. */
  nodesOf(instanceId: InstanceId): readonly NodeView[];
  instanceOf(nodeName: string): InstanceId | undefined;
  cniNodes(): IterableIterator<CniNodeView>;
  cniNode(name: string): CniNodeView | undefined;
  eniConfig(name: string): EniConfigView | undefined;
  policies(): IterableIterator<PolicyView>;
  settings(): Readonly<Record<string, string>>;
  /** How many objects each copy holds, by collection. */
  sizes(): readonly (readonly [collection: string, objects: number])[];
  /** The groups that the policies give a pod now; with the labels of its ServiceAccount when the copy may lack it. */
  match(pod: PodLabels, serviceAccountLabels?: StringMap): PolicyMatch;
}

/** The instance of a node that is ours to look after. */
export const instanceOfNode = (node: NodeView | undefined): InstanceId | undefined => {
  if (node === undefined) return undefined;
  const eligibility = eligibilityOf(node.object);
  return eligibility.eligible ? eligibility.instanceId : undefined;
};

/** Follows the seven collections. Changes are told after the lookups know them. */
export const createCluster = ({ api, clock, random, log, metrics, changes }: ClusterOptions): Cluster => {
  const podsByUid = createIndex<PodView>((pod) => pod.uid);
  const podsByNode = createIndex<PodView>((pod) => pod.nodeName);
  const nodesByInstance = createIndex<NodeView>((node) => instanceOfNode(node) ?? "");
  const policiesByNamespace = createIndex<PolicyView>((policy) => policy.namespace);

  const follow = <Object extends Kept>(
    path: string,
    project: (raw: unknown) => Object,
    onChange: (change: Change<Object>) => void,
    query: Readonly<Record<string, string>> = {},
  ): Reflector<Object> => {
    // Of the custom resources only ours are part of the installation, and people install in any order.
    const isOptional = path.startsWith("/apis/");
    return createReflector({ api, clock, random, log, metrics, path, project, onChange, query, isOptional });
  };

  const pods = follow("/api/v1/pods", viewPod, (change) => {
    podsByUid.apply(change);
    podsByNode.apply(change);
    changes.pod(change);
  });
  const nodes = follow("/api/v1/nodes", viewNode, (change) => {
    nodesByInstance.apply(change);
    changes.node(change);
  });
  const policies = follow("/apis/vpcresources.k8s.aws/v1beta1/securitygrouppolicies", viewPolicy, (change) => {
    policiesByNamespace.apply(change);
    changes.policy(change);
  });
  const cniNodes = follow("/apis/vpcresources.k8s.aws/v1alpha1/cninodes", viewCniNode, changes.cniNode);
  const serviceAccounts = follow("/api/v1/serviceaccounts", viewServiceAccount, changes.serviceAccount);
  const eniConfigs = follow("/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs", viewEniConfig, changes.eniConfig);
  const settings = follow(
    `/api/v1/namespaces/${settingsConfigMap.namespace}/configmaps`,
    viewConfigMap,
    changes.settings,
    { fieldSelector: `metadata.name=${settingsConfigMap.name}` },
  );
  const all = [policies, serviceAccounts, eniConfigs, settings, cniNodes, nodes, pods];

  return {
    start: () => {
      for (const reflector of all) reflector.start();
    },
    stop: () => {
      for (const reflector of all) reflector.stop();
    },
    isSynced: () => all.every((reflector) => reflector.isSynced()),
    pods: () => pods.values(),
    podByUid: (uid) => podsByUid.first(uid),
    podsOnNode: (nodeName) => podsByNode.all(nodeName),
    nodes: () => nodes.values(),
    node: (name) => nodes.get("", name),
    nodesOf: (instanceId) => [...nodesByInstance.all(instanceId)],
    instanceOf: (nodeName) => instanceOfNode(nodes.get("", nodeName)),
    cniNodes: () => cniNodes.values(),
    cniNode: (name) => cniNodes.get("", name),
    eniConfig: (name) => eniConfigs.get("", name),
    policies: () => policies.values(),
    settings: () => settings.get(settingsConfigMap.namespace, settingsConfigMap.name)?.data ?? {},
    sizes: () => [
      ["pods", pods.size()],
      ["nodes", nodes.size()],
      ["securitygrouppolicies", policies.size()],
      ["cninodes", cniNodes.size()],
      ["serviceaccounts", serviceAccounts.size()],
      ["eniconfigs", eniConfigs.size()],
    ],
    match: (pod, serviceAccountLabels) =>
      matchPolicies(
        [...policiesByNamespace.all(pod.namespace)].map((view) => view.policy),
        pod,
        (namespace, name) => serviceAccountLabels ?? serviceAccounts.get(namespace, name)?.labels,
      ),
  };
};
