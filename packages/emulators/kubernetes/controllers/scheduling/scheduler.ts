import { isStatusError } from "../../ports.ts";
import { type Controller, type ControlPlane, nodeIndex } from "../control-plane.ts";
import {
  type Condition,
  canonicalJson,
  controllerOf,
  type KubernetesNode,
  keyOf,
  nameOf,
  type Pod,
  timestamp,
} from "../objects.ts";
import { isFinished } from "../workloads/pods.ts";
import { type Candidate, chooseNode } from "./choose.ts";
import { account, podAmounts, usedBy } from "./usage.ts";

const SCHEDULER = "default-scheduler";
/** Bindings that are under way at a time. */
const BINDINGS_MAX = 32;
/** Pods that fit nowhere are looked at again after this even if nothing has changed: the real scheduler's flush. */
const RETRY_MS = 60_000;
/** The pause before the next pass when the API server refused a binding. */
const REFUSED_RETRY_MS = 1_000;
const PASS = "pass";

/** What of a node decides about placement; a heartbeat does not. */
function placementText(node: KubernetesNode | undefined): string {
  return canonicalJson([node?.metadata.labels, node?.spec, node?.status?.allocatable]);
}

function countSiblings(pods: Pod[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const pod of pods) countSibling(pod, counts);
  return counts;
}

function countSibling(pod: Pod, counts: Map<string, number>): void {
  const owner = controllerOf(pod)?.uid;
  if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1);
}

/** Takes a choice for granted, so that the next pod of the pass sees it. */
function assume(pod: Pod, { used, siblings }: Candidate): void {
  account(used, podAmounts(pod.spec));
  countSibling(pod, siblings);
}

/** Binds pods to nodes. One pass looks at all pods that wait; whatever may make room causes the next pass. */
export function startScheduler(plane: ControlPlane): Controller {
  const { caches, clock, random, recorder } = plane;
  const api = plane.api.as("system:kube-scheduler");
  const waiting = new Map<string, Pod>();
  const queue = plane.queue(1, schedulePass);

  caches.pods.onChange(({ type, object }) => {
    const gone = type === "DELETED" || object.metadata.deletionTimestamp !== undefined;
    const uid = object.metadata.uid ?? "";
    const mine = (object.spec.schedulerName ?? SCHEDULER) === SCHEDULER;
    const waits = mine && !gone && object.spec.nodeName === undefined && !isFinished(object);
    if (waits) {
      // The scheduler's own condition is no news.
      if (!waiting.has(uid)) queue.add(PASS);
      waiting.set(uid, object);
      return;
    }
    waiting.delete(uid);
    const freed = object.spec.nodeName !== undefined && (type === "DELETED" || isFinished(object));
    if (freed && waiting.size > 0) queue.add(PASS);
  });
  caches.nodes.onChange(({ object, previous, type }) => {
    if (type === "DELETED" || waiting.size === 0 || placementText(object) === placementText(previous)) return;
    queue.add(PASS);
  });

  async function bind(pod: Pod, nodeName: string): Promise<void> {
    const { namespace = "", uid = "" } = pod.metadata;
    const binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name: nameOf(pod), namespace, uid },
      target: { apiVersion: "v1", kind: "Node", name: nodeName },
    };
    await api.create(binding, { subresource: "binding" });
    const message = `Successfully assigned ${keyOf(pod)} to ${nodeName}`;
    recorder.tell({ about: pod, type: "Normal", reason: "Scheduled", message, component: SCHEDULER });
  }

  async function tellUnschedulable(pod: Pod, message: string): Promise<void> {
    const known = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
    if (known?.message === message) return;
    const condition: Condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastProbeTime: null,
      lastTransitionTime: known?.status === "False" ? (known.lastTransitionTime ?? "") : timestamp(clock.now()),
    };
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
    const { namespace = "" } = pod.metadata;
    const ref = { group: "", resource: "pods", namespace, name: nameOf(pod) };
    recorder.tell({ about: pod, type: "Warning", reason: "FailedScheduling", message, component: SCHEDULER });
    const body = { status: { phase: "Pending", conditions: [...others, condition] } };
    await api.patch(ref, { type: "merge", body, subresource: "status" });
  }

  async function schedulePass(): Promise<void> {
    const candidates: Candidate[] = [...caches.nodes.all()]
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map((node) => {
        const pods = caches.pods.indexed(nodeIndex(nameOf(node)));
        return { node, used: usedBy(pods), siblings: countSiblings(pods) };
      });
    const byPriority = [...waiting.values()].sort((a, b) => (b.spec.priority ?? 0) - (a.spec.priority ?? 0));
    let underWay: Promise<void>[] = [];
    for (const pod of byPriority) {
      const choice = chooseNode(pod, candidates, random);
      if ("message" in choice) {
        underWay.push(tellUnschedulable(pod, choice.message).catch(settle));
      } else {
        const chosen = candidates.find(({ node }) => nameOf(node) === choice.node);
        if (chosen !== undefined) assume(pod, chosen);
        underWay.push(bind(pod, choice.node).catch(settle));
      }
      if (underWay.length < BINDINGS_MAX) continue;
      await Promise.all(underWay);
      underWay = [];
    }
    await Promise.all(underWay);
    if (waiting.size > 0) queue.addAfter(PASS, RETRY_MS);
  }

  /** A pod that is gone or changed meanwhile comes again by itself if it still waits. */
  function settle(error: unknown): void {
    if (!isStatusError(error)) throw error;
    if (!isStatusError(error, "Conflict") && !isStatusError(error, "NotFound")) plane.settings.onError(error);
    queue.addAfter(PASS, REFUSED_RETRY_MS);
  }

  return { stop: () => queue.stop() };
}
