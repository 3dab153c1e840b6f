import type { Incarnation } from "@trunkline/core";
import { parseOutcome, serialise } from "@trunkline/messages";
import { applyOutcome, type DelaysTold } from "../apply/apply.ts";
import { createCniNodes } from "../apply/cni-nodes.ts";
import { createReceiver } from "../apply/receiver.ts";
import { createRecorder } from "../apply/recorder.ts";
import { createTrunks } from "../apply/trunks.ts";
import { type Cluster, type ClusterChanges, instanceOfNode } from "../follow/cluster.ts";
import type { NodeView, PodView } from "../follow/views.ts";
import type { KubernetesApi } from "../ports/api.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { type Metrics, noMetrics } from "../ports/metrics.ts";
import type { Queues } from "../ports/queues.ts";
import type { ForwarderSettings } from "../settings.ts";
import { createMissed } from "../tell/missed.ts";
import { createObserver, podGone } from "../tell/observe.ts";
import { createRegistration } from "../tell/registration.ts";
import { createSender, type Unsent } from "../tell/sender.ts";
import { createSnapshots } from "../tell/snapshots.ts";
import type { Ends } from "./ends.ts";
import type { LastSeen } from "./last-seen.ts";

/** The version that the forwarder tells the functions: that of the package. */
export const forwarderVersion = "0.1.0";

/** What a leader's settings are. */
export type LeaderSettings = Pick<
  ForwarderSettings,
  | "clusterName"
  | "snapshotSeconds"
  | "outcomeHeldSeconds"
  | "cooldownSeconds"
  | "cooldownFloorSeconds"
  | "excludedNamespaces"
>;

export interface LeaderOptions {
  readonly api: KubernetesApi;
  readonly queues: Queues;
  readonly clock: ForwarderClock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly settings: LeaderSettings;
  /** Filled: half of the truth could release a pod. */
  readonly cluster: Cluster;
  /** What ended lately, whoever led then. */
  readonly ends: Pick<Ends, "pods" | "nodes" | "instanceOf">;
  /** CNINodes as they were last seen, whoever led then. */
  readonly lastSeen: Pick<LastSeen, "of">;
  readonly incarnation: Incarnation;
  /** Of this replica's last term. */
  readonly unsentBefore?: Unsent;
}

/**
 * All that acts: what observes, tells, takes snapshots, receives and applies outcomes, keeps CNINodes and records events.
 * One is made for each term with nothing remembered but whose turn it is, and tells everything again: whatever it repeats is
 * harmless.
 */
export interface Leader {
  /** To be called with every change of the cluster while the term lasts. */
  readonly changes: ClusterChanges;
  start(): void;
  /**
   * Ends the term in order: receives nothing more, finishes the outcomes under way and sends what waits.
   *
   * @returns how many events were not sent within the time; they are dropped.
   */
  finish(milliseconds: number): Promise<number>;
  /** Ends the term at once: nothing more is begun. Answers what was not sent, which the next term tells first. */
  abandon(): Unsent;
}

/** How often what failed before is looked at again. */
const repairMilliseconds = 2_000;

/** Composes what acts. */
export const createLeader = (options: LeaderOptions): Leader => {
  const {
    api,
    queues,
    clock,
    random,
    log,
    metrics = noMetrics,
    settings,
    cluster,
    ends,
    lastSeen,
    incarnation,
  } = options;
  const { unsentBefore = [] } = options;
  const sender = createSender({ queues, clock, random, log, metrics, serialise, unsentBefore });
  const recorder = createRecorder({ api, clock, random, log, metrics });
  const cniNodes = createCniNodes({
    api,
    clock,
    random,
    log,
    metrics,
    recorder,
    cluster,
    lastSeen: lastSeen.of,
    clusterName: settings.clusterName,
  });
  const cniNodeOf = cniNodes.objectOf;
  const trunks = createTrunks({ api, clock, random, cluster, cniNodeOf, recorder, log });
  const missed = createMissed({ cluster, recorder, log, excludedNamespaces: settings.excludedNamespaces ?? [] });
  const observer = createObserver({
    cluster,
    cniNodeOf,
    sender,
    recorder,
    clock,
    log,
    missed,
    incarnation,
    seenInstanceOf: ends.instanceOf,
  });
  const registration = createRegistration({
    clock,
    cluster,
    sender,
    recorder,
    log,
    incarnation,
    forwarderVersion,
    cooldownSeconds: settings.cooldownSeconds,
    cooldownFloorSeconds: settings.cooldownFloorSeconds,
    repeatSeconds: settings.snapshotSeconds,
  });
  const snapshots = createSnapshots({
    api,
    clock,
    random,
    log,
    cluster,
    sender,
    incarnation,
    snapshotSeconds: settings.snapshotSeconds,
    // A node asks again now and then, also one whose trunk was ready: the functions may have lost their table, and nothing else would tell them.
    beforeSnapshot: (nodeName) => observer.repeatNode(nodeName),
  });
  const delaysTold: DelaysTold = new Map();
  const receiver = createReceiver({
    queues,
    clock,
    random,
    log,
    metrics,
    heldSeconds: settings.outcomeHeldSeconds,
    parse: parseOutcome,
    apply: (outcome, isVoid) =>
      applyOutcome(outcome, { api, cluster, recorder, log, trunks, snapshots, delaysTold, isVoid }),
  });
  let cancelRepair = () => {};

  /** A node that comes back is told anew. */
  const forgetTrunk = (node: NodeView): void => {
    const instanceId = instanceOfNode(node);
    if (instanceId !== undefined && cluster.nodesOf(instanceId).length === 0) trunks.forget(instanceId);
  };

  /** A pod with several policies has a set of groups that no policy names alone. */
  const lookAtUnion = (pod: PodView): void => {
    if (pod.enis === 0) return;
    const match = cluster.match(pod);
    if (match.ok && match.policies.length > 1) registration.look();
  };

  const changes: ClusterChanges = {
    pod: (change) => {
      observer.pod(change);
      if (change.type === "gone" || change.previous === undefined) lookAtUnion(change.object);
    },
    node: (change) => {
      observer.node(change);
      if (change.type === "gone") {
        forgetTrunk(change.object);
        return;
      }
      cniNodes.look(change.object.name);
      trunks.look(change.object.name);
    },
    cniNode: (change) => {
      cniNodes.cniNode(change);
      observer.lookAtNode(change.object.name, versionOf(change));
      trunks.look(change.object.name);
    },
    policy: (change) => {
      if (change.type === "seen") missed.policy(change.object);
      else missed.forgetPolicy(change.object.uid);
      observer.lookAtPods(change.object.namespace);
      registration.look();
    },
    serviceAccount: (change) => {
      if (change.type === "gone") return;
      // Tokens and annotations change ServiceAccounts too, and concern no policy.
      if (JSON.stringify(change.previous?.labels) === JSON.stringify(change.object.labels)) return;
      observer.lookAtPods(change.object.namespace);
    },
    eniConfig: (change) => {
      for (const node of cluster.nodes()) observer.lookAtNode(node.name, versionOf(change));
    },
    settings: () => registration.look(),
  };

  const repair = (): void => {
    cniNodes.lookAtAll();
    observer.lookAtUnknown();
    for (const node of cluster.nodes()) trunks.look(node.name);
    cancelRepair = clock.after(repairMilliseconds, repair);
  };

  /** What ended while nobody led is in no list, and the leader before may not have told its last moments. */
  const tellEnds = (): void => {
    for (const ended of ends.nodes()) sender.send({ type: "NodeGone", incarnation, ...ended });
    for (const { pod, instanceId, how, version } of ends.pods()) {
      sender.send(podGone(pod, { incarnation, instanceId, how, version }));
    }
  };

  /** Nothing is begun any more that is not an answer to something. */
  const rest = (): void => {
    cancelRepair();
    cniNodes.stop();
    trunks.stop();
    registration.stop();
    snapshots.stop();
  };

  return {
    changes,
    start: () => {
      tellEnds();
      registration.look();
      for (const node of cluster.nodes()) observer.lookAtNode(node.name);
      observer.lookAtPods();
      for (const policy of cluster.policies()) missed.policy(policy);
      repair();
      snapshots.start();
      receiver.start();
      log("info", "This replica leads.", { cluster: settings.clusterName, incarnation });
    },
    finish: async (milliseconds) => {
      const endsAt = clock.monotonic() + milliseconds;
      await receiver.stop(milliseconds);
      rest();
      const left = await sender.drain(Math.max(endsAt - clock.monotonic(), 0));
      await recorder.drain(Math.max(endsAt - clock.monotonic(), 0));
      sender.stop();
      recorder.stop();
      return left;
    },
    abandon: () => {
      rest();
      receiver.abandon();
      recorder.stop();
      return sender.stop();
    },
  };
};

const versionOf = (change: { type: "seen" | "gone"; object: { resourceVersion: string }; version?: string }): string =>
  change.version ?? change.object.resourceVersion;
