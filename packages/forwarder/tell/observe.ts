import type { Incarnation, InstanceId, NodeObserved, NodeUid, PodGone, PodUid, ResourceVersion } from "@trunkline/core";
import {
  type CniNodeObject,
  type EventText,
  eligibilityOf,
  eniConfigNameOf,
  nodeEvents,
  parsePodEnis,
  podEvents,
  wantsTrunk,
} from "@trunkline/kubernetes";
import { involvedNode, involvedPod, type Recorder } from "../apply/recorder.ts";
import type { Cluster } from "../follow/cluster.ts";
import type { Change } from "../follow/reflector.ts";
import { type NodeView, type PodView, podFacts, tellableGroups, wantsOrHolds } from "../follow/views.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { eniConfigProblem, usable } from "./custom-networking.ts";
import type { Missed } from "./missed.ts";
import type { Sender } from "./sender.ts";

export interface ObserverOptions {
  readonly cluster: Pick<
    Cluster,
    "match" | "instanceOf" | "node" | "nodes" | "nodesOf" | "podsOnNode" | "pods" | "cniNode" | "eniConfig"
  >;
  /** The CNINode of a node, also for the moment in which it is made again after somebody deleted it. */
  readonly cniNodeOf: (nodeName: string) => CniNodeObject | undefined;
  readonly sender: Pick<Sender, "send">;
  readonly recorder: Pick<Recorder, "record">;
  readonly clock: Pick<ForwarderClock, "monotonic">;
  readonly log: Log;
  readonly missed: Pick<Missed, "pod" | "forgetPod">;
  readonly incarnation: Incarnation;
  /** The instance on which a pod was seen before this leader's term. */
  readonly seenInstanceOf?: (podUid: string) => InstanceId | undefined;
}

/** Turns changes of pods and nodes into events for the functions. Level-triggered: the same state is told once. */
export interface Observer {
  pod(change: Change<PodView>): void;
  node(change: Change<NodeView>): void;
  /** Looks at one node again, because its CNINode or ENIConfig has changed. */
  lookAtNode(nodeName: string, version?: string): void;
  /** Looks at the pods of one namespace, or all, again, because policies or ServiceAccounts have changed. */
  lookAtPods(namespace?: string): void;
  /** Looks again at the nodes that have no provider ID yet. */
  lookAtUnknown(): void;
  /** Tells a node that wants a trunk again, although nothing has changed. */
  repeatNode(nodeName: string): void;
}

/** What was told about a pod that wants or holds ENIs. */
interface ToldPod {
  instanceId: InstanceId | undefined;
  wish: string | undefined;
  isGone: boolean;
  isAnnotationRead: boolean;
}

/** What was told about a node. The version never falls, whichever object it came from. */
interface ToldNode {
  instanceId: InstanceId | undefined;
  version: bigint;
  isWanted: boolean;
  wish: string | undefined;
  problem: string | undefined;
  /** Since when the node is seen without a provider ID, on the monotonic clock. */
  unknownSince: number | undefined;
}

/** The cloud controller manager sets the provider ID a while after the node has registered. */
const providerIdMilliseconds = 60_000;

export const createObserver = (options: ObserverOptions): Observer => {
  const { cluster, cniNodeOf, sender, recorder, clock, log, missed, incarnation } = options;
  const pods = new Map<string, ToldPod>();
  const nodes = new Map<string, ToldNode>();

  const lookAtPod = (pod: PodView): void => {
    if (pod.nodeName === "") return;
    if (!wantsOrHolds(pod)) {
      missed.pod(pod);
      return;
    }
    const told = pods.get(pod.uid) ?? {
      instanceId: undefined,
      wish: undefined,
      isGone: false,
      isAnnotationRead: false,
    };
    pods.set(pod.uid, told);
    // A pod that holds ENIs holds them on the instance where it got them, whatever now bears its node's name.
    const isHolding = pod.annotation !== undefined || pod.terminal;
    told.instanceId = isHolding
      ? (told.instanceId ?? options.seenInstanceOf?.(pod.uid) ?? cluster.instanceOf(pod.nodeName))
      : (cluster.instanceOf(pod.nodeName) ?? told.instanceId);
    if (pod.annotation !== undefined && !told.isAnnotationRead) {
      told.isAnnotationRead = true;
      readAnnotation(pod, pod.annotation);
    }
    if (pod.terminal) tellGone(pod, told, "terminal", pod.resourceVersion);
    else if (pod.annotation === undefined && !pod.terminating) tellWish(pod, told);
  };

  /** An annotation that is none stays, and its pod gets nothing: the guard was got round, or was not there yet. */
  const readAnnotation = (pod: PodView, annotation: string): void => {
    const reading = parsePodEnis(annotation);
    if (reading.ok) return;
    const { problem } = reading;
    log("warn", "A pod has an annotation that cannot be read and is never overwritten.", { ...namesOf(pod), problem });
    recorder.record(involvedPod(pod), podEvents.annotationUnreadable(problem));
  };

  const tellWish = (pod: PodView, told: ToldPod): void => {
    const node = cluster.node(pod.nodeName);
    if (told.instanceId === undefined || node === undefined) return;
    const match = cluster.match(pod);
    if (!match.ok) {
      log("warn", "A pod waits because its policies cannot be matched.", { ...namesOf(pod), problem: match.problem });
      return;
    }
    const wish = [told.instanceId, pod.enis, ...match.groupIds].join(" ");
    if (told.wish === wish) return;
    recorder.record(involvedPod(pod), podEvents.requested(match.groupIds));
    told.wish = wish;
    sender.send({
      type: "PodObserved",
      incarnation,
      instanceId: told.instanceId,
      nodeName: node.name,
      nodeUid: node.uid as NodeUid,
      pod: podFacts(pod, match.groupIds),
    });
  };

  const tellGone = (pod: PodView, told: ToldPod, how: PodGone["how"], version: string): void => {
    if (told.isGone) return;
    if (told.instanceId === undefined) {
      log("debug", "A pod ended on a node whose instance was never known.", namesOf(pod));
      return;
    }
    told.isGone = true;
    sender.send(podGone(pod, { incarnation, instanceId: told.instanceId, how, version }));
  };

  const lookAtNode = (node: NodeView, version = node.resourceVersion): void => {
    const told = nodes.get(node.name) ?? {
      instanceId: undefined,
      version: 0n,
      isWanted: false,
      wish: undefined,
      problem: undefined,
      unknownSince: undefined,
    };
    nodes.set(node.name, told);
    const cniNode = cniNodeOf(node.name);
    const eniConfigName = eniConfigNameOf(node.object, cniNode);
    const named = eniConfigName === undefined ? undefined : cluster.eniConfig(eniConfigName);
    // A forwarder that has started anew must not tell a lower version than the one before it, which saw each of them change.
    const seen = [
      version,
      ...[node, cluster.cniNode(node.name), named].map((kept) => kept?.resourceVersion ?? "0"),
    ].map(BigInt);
    told.version = [told.version, ...seen].reduce((most, one) => (one > most ? one : most));
    const isWanted = wantsTrunk(node.object, cniNode);
    told.isWanted = isWanted;
    const eligibility = eligibilityOf(node.object);
    if (!eligibility.eligible) {
      told.unknownSince =
        eligibility.because === "no-provider-id" ? (told.unknownSince ?? clock.monotonic()) : undefined;
      const isOverdue = clock.monotonic() - (told.unknownSince ?? clock.monotonic()) >= providerIdMilliseconds;
      if (isWanted && isOverdue) notice(node, told, nodeEvents.noProviderId());
      return;
    }
    told.unknownSince = undefined;
    const isNew = told.instanceId !== eligibility.instanceId;
    told.instanceId = eligibility.instanceId;
    const eniConfig = usable(named);
    if (isWanted && eniConfigName !== undefined && eniConfig === undefined) {
      notice(node, told, eniConfigProblem(node.name, eniConfigName, named));
    } else {
      told.problem = undefined;
      tellNode(told, {
        type: "NodeObserved",
        incarnation,
        instanceId: eligibility.instanceId,
        nodeName: node.name,
        nodeUid: node.uid as NodeUid,
        resourceVersion: String(told.version) as ResourceVersion,
        wantsTrunk: isWanted,
        ...(eniConfig === undefined
          ? {}
          : {
              eniConfig: {
                name: eniConfig.name,
                subnetId: eniConfig.subnetId,
                securityGroups: tellableGroups(eniConfig.securityGroups),
              },
            }),
      });
    }
    if (isNew) for (const pod of cluster.podsOnNode(node.name)) lookAtPod(pod);
  };

  const tellAgain = (node: NodeView, version?: string): void => {
    const told = nodes.get(node.name);
    if (told !== undefined) told.wish = undefined;
    lookAtNode(node, version);
  };

  const tellNode = (told: ToldNode, event: NodeObserved): void => {
    const wish = JSON.stringify([event.instanceId, event.nodeUid, event.wantsTrunk, event.eniConfig]);
    if (told.wish === wish) return;
    told.wish = wish;
    sender.send(event);
  };

  /** Tells a problem once, until it changes. */
  const notice = (node: NodeView, told: ToldNode, text: EventText) => {
    if (told.problem === text.message) return;
    told.problem = text.message;
    recorder.record(involvedNode(node.name), text);
  };

  return {
    pod: (change) => {
      if (change.type === "seen") {
        lookAtPod(change.object);
        return;
      }
      const { object: pod, how, version } = change;
      const told = pods.get(pod.uid);
      if (told !== undefined && wantsOrHolds(pod)) tellGone(pod, told, how, version);
      pods.delete(pod.uid);
      missed.forgetPod(pod.uid);
    },
    node: (change) => {
      if (change.type === "seen") {
        lookAtNode(change.object);
        return;
      }
      const { object: node, version } = change;
      const instanceId = nodes.get(node.name)?.instanceId;
      nodes.delete(node.name);
      if (instanceId === undefined) return;
      sender.send({ type: "NodeGone", incarnation, instanceId, nodeName: node.name, nodeUid: node.uid as NodeUid });
      // An instance that registered under another name has two Nodes for a while; the end of one must not hide the other.
      for (const other of cluster.nodesOf(instanceId)) tellAgain(other, version);
    },
    lookAtNode: (nodeName, version) => {
      const node = cluster.node(nodeName);
      if (node !== undefined) lookAtNode(node, version);
    },
    lookAtPods: (namespace) => {
      for (const pod of cluster.pods()) if (namespace === undefined || pod.namespace === namespace) lookAtPod(pod);
    },
    lookAtUnknown: () => {
      for (const [nodeName, { unknownSince }] of nodes) {
        const node = unknownSince === undefined ? undefined : cluster.node(nodeName);
        if (node !== undefined) lookAtNode(node);
      }
    },
    repeatNode: (nodeName) => {
      const node = cluster.node(nodeName);
      if (node !== undefined && nodes.get(nodeName)?.isWanted === true) tellAgain(node);
    },
  };
};

/** A pod's end. A pod that was deleted while a container ran was deleted by force: its node tears down later (P21). */
export const podGone = (
  pod: Pick<PodView, "uid" | "running" | "terminal" | "graceSeconds">,
  about: { incarnation: Incarnation; instanceId: InstanceId; how: PodGone["how"]; version: string },
): PodGone => ({
  type: "PodGone",
  incarnation: about.incarnation,
  instanceId: about.instanceId,
  podUid: pod.uid as PodUid,
  resourceVersion: about.version as ResourceVersion,
  how: about.how,
  ...(pod.running && !pod.terminal && about.how !== "terminal" ? { forcedGraceSeconds: pod.graceSeconds } : {}),
});

const namesOf = (pod: PodView) => ({ pod: `${pod.namespace}/${pod.name}`, podUid: pod.uid, node: pod.nodeName });
