import { type CniNodeFeature, cniNodeFinalizer, newCniNode, osLabel } from "@trunkline/kubernetes";
import { type Cluster, instanceOfNode } from "../follow/cluster.ts";
import type { Change } from "../follow/reflector.ts";
import { type CniNodeView, type NodeView, type PodView, wantsOrHolds } from "../follow/views.ts";
import { isSuccess, type KubernetesApi, refusalOf } from "../ports/api.ts";
import { type Log, textOf } from "../ports/log.ts";

const collection = "/apis/vpcresources.k8s.aws/v1alpha1/cninodes";

export interface CniNodesOptions {
  readonly api: KubernetesApi;
  readonly log: Log;
  readonly cluster: Pick<Cluster, "node" | "nodes" | "cniNode" | "cniNodes" | "podsOnNode">;
  /** The cluster's name: a tag for people. */
  readonly clusterName: string;
}

/** Keeps one CNINode for each node, and lets go of those whose node has ended. Safe to call at any time, any number of times. */
export interface CniNodes {
  lookAtNode(node: NodeView): void;
  cniNode(change: Change<CniNodeView>): void;
  /** Looks at everything; repairs what failed before. */
  lookAtAll(): void;
}

export const createCniNodes = ({ api, log, cluster, clusterName }: CniNodesOptions): CniNodes => {
  const busy = new Set<string>();
  /** Features of CNINodes that somebody deleted while their node lived. */
  const lost = new Map<string, readonly CniNodeFeature[]>();

  /** One request per name at a time; what fails is found again by the next look at everything. */
  const once = (name: string, work: () => Promise<void>): void => {
    if (busy.has(name)) return;
    busy.add(name);
    work()
      .catch((problem: unknown) =>
        log("warn", "A CNINode could not be written.", { node: name, problem: textOf(problem) }),
      )
      .finally(() => busy.delete(name));
  };

  const lookAtNode = (node: NodeView): void => {
    const instanceId = instanceOfNode(node);
    if (instanceId === undefined || cluster.cniNode(node.name) !== undefined) return;
    once(node.name, async () => {
      const answer = await api.request({
        method: "POST",
        path: collection,
        body: newCniNode({
          nodeName: node.name,
          nodeUid: node.uid,
          os: node.object.metadata?.labels?.[osLabel] ?? "linux",
          cluster: clusterName,
          instanceId,
          features: lost.get(node.name) ?? [],
        }),
      });
      if (isSuccess(answer)) lost.delete(node.name);
      // 409: it is there, and the watch will tell. 404: the type is missing, and is looked for again.
      else if (answer.status !== 409 && answer.status !== 404) throw new Error(refusalOf(answer));
    });
  };

  const lookAtCniNode = (cniNode: CniNodeView): void => {
    if (!cniNode.terminating || !cniNode.finalizers.includes(cniNodeFinalizer)) return;
    if (!mayLetGo(cluster.node(cniNode.name) !== undefined, cluster.podsOnNode(cniNode.name))) return;
    once(cniNode.name, async () => {
      const answer = await api.request({
        method: "PATCH",
        path: `${collection}/${cniNode.name}`,
        contentType: "application/merge-patch+json",
        body: {
          metadata: {
            uid: cniNode.uid,
            resourceVersion: cniNode.resourceVersion,
            finalizers: cniNode.finalizers.filter((finalizer) => finalizer !== cniNodeFinalizer),
          },
        },
      });
      // 404 and 409: it has changed or is gone, and the watch will tell.
      if (!isSuccess(answer) && answer.status !== 404 && answer.status !== 409) throw new Error(refusalOf(answer));
    });
  };

  return {
    lookAtNode,
    cniNode: (change) => {
      if (change.type === "seen") {
        lookAtCniNode(change.object);
        return;
      }
      const node = cluster.node(change.object.name);
      if (node === undefined) return;
      lost.set(node.name, change.object.features);
      lookAtNode(node);
    },
    lookAtAll: () => {
      for (const node of cluster.nodes()) lookAtNode(node);
      for (const cniNode of cluster.cniNodes()) lookAtCniNode(cniNode);
      for (const name of lost.keys()) if (cluster.node(name) === undefined) lost.delete(name);
    },
  };
};

/** The finalizer goes when no pod holds a branch there, or at once when a node of that name exists again (P12). */
export const mayLetGo = (isNodeThere: boolean, pods: Iterable<PodView>): boolean =>
  isNodeThere || [...pods].every((pod) => pod.terminal || !wantsOrHolds(pod));
