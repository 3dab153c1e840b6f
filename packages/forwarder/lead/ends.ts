import type { InstanceId, NodeUid } from "@trunkline/core";
import { type Cluster, instanceOfNode } from "../follow/cluster.ts";
import type { Change } from "../follow/reflector.ts";
import { type NodeView, type PodView, wantsOrHolds } from "../follow/views.ts";
import type { ForwarderClock } from "../ports/clock.ts";

/** A pod that ended while it wanted or held ENIs. */
export interface EndedPod {
  readonly pod: Pick<PodView, "uid" | "running" | "terminal" | "graceSeconds">;
  readonly how: "deleted" | "absent-from-list";
  readonly version: string;
  readonly instanceId: InstanceId;
}

/** A Node object that was deleted. */
export interface EndedNode {
  readonly nodeName: string;
  readonly nodeUid: NodeUid;
  readonly instanceId: InstanceId;
}

/**
 * What every replica remembers, so that a new leader lacks nothing: on which instance each pod is, also when its Node object
 * is deleted, and what ended lately, because what has ended is in no list. A leader that was killed may have told none of
 * its last moments; ends are told twice without harm, and what is older than this memory is found by snapshots.
 */
export interface Ends {
  pod(change: Change<PodView>): void;
  node(change: Change<NodeView>): void;
  /** The instance on which a pod of the copy was seen. */
  instanceOf(podUid: string): InstanceId | undefined;
  /** Oldest first. */
  pods(): readonly EndedPod[];
  /** Those that have not come back. Oldest first. */
  nodes(): readonly EndedNode[];
}

export interface EndsOptions {
  readonly clock: ForwarderClock;
  readonly cluster: () => Pick<Cluster, "instanceOf" | "node" | "podsOnNode">;
}

/** Longer than any hand-over and than most outages of SQS. */
const rememberedSeconds = 300;
/** Of pods, and of nodes. The oldest go first. */
const rememberedMax = 10_000;

interface Remembered<Ended> {
  readonly ended: Ended;
  /** On the monotonic clock. */
  readonly at: number;
}

export const createEnds = ({ clock, cluster }: EndsOptions): Ends => {
  const instances = new Map<string, InstanceId>();
  const pods = createMemory<EndedPod>(clock);
  const nodes = createMemory<EndedNode>(clock);

  const locate = (pod: PodView): void => {
    // A pod that holds ENIs holds them on the instance where it got them, whatever now bears its node's name.
    const isHolding = pod.annotation !== undefined || pod.terminal;
    if (isHolding && instances.has(pod.uid)) return;
    const instanceId = cluster().instanceOf(pod.nodeName);
    if (instanceId !== undefined) instances.set(pod.uid, instanceId);
  };

  return {
    pod: (change) => {
      const { object: pod } = change;
      const isConcerned = wantsOrHolds(pod) && pod.nodeName !== "";
      if (change.type === "seen") {
        if (isConcerned) locate(pod);
        return;
      }
      const instanceId = instances.get(pod.uid) ?? cluster().instanceOf(pod.nodeName);
      instances.delete(pod.uid);
      if (instanceId === undefined || !isConcerned) return;
      const { uid, running, terminal, graceSeconds } = pod;
      const { how, version } = change;
      pods.add({ pod: { uid, running, terminal, graceSeconds }, how, version, instanceId });
    },
    node: (change) => {
      const { object: node } = change;
      const instanceId = instanceOfNode(node);
      if (instanceId === undefined) return;
      if (change.type === "gone") {
        nodes.add({ nodeName: node.name, nodeUid: node.uid as NodeUid, instanceId });
        return;
      }
      for (const pod of cluster().podsOnNode(node.name)) if (wantsOrHolds(pod)) locate(pod);
    },
    instanceOf: (podUid) => instances.get(podUid),
    pods: () => pods.all(),
    nodes: () => nodes.all().filter(({ nodeName }) => cluster().node(nodeName) === undefined),
  };
};

const createMemory = <Ended>(clock: ForwarderClock) => {
  let remembered: Remembered<Ended>[] = [];
  const forget = (): void => {
    const since = clock.monotonic() - rememberedSeconds * 1_000;
    remembered = remembered.filter(({ at }) => at > since).slice(-rememberedMax);
  };
  return {
    add: (ended: Ended): void => {
      remembered.push({ ended, at: clock.monotonic() });
      // Sweeping now and then keeps an addition cheap.
      if (remembered.length >= 2 * rememberedMax) forget();
    },
    all: (): readonly Ended[] => {
      forget();
      return remembered.map(({ ended }) => ended);
    },
  };
};
