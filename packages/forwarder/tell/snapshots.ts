import type { Incarnation, InstanceId, NodeUid, PodFacts, PodUid, ResourceVersion } from "@trunkline/core";
import { type Cluster, instanceOfNode } from "../follow/cluster.ts";
import { listAll } from "../follow/list.ts";
import { type PodView, podFacts, viewPod, wantsOrHolds } from "../follow/views.ts";
import type { KubernetesApi } from "../ports/api.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";
import type { Sender } from "./sender.ts";

export interface SnapshotOptions {
  readonly api: KubernetesApi;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
  readonly cluster: Pick<Cluster, "match" | "nodesOf" | "nodes">;
  readonly sender: Pick<Sender, "send">;
  readonly incarnation: Incarnation;
  readonly snapshotSeconds: number;
  /** Called for each node whose turn has come, before its snapshot. */
  readonly beforeSnapshot: (nodeName: string) => void;
}

export interface Snapshots {
  start(): void;
  stop(): void;
  /** Sends a snapshot of the instance at once; true when it was sent or there is nothing to send. */
  snapshot(instanceId: InstanceId): Promise<boolean>;
  /** Answers with a PodGone for each of the pods that is absent or terminal (P12); true when it could be told. */
  answer(instanceId: InstanceId, podUids: readonly PodUid[]): Promise<boolean>;
}

/** A snapshot is sent within this time of the beginning of its list (P10). */
const validMilliseconds = 10_000;
/** After a failure. Lists of a node's pods are dear to an API server. */
const retryMillisecondsMax = 60_000;
/** What a message takes; more than any node's branches. */
const podsMax = 250;
const tickMilliseconds = 500;
const atOnceMax = 8;
const startWithinMilliseconds = 1_000;

/** Tells of each instance now and then, from consistent lists, which pods want or hold ENIs (P10). */
export const createSnapshots = (options: SnapshotOptions): Snapshots => {
  const { api, clock, random, log, cluster, sender, incarnation, snapshotSeconds, beforeSnapshot } = options;
  const dueAt = new Map<InstanceId, number>();
  const underWay = new Map<InstanceId, Promise<boolean>>();
  let cancelTick: () => void = () => {};

  /** A pod must not be missing from a snapshot, which would release it, and must not be told with the wrong groups. */
  const factsOf = (pod: PodView): PodFacts => {
    const match = cluster.match(pod);
    if (match.ok) return podFacts(pod, match.groupIds);
    return { ...podFacts(pod, []), ...(pod.annotation === undefined ? { areGroupsUnknown: true } : {}) };
  };

  /** Why none can be sent now, if it cannot. */
  const take = async (instanceId: InstanceId): Promise<string | undefined> => {
    const nodes = cluster.nodesOf(instanceId);
    const [node] = nodes;
    if (node === undefined) return undefined;
    const voidAt = clock.monotonic() + validMilliseconds;
    const listings = await Promise.all(
      nodes.map(({ name }) => listAll(api, "/api/v1/pods", { fieldSelector: `spec.nodeName=${name}` }, viewPod)),
    );
    const pods: PodView[] = [];
    const versions: bigint[] = [];
    for (const listing of listings) {
      if (!listing.ok) return listing.problem;
      versions.push(BigInt(listing.version));
      pods.push(...listing.objects.filter((pod) => !pod.terminal && wantsOrHolds(pod)));
    }
    if (pods.length > podsMax) return `${pods.length} pods want or hold ENIs, of which ${podsMax} can be told`;
    const left = voidAt - clock.monotonic();
    if (left <= 0) return `the list of its pods took over ${validMilliseconds / 1_000} s`;
    sender.send(
      {
        type: "NodeSnapshot",
        incarnation,
        instanceId,
        nodeName: node.name,
        nodeUid: node.uid as NodeUid,
        listVersion: String(versions.reduce((least, one) => (one < least ? one : least))) as ResourceVersion,
        pods: pods.map(factsOf),
      },
      left,
    );
    return undefined;
  };

  const snapshot = (instanceId: InstanceId): Promise<boolean> => {
    const running = underWay.get(instanceId);
    if (running !== undefined) return running;
    const started = take(instanceId)
      .catch(textOf)
      .then((problem) => {
        if (problem !== undefined) log("warn", "A snapshot could not be taken.", { instanceId, problem });
        return problem === undefined;
      })
      .finally(() => underWay.delete(instanceId));
    underWay.set(instanceId, started);
    return started;
  };

  const intervalMilliseconds = () => snapshotSeconds * 1_000 * (0.9 + random() * 0.2);
  const retryMilliseconds = () => Math.min(intervalMilliseconds(), retryMillisecondsMax * (0.5 + random() / 2));

  /** Knows every instance that has a node, and no other. Returns them with one of their nodes. */
  const plan = (now: number): ReadonlyMap<InstanceId, string> => {
    const nodeNames = new Map<InstanceId, string>();
    for (const node of cluster.nodes()) {
      const instanceId = instanceOfNode(node);
      if (instanceId === undefined) continue;
      nodeNames.set(instanceId, node.name);
      if (!dueAt.has(instanceId)) dueAt.set(instanceId, now + random() * startWithinMilliseconds);
    }
    for (const instanceId of dueAt.keys()) if (!nodeNames.has(instanceId)) dueAt.delete(instanceId);
    return nodeNames;
  };

  const tick = (): void => {
    const now = clock.monotonic();
    const nodeNames = plan(now);
    // In the order in which they became due, which is another one in each term: terms that are too short for all instances
    // leave out others each time.
    const due = [...dueAt].filter(([, at]) => at <= now).sort(([, left], [, right]) => left - right);
    for (const [instanceId] of due.slice(0, Math.max(atOnceMax - underWay.size, 0))) {
      dueAt.set(instanceId, now + intervalMilliseconds());
      beforeSnapshot(nodeNames.get(instanceId) ?? "");
      void snapshot(instanceId).then((isDone) => {
        if (!isDone && dueAt.has(instanceId)) dueAt.set(instanceId, clock.monotonic() + retryMilliseconds());
      });
    }
    cancelTick = clock.after(tickMilliseconds, tick);
  };

  return {
    start: tick,
    stop: () => cancelTick(),
    snapshot,
    answer: async (instanceId, podUids) => {
      // The Node object may be gone, so that its name is not known: the whole cluster is listed.
      const listing = await listAll(api, "/api/v1/pods", {}, viewPod);
      if (!listing.ok) return false;
      const alive = new Map(listing.objects.map((pod) => [pod.uid, pod]));
      for (const podUid of podUids) {
        const pod = alive.get(podUid);
        if (pod !== undefined && !pod.terminal) continue;
        sender.send({
          type: "PodGone",
          incarnation,
          instanceId,
          podUid,
          resourceVersion: (pod?.resourceVersion ?? listing.version) as ResourceVersion,
          how: pod === undefined ? "absent-from-list" : "terminal",
        });
      }
      return true;
    },
  };
};
