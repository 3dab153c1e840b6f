import type { Incarnation, InstanceId } from "@trunkline/core";
import { type PodLabels, type PolicyMatch, problemsOf, type StringMap } from "@trunkline/kubernetes";
import { parseOutcome, serialise } from "@trunkline/messages";
import { applyOutcome } from "./apply/apply.ts";
import { createCniNodes } from "./apply/cni-nodes.ts";
import { createReceiver } from "./apply/receiver.ts";
import { createRecorder } from "./apply/recorder.ts";
import { createTrunks } from "./apply/trunks.ts";
import { createCluster, instanceOfNode } from "./follow/cluster.ts";
import { type NodeView, type PodView, type PolicyView, viewServiceAccount } from "./follow/views.ts";
import { isSuccess, type KubernetesApi, refusalOf } from "./ports/api.ts";
import { backoffMilliseconds, createPauses, type ForwarderClock } from "./ports/clock.ts";
import { type Log, textOf } from "./ports/log.ts";
import type { Queues } from "./ports/queues.ts";
import type { ForwarderSettings } from "./settings.ts";
import { createObserver, type Observer } from "./tell/observe.ts";
import { createRegistration, type Registration } from "./tell/registration.ts";
import { createSender } from "./tell/sender.ts";
import { createSnapshots, type Snapshots } from "./tell/snapshots.ts";

/** The version that the forwarder tells the functions: that of the package. */
export const forwarderVersion = "0.1.0";

export interface ForwarderOptions {
  readonly api: KubernetesApi;
  readonly queues: Queues;
  readonly clock: ForwarderClock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly settings: Pick<
    ForwarderSettings,
    "clusterName" | "snapshotSeconds" | "outcomeHeldSeconds" | "cooldownSeconds" | "cooldownFloorSeconds"
  >;
}

/** The forwarder without its server: everything that it does goes through the ports, so that a simulation can run it. */
export interface Forwarder {
  /** Resolves when the copies are filled and the first state is told; rejects when it is stopped before. */
  start(): Promise<void>;
  isReady(): boolean;
  match(pod: PodLabels, serviceAccountLabels?: StringMap): PolicyMatch;
  lookUpServiceAccount(namespace: string, name: string): Promise<StringMap | undefined>;
  /** Sends and applies what is under way, for a few seconds at most. */
  stop(): Promise<void>;
}

const startBackoff = { firstMilliseconds: 100, mostMilliseconds: 5_000 };
const pollMilliseconds = 10;
/** How often what failed before is looked at again. */
const repairMilliseconds = 2_000;
const stopMilliseconds = 3_000;

/** Composes the parts. Nothing is told before all copies are filled: half of the truth could release a pod. */
export const createForwarder = ({ api, queues, clock, random, log, settings }: ForwarderOptions): Forwarder => {
  const pauses = createPauses(clock);
  const sender = createSender({ queues, clock, random, log, serialise });
  const recorder = createRecorder({ api, clock, random, log });
  let ready: { observer: Observer; registration: Registration; snapshots: Snapshots } | undefined;
  let stopReceiving = async (): Promise<void> => {};
  let cancelRepair = () => {};

  const cluster = createCluster({
    api,
    clock,
    random,
    log,
    changes: {
      pod: (change) => {
        ready?.observer.pod(change);
        if (change.type === "gone" || change.previous === undefined) lookAtUnion(change.object);
      },
      node: (change) => {
        if (ready === undefined) return;
        ready.observer.node(change);
        if (change.type === "gone") {
          forgetTrunk(change.object);
          return;
        }
        cniNodes.lookAtNode(change.object);
        void trunks.look(change.object);
      },
      cniNode: (change) => {
        if (ready === undefined) return;
        cniNodes.cniNode(change);
        ready.observer.lookAtNode(change.object.name, versionOf(change));
      },
      policy: (change) => {
        if (change.type === "seen") reportPolicy(change.object);
        ready?.observer.lookAtPods(change.object.namespace);
        ready?.registration.look();
      },
      serviceAccount: (change) => {
        if (change.type === "gone") return;
        // Tokens and annotations change ServiceAccounts too, and concern no policy.
        if (JSON.stringify(change.previous?.labels) === JSON.stringify(change.object.labels)) return;
        ready?.observer.lookAtPods(change.object.namespace);
      },
      eniConfig: (change) => {
        for (const node of cluster.nodes()) ready?.observer.lookAtNode(node.name, versionOf(change));
      },
      settings: () => ready?.registration.look(),
    },
  });
  const cniNodes = createCniNodes({ api, log, cluster, clusterName: settings.clusterName });
  const trunks = createTrunks({ api, cluster, recorder, log });

  /** A node that comes back is told anew. */
  const forgetTrunk = (node: NodeView): void => {
    const instanceId = instanceOfNode(node);
    if (instanceId !== undefined && cluster.nodesOf(instanceId).length === 0) trunks.forget(instanceId);
  };

  const reportPolicy = ({ namespace, name, policy }: PolicyView): void => {
    const problems = problemsOf(policy);
    if (problems.length > 0)
      log("warn", "A policy matches nothing: a selector is invalid.", { namespace, name, problems });
  };

  /** A pod with several policies has a set of groups that no policy names alone. */
  const lookAtUnion = (pod: PodView): void => {
    if (ready === undefined || pod.enis === 0) return;
    const match = cluster.match(pod);
    if (match.ok && match.policies.length > 1) ready.registration.look();
  };

  /** The UID of the namespace kube-system, which tells a cluster from another one of its name (P09). */
  const readIncarnation = async (): Promise<Incarnation> => {
    for (let failures = 1; !pauses.ended; failures += 1) {
      try {
        const answer = await api.request({ method: "GET", path: "/api/v1/namespaces/kube-system" });
        const uid = (answer.body as { metadata?: { uid?: unknown } } | null)?.metadata?.uid;
        if (isSuccess(answer) && typeof uid === "string") return uid as Incarnation;
        log("warn", "The namespace kube-system cannot be read.", { problem: refusalOf(answer) });
      } catch (problem) {
        log("warn", "The API server cannot be reached.", { problem: textOf(problem) });
      }
      await pauses.pause(backoffMilliseconds(failures, random, startBackoff));
    }
    throw new Error("stopped before the cluster was known");
  };

  const repair = (): void => {
    cniNodes.lookAtAll();
    for (const node of cluster.nodes()) void trunks.look(node);
    cancelRepair = clock.after(repairMilliseconds, repair);
  };

  const isReadyNow = (instanceId: InstanceId | undefined): boolean =>
    instanceId !== undefined && trunks.isReady(instanceId);

  const start = async (): Promise<void> => {
    cluster.start();
    const incarnation = await readIncarnation();
    while (!cluster.isSynced()) {
      if (pauses.ended) throw new Error("stopped before the cluster was known");
      await pauses.pause(pollMilliseconds);
    }
    const observer = createObserver({ cluster, sender, recorder, log, incarnation });
    const registration = createRegistration({
      clock,
      cluster,
      sender,
      recorder,
      incarnation,
      forwarderVersion,
      cooldownSeconds: settings.cooldownSeconds,
      cooldownFloorSeconds: settings.cooldownFloorSeconds,
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
      // A node that waits for its trunk asks again now and then, and so does a forwarder that has started anew.
      beforeSnapshot: (nodeName) => {
        if (!isReadyNow(cluster.instanceOf(nodeName))) observer.repeatNode(nodeName);
      },
    });
    ready = { observer, registration, snapshots };
    registration.look();
    for (const node of cluster.nodes()) observer.lookAtNode(node.name);
    observer.lookAtPods();
    repair();
    snapshots.start();
    const receiver = createReceiver({
      queues,
      clock,
      random,
      log,
      heldSeconds: settings.outcomeHeldSeconds,
      parse: parseOutcome,
      apply: (outcome) => applyOutcome(outcome, { api, cluster, recorder, log, trunks, snapshots }),
    });
    stopReceiving = () => receiver.stop(stopMilliseconds);
    receiver.start();
    log("info", "The forwarder follows the cluster.", { cluster: settings.clusterName, incarnation });
  };

  return {
    start,
    isReady: () => ready !== undefined,
    match: cluster.match,
    lookUpServiceAccount: async (namespace, name) => {
      const answer = await api.request({
        method: "GET",
        path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`,
      });
      return isSuccess(answer) ? viewServiceAccount(answer.body).labels : undefined;
    },
    stop: async () => {
      pauses.end();
      cluster.stop();
      cancelRepair();
      ready?.registration.stop();
      ready?.snapshots.stop();
      await stopReceiving();
      await sender.drain(stopMilliseconds);
      sender.stop();
      recorder.stop();
    },
  };
};

const versionOf = (change: { type: "seen" | "gone"; object: { resourceVersion: string }; version?: string }): string =>
  change.version ?? change.object.resourceVersion;
