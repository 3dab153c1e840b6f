import {
  type CniNodeObject,
  type CniNodeSource,
  cniNodeEvents,
  cniNodeFeaturesMark,
  cniNodeFinalizer,
  completeCniNode,
  eligibilityOf,
  newCniNode,
  nodeEvents,
  osLabel,
  readFeaturesMark,
} from "@trunkline/kubernetes";
import type { Cluster } from "../follow/cluster.ts";
import type { Change } from "../follow/reflector.ts";
import { type CniNodeView, type NodeView, type PodView, wantsOrHolds } from "../follow/views.ts";
import { type ApiAnswer, isSuccess, type KubernetesApi, refusalOf } from "../ports/api.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import { involvedCniNode, involvedNode, type Recorder } from "./recorder.ts";
import { createWorkQueue, type Work } from "./work-queue.ts";

const collection = "/apis/vpcresources.k8s.aws/v1alpha1/cninodes";
/** How long no CNINode is tried when the API server does not know the type. */
const missingTypeMilliseconds = 10_000;

export interface CniNodesOptions {
  readonly api: KubernetesApi;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder: Pick<Recorder, "record">;
  readonly cluster: Pick<Cluster, "node" | "nodes" | "cniNode" | "cniNodes" | "podsOnNode">;
  /** The CNINode of a node as it was last seen, also when it is gone. */
  readonly lastSeen: (nodeName: string) => CniNodeObject | undefined;
  /** The cluster's name: a tag for people. */
  readonly clusterName: string;
}

/** Keeps one CNINode for each node, and lets go of those whose node has ended. Safe to call at any time, any number of times. */
export interface CniNodes {
  look(nodeName: string): void;
  cniNode(change: Change<CniNodeView>): void;
  /**
   * A node's CNINode as it is, or as it was when somebody deleted it under a living node and it is not there again yet: what
   * the CNI plugin asked for has not ended with it.
   */
  objectOf(nodeName: string): CniNodeObject | undefined;
  /** Looks at everything. */
  lookAtAll(): void;
  stop(): void;
}

const unchanged: Work = { isChanged: false };

export const createCniNodes = (options: CniNodesOptions): CniNodes => {
  const { api, clock, random, log, metrics, recorder, cluster, lastSeen, clusterName } = options;
  let missingUntil = 0;

  const sourceOf = (node: NodeView): CniNodeSource | undefined => {
    const eligibility = eligibilityOf(node.object);
    // The cloud controller manager may set the provider ID long after the CNI plugin has looked for the CNINode.
    if (!eligibility.eligible && eligibility.because !== "no-provider-id") return undefined;
    return {
      nodeName: node.name,
      nodeUid: node.uid,
      os: node.object.metadata?.labels?.[osLabel] ?? "linux",
      cluster: clusterName,
      instanceId: eligibility.eligible ? eligibility.instanceId : undefined,
      features: lastKnown(node)?.spec?.features ?? [],
    };
  };

  /** What the node's CNINode was before it was gone: seen by this replica, or by the one that marked the node. */
  const lastKnown = (node: NodeView): CniNodeObject | undefined => {
    const features = readFeaturesMark(node.object.metadata?.annotations?.[cniNodeFeaturesMark]);
    return lastSeen(node.name) ?? (features.length === 0 ? undefined : { spec: { features } });
  };

  const create = async (node: NodeView, source: CniNodeSource): Promise<Work> => {
    if (clock.monotonic() < missingUntil) return unchanged;
    const isAgain = lastSeen(node.name) !== undefined;
    if (isAgain) metrics.count("recreate_cniNode_call_count", {});
    const answer = await api.request({ method: "POST", path: collection, body: newCniNode(source) });
    // 409: it is there, and the watch will tell.
    if (isAgain && !isSuccess(answer) && answer.status !== 409) {
      metrics.count("recreate_cniNode_err_count", {});
      recorder.record(involvedNode(node.name), nodeEvents.cniNodeCreationFailed());
    }
    if (answer.status === 404) {
      if (missingUntil === 0) log("warn", "The API server knows no CNINodes: install the CustomResourceDefinitions.");
      missingUntil = clock.monotonic() + missingTypeMilliseconds;
      return unchanged;
    }
    missingUntil = 0;
    if (answer.status === 409) return unchanged;
    if (!isSuccess(answer)) return { isChanged: false, problem: refusalOf(answer) };
    return { isChanged: true };
  };

  /** The patch names UID and version, so that a feature that the CNI plugin writes meanwhile is not lost. */
  const patch = async (cniNode: CniNodeView, body: { metadata?: object; spec?: object }): Promise<Work> => {
    const { uid, resourceVersion } = cniNode;
    const answer: ApiAnswer = await api.request({
      method: "PATCH",
      path: `${collection}/${cniNode.name}`,
      contentType: "application/merge-patch+json",
      body: { ...body, metadata: { ...body.metadata, uid, resourceVersion } },
    });
    if (isSuccess(answer)) return { isChanged: true };
    // 404 and 409: it has changed or is gone, and the watch will tell.
    const hasPassed = answer.status === 404 || answer.status === 409;
    return hasPassed ? unchanged : { isChanged: false, problem: refusalOf(answer) };
  };

  const letGo = async (cniNode: CniNodeView): Promise<Work> => {
    if (!cniNode.finalizers.includes(cniNodeFinalizer)) return unchanged;
    if (!isFree(cluster.podsOnNode(cniNode.name))) {
      // The garbage collector may know of the node's end before this copy does, so the copy alone does not count.
      if (cluster.node(cniNode.name) === undefined) return unchanged;
      const answer = await api.request({ method: "GET", path: `/api/v1/nodes/${cniNode.name}` });
      if (answer.status === 404) return unchanged;
      if (!isSuccess(answer)) return { isChanged: false, problem: refusalOf(answer) };
    }
    const finalizers = cniNode.finalizers.filter((finalizer) => finalizer !== cniNodeFinalizer);
    const work = await patch(cniNode, { metadata: { finalizers } });
    if (work.problem !== undefined) recorder.record(involvedCniNode(cniNode), cniNodeEvents.deletionFailed());
    return work;
  };

  const queue = createWorkQueue({
    clock,
    random,
    work: async (name) => {
      const [node, cniNode] = [cluster.node(name), cluster.cniNode(name)];
      if (cniNode?.terminating === true) return letGo(cniNode);
      const source = node === undefined ? undefined : sourceOf(node);
      if (node === undefined || source === undefined) return unchanged;
      if (cniNode === undefined) return create(node, source);
      const completion = completeCniNode(cniNode.object, source);
      return completion === undefined ? unchanged : patch(cniNode, completion);
    },
    onProblem: (node, problem) => log("warn", "A CNINode could not be written; it is tried again.", { node, problem }),
    onContest: (node) =>
      log("warn", "Somebody else keeps deleting or changing a CNINode; it is written every ten seconds.", { node }),
  });

  return {
    look: queue.add,
    cniNode: ({ object }) => queue.add(object.name),
    objectOf: (nodeName) => {
      const node = cluster.node(nodeName);
      return cluster.cniNode(nodeName)?.object ?? (node === undefined ? undefined : lastKnown(node));
    },
    lookAtAll: () => {
      for (const node of cluster.nodes()) queue.add(node.name);
      for (const cniNode of cluster.cniNodes()) if (cniNode.terminating) queue.add(cniNode.name);
    },
    stop: queue.stop,
  };
};

/** Whether no pod of a node holds a branch or waits for one. */
const isFree = (pods: Iterable<PodView>): boolean => [...pods].every((pod) => pod.terminal || !wantsOrHolds(pod));
