import type { Condition, Container, ContainerStatus, Pod, PodPhase, PodStatus, Quantities } from "../objects.ts";
import { timestamp } from "../objects.ts";
import type { ContainerRuntime } from "./container-runtime.ts";

/** What the kubelet knows of a pod. */
export interface PodView {
  pod: Pod;
  containers: ContainerRuntime[];
  /** The pod's address, once its sandbox is there. */
  address: string | undefined;
  nodeAddress: string;
  /** Epoch ms. */
  startedMs: number;
  /** Nothing is started any more: the pod is being deleted. */
  ending: boolean;
}

/** The image with the registry and the tag that are left out: `nginx` is `docker.io/library/nginx:latest`. */
function imageId({ image }: Container): string {
  const [first = "", ...rest] = image.split("/");
  const hasRegistry = rest.length > 0 && /[.:]|^localhost$/.test(first);
  const name = rest.length === 0 ? `library/${image}` : image;
  const whole = hasRegistry ? image : `docker.io/${name}`;
  return /[:@][^/]*$/.test(whole) ? whole : `${whole}:latest`;
}

function containerStatus(container: ContainerRuntime): ContainerStatus {
  const { spec, id, state, lastState, ready, started, restartCount } = container;
  const running = id !== "" && { containerID: id };
  const ran = id === "" ? "" : imageId(spec);
  return {
    name: spec.name,
    image: spec.image,
    imageID: ran,
    ready,
    started,
    restartCount,
    state,
    lastState,
    ...running,
  };
}

/** Init containers do nothing here: they have succeeded as soon as the sandbox is there. */
function initStatus(container: Container, at: string | undefined): ContainerStatus {
  const done = at !== undefined;
  return {
    name: container.name,
    image: container.image,
    imageID: done ? imageId(container) : "",
    ready: done,
    restartCount: 0,
    state: done
      ? { terminated: { exitCode: 0, reason: "Completed", startedAt: at, finishedAt: at } }
      : { waiting: { reason: "PodInitializing" } },
    lastState: {},
  };
}

function phaseOf({ containers, ending }: PodView): PodPhase {
  const ended = containers.flatMap(({ state, restartDueMs }) =>
    state.terminated === undefined || restartDueMs !== undefined ? [] : [state.terminated],
  );
  if (ended.length === containers.length) return ended.every(({ exitCode }) => exitCode === 0) ? "Succeeded" : "Failed";
  if (containers.some(({ id }) => id !== "")) return "Running";
  return ending ? "Failed" : "Pending";
}

function dated(previous: Condition[] | undefined, condition: Omit<Condition, "lastTransitionTime">, now: string) {
  const before = previous?.find(({ type }) => type === condition.type);
  const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
  return { ...condition, lastProbeTime: null, lastTransitionTime };
}

function conditions(view: PodView, phase: PodPhase, nowMs: number): Condition[] {
  const { pod, containers, address } = view;
  const previous = pod.status?.conditions;
  const now = timestamp(nowMs);
  const unready = containers.filter(({ ready }) => !ready).map(({ spec }) => spec.name);
  const readiness = (type: string): Omit<Condition, "lastTransitionTime"> => {
    if (unready.length === 0) return { type, status: "True" };
    if (phase === "Succeeded") return { type, status: "False", reason: "PodCompleted" };
    if (phase === "Failed") return { type, status: "False", reason: "PodFailed" };
    const message = `containers with unready status: [${unready.join(" ")}]`;
    return { type, status: "False", reason: "ContainersNotReady", message };
  };
  const initialized = address !== undefined || (pod.spec.initContainers ?? []).length === 0;
  const incomplete = (pod.spec.initContainers ?? []).map(({ name }) => name).join(" ");
  const whyNot = {
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${incomplete}]`,
  };
  const readyToStart = address !== undefined && phase !== "Succeeded" && phase !== "Failed";
  return [
    dated(previous, { type: "PodReadyToStartContainers", status: readyToStart ? "True" : "False" }, now),
    dated(
      previous,
      { type: "Initialized", ...(initialized ? { status: "True" } : { status: "False", ...whyNot }) },
      now,
    ),
    dated(previous, readiness("Ready"), now),
    dated(previous, readiness("ContainersReady"), now),
    dated(previous, { type: "PodScheduled", status: "True" }, now),
  ];
}

function isEmpty(quantities: Quantities | undefined): boolean {
  return quantities?.cpu === undefined && quantities?.memory === undefined;
}

/** The quality of service: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/. */
function qosClass({ spec }: Pod): string {
  const all = [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) => resources ?? {});
  if (all.every(({ limits, requests }) => isEmpty(limits) && isEmpty(requests))) return "BestEffort";
  const guaranteed = all.every(({ limits = {}, requests = limits }) =>
    ["cpu", "memory"].every((name) => limits[name] !== undefined && limits[name] === (requests[name] ?? limits[name])),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}

/** The status that the kubelet writes. Pure. */
export function podStatus(view: PodView, nowMs: number): PodStatus {
  const { pod, containers, address, nodeAddress, startedMs } = view;
  const phase = phaseOf(view);
  const startTime = timestamp(startedMs);
  const initContainers = pod.spec.initContainers ?? [];
  const ranInit = address === undefined ? undefined : startTime;
  // The address shows with the first container, as on a real node, where both come in one update.
  const shown = containers.some(({ id }) => id !== "") ? address : undefined;
  return {
    phase,
    conditions: conditions(view, phase, nowMs),
    hostIP: nodeAddress,
    hostIPs: [{ ip: nodeAddress }],
    ...(shown !== undefined && { podIP: shown, podIPs: [{ ip: shown }] }),
    startTime: pod.status?.startTime ?? startTime,
    ...(initContainers.length > 0 && { initContainerStatuses: initContainers.map((one) => initStatus(one, ranInit)) }),
    containerStatuses: containers.map(containerStatus),
    qosClass: pod.status?.qosClass ?? qosClass(pod),
  };
}
