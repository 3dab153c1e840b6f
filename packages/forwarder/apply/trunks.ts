import type { InstanceId } from "@trunkline/core";
import { type CniNodeObject, wantsTrunk } from "@trunkline/kubernetes";
import { type Cluster, instanceOfNode } from "../follow/cluster.ts";
import type { NodeView } from "../follow/views.ts";
import { isSuccess, type KubernetesApi, refusalOf, refusesField } from "../ports/api.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { decideNode, type NodePatch, type TrunkState } from "./node-patches.ts";
import { involvedNode, type Recorder } from "./recorder.ts";
import { createWorkQueue, type Work } from "./work-queue.ts";

export interface TrunksOptions {
  readonly api: KubernetesApi;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly cluster: Pick<Cluster, "node" | "nodesOf" | "podsOnNode">;
  readonly cniNodeOf: (nodeName: string) => CniNodeObject | undefined;
  readonly recorder: Pick<Recorder, "record">;
  readonly log: Log;
}

/** Keeps nodes in line with their trunks. */
export interface Trunks {
  /** Remembers what the functions said, and applies it until every node of the instance is in line. */
  tell(instanceId: InstanceId, trunk: Exclude<TrunkState, "unknown">): void;
  /** Applies what is known to a node that may have changed. */
  look(nodeName: string): void;
  forget(instanceId: InstanceId): void;
  stop(): void;
}

/** More instances than a cluster has; those that were told first are forgotten, and told again with their snapshots. */
const knownMax = 20_000;

export const createTrunks = (options: TrunksOptions): Trunks => {
  const { api, clock, random, cluster, cniNodeOf, recorder, log } = options;
  const known = new Map<InstanceId, Exclude<TrunkState, "unknown">>();

  const patch = async (path: string, body: NodePatch): Promise<Work> => {
    const answer = await api.request({ method: "PATCH", path, contentType: "application/merge-patch+json", body });
    if (isSuccess(answer)) return { isChanged: true };
    // The node is gone, or another one has its name, whose UID a patch cannot change: the watch will tell.
    const hasPassed = answer.status === 404 || refusesField(answer, "metadata.uid");
    return hasPassed ? { isChanged: false } : { isChanged: false, problem: refusalOf(answer) };
  };

  const requestedOn = (nodeName: string): number =>
    [...cluster.podsOnNode(nodeName)].reduce((sum, pod) => sum + (pod.terminal ? 0 : pod.enis), 0);

  const align = async (node: NodeView, trunk: TrunkState): Promise<Work> => {
    const cniNode = cniNodeOf(node.name);
    const { status, metadata, news } = decideNode(node, {
      trunk,
      isWanted: wantsTrunk(node.object, cniNode),
      features: cniNode?.spec?.features ?? [],
      requested: () => requestedOn(node.name),
    });
    const path = `/api/v1/nodes/${node.name}`;
    const first = status === undefined ? undefined : await patch(`${path}/status`, status);
    if (first?.isChanged === false) return first;
    // The mark that says what was told is written last: what is told twice is one event, what is not told is none.
    for (const text of news) recorder.record(involvedNode(node.name), text);
    const second = metadata === undefined ? undefined : await patch(path, metadata);
    const isChanged = first?.isChanged === true || second?.isChanged === true;
    return second?.problem === undefined ? { isChanged } : { isChanged, problem: second.problem };
  };

  const queue = createWorkQueue({
    clock,
    random,
    work: async (nodeName) => {
      const node = cluster.node(nodeName);
      const instanceId = instanceOfNode(node);
      if (node === undefined || instanceId === undefined) return { isChanged: false };
      return align(node, known.get(instanceId) ?? "unknown");
    },
    onProblem: (node, problem) => log("warn", "A node could not be patched; it is tried again.", { node, problem }),
    onContest: (node) =>
      log("warn", "Somebody else keeps changing a node's capacity or label back; it is set every ten seconds.", {
        node,
      }),
  });

  return {
    tell: (instanceId, trunk) => {
      const [oldest] = known.size >= knownMax ? known.keys() : [];
      if (oldest !== undefined) known.delete(oldest);
      known.set(instanceId, trunk);
      for (const node of cluster.nodesOf(instanceId)) queue.add(node.name);
    },
    look: queue.add,
    forget: (instanceId) => void known.delete(instanceId),
    stop: queue.stop,
  };
};
