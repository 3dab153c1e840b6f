import type { ApiAccess, Random } from "../../ports.ts";
import { isStatusError } from "../../ports.ts";
import { nodeIndex } from "../control-plane.ts";
import { canonicalJson, nameOf, type Pod } from "../objects.ts";
import { isFinished } from "../workloads/pods.ts";
import { connectSandbox, disconnectSandbox, NETWORK_NOT_READY } from "./cni.ts";
import { cniAgentOf } from "./cni-settings.ts";
import type { ContainerRuntime } from "./container-runtime.ts";
import { containerPath, type PodHost, type PodRuntime, tellOfPod } from "./pod-runtime.ts";
import { podStatus } from "./pod-status.ts";

/** The node, as the steps of a pod's life need it. */
export interface LifecycleHost extends PodHost {
  api: ApiAccess;
  instanceId: string;
  /** Whether a CNI plugin has ever run there: it leaves its configuration behind. */
  hasPlugin(): boolean;
  /** Whether the CNI plugin there has seen the trunk ENI. */
  knowsTrunk(): boolean;
  /** Look at the pod again after a while. */
  changedAfter(uid: string, delayMs: number): void;
}

/** Restarts wait 10 s, then twice as long each time, up to 5 minutes: kubelet's CrashLoopBackOff. */
const RESTART_BASE_SECONDS = 10;
const RESTART_MAX_SECONDS = 300;
/** `workerBackOffPeriodJitterFactor` in https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/pod_workers.go. */
const RETRY_JITTER = 0.5;
/** `backOffOnTransientErrorPeriod` in the same file, in seconds. */
const NOT_READY_SECONDS = 1;

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
}

function refTo(pod: Pod) {
  return { group: "", resource: "pods", namespace: pod.metadata.namespace ?? "", name: nameOf(pod) };
}

/** Writes the status if it differs from what the API server has. A pod is told to have ended once its network is gone. */
async function publish(runtime: PodRuntime, host: LifecycleHost): Promise<void> {
  const { pod, containers, startedMs, endedMs, address } = runtime;
  const { nodeAddress, api, plane } = host;
  const view = { pod, containers, address, nodeAddress, startedMs, ending: endedMs !== undefined };
  const status = podStatus(view, plane.clock.now());
  if (status.phase === "Succeeded" || status.phase === "Failed") stopSandbox(runtime, host);
  const merged = { ...pod.status, ...status };
  if (canonicalJson(merged) === canonicalJson(pod.status)) return;
  const body = { metadata: { uid: runtime.uid }, status };
  try {
    await api.patch(refTo(pod), { type: "merge", body, subresource: "status" });
  } catch (error) {
    // Another pod has the name by now, and a patch does not change a UID.
    const isReplaced = plane.caches.pods.byUid(runtime.uid) === undefined;
    if (!isStatusError(error, "Invalid") || !isReplaced) throw error;
  }
}

/** Takes the sandbox down: nobody reaches the pod any more. */
export function stopSandbox(runtime: PodRuntime, host: LifecycleHost): void {
  if (runtime.station === undefined) return;
  host.connectivity.leave(runtime.station);
  disconnectSandbox(runtime.station.attachment, host.instanceId, host.plane.network);
  runtime.station = undefined;
}

function tryLater(runtime: PodRuntime, host: LifecycleHost, pauseMs: number): false {
  runtime.sandboxDueMs = host.plane.clock.now() + pauseMs;
  host.changedAfter(runtime.uid, pauseMs);
  return false;
}

/** Makes the sandbox, or tells why it cannot be made and tries again after a pause. */
function startSandbox(runtime: PodRuntime, host: LifecycleHost): boolean {
  const { plane, nodeName, nodeAddress, instanceId } = host;
  const leftMs = runtime.sandboxDueMs - plane.clock.now();
  if (leftMs > 0) {
    host.changedAfter(runtime.uid, leftMs);
    return false;
  }
  if (runtime.pod.spec.hostNetwork !== true && !host.hasPlugin()) {
    const event = { type: "Warning", reason: "NetworkNotReady", message: NETWORK_NOT_READY } as const;
    tellOfPod(host, runtime.pod, event);
    return tryLater(runtime, host, NOT_READY_SECONDS * plane.settings.secondMs);
  }
  const cni = cniAgentOf(plane.caches.pods.indexed(nodeIndex(nodeName)))?.settings;
  const node = { instanceId, privateIp: nodeAddress, cni, trunkKnown: host.knowsTrunk() };
  const made = connectSandbox(runtime.pod, node, plane.network);
  if ("error" in made) {
    const sandbox = hex(plane.random, 64);
    const plugin = 'plugin type="aws-cni" name="aws-cni" failed (add)';
    const rpc = `rpc error: code = Unknown desc = failed to setup network for sandbox "${sandbox}": ${plugin}`;
    const message = `Failed to create pod sandbox: ${rpc}: ${made.error}`;
    const reason = "FailedCreatePodSandBox";
    tellOfPod(host, runtime.pod, { type: "Warning", reason, message, aggregateBy: made.error });
    const jitter = 1 + RETRY_JITTER * plane.random();
    return tryLater(runtime, host, Math.round(plane.settings.sandboxRetryMs * jitter));
  }
  const { attachment } = made;
  const listensOn = (port: number, protocol: string) =>
    runtime.containers.some((container) =>
      container.listens().some((listening) => listening.port === port && listening.protocol === protocol),
    );
  runtime.station = { pod: runtime.pod, nodeName, attachment, listensOn };
  runtime.address = attachment.address;
  host.connectivity.join(runtime.station);
  return true;
}

function startContainer(container: ContainerRuntime, runtime: PodRuntime, host: LifecycleHost): void {
  const { name } = container.spec;
  const fieldPath = containerPath(name);
  const tell = (reason: string, message: string) =>
    tellOfPod(host, runtime.pod, { type: "Normal", reason, message, fieldPath });
  tell("Created", `Created container: ${name}`);
  container.run(`containerd://${hex(host.plane.random, 64)}`);
  tell("Started", `Started container ${name}`);
}

/** Pulls the images once, then starts what waits. Whether everything has been started. */
function startContainers(runtime: PodRuntime, host: LifecycleHost): boolean {
  const { clock, settings } = host.plane;
  const tellPull = (reason: string, message: (image: string) => string) => {
    for (const { spec } of runtime.containers) {
      const fieldPath = containerPath(spec.name);
      tellOfPod(host, runtime.pod, { type: "Normal", reason, message: message(spec.image), fieldPath });
    }
  };
  const waiting = runtime.containers.filter(({ id }) => id === "");
  if (waiting.length === 0) return true;
  if (runtime.pulledMs === undefined) {
    tellPull("Pulling", (image) => `Pulling image "${image}"`);
    runtime.pulledMs = clock.now() + settings.imagePullMs;
  }
  const leftMs = runtime.pulledMs - clock.now();
  if (leftMs > 0) {
    host.changedAfter(runtime.uid, leftMs);
    return false;
  }
  tellPull("Pulled", (image) => `Successfully pulled image "${image}" in ${settings.imagePullMs}ms`);
  for (const container of waiting) startContainer(container, runtime, host);
  return true;
}

function mayRestart(container: ContainerRuntime, pod: Pod): boolean {
  const policy = pod.spec.restartPolicy ?? "Always";
  return policy === "Always" || (policy === "OnFailure" && container.state.terminated?.exitCode !== 0);
}

/** Starts containers that ended again, after a pause that grows. */
function restartContainers(runtime: PodRuntime, host: LifecycleHost): void {
  const { clock, settings } = host.plane;
  for (const container of runtime.containers) {
    const { terminated } = container.state;
    if (terminated !== undefined && mayRestart(container, runtime.pod)) {
      const seconds = Math.min(RESTART_MAX_SECONDS, RESTART_BASE_SECONDS * 2 ** container.restartCount);
      const message = `back-off ${seconds}s restarting failed container=${container.spec.name} pod=${nameOf(runtime.pod)}`;
      container.restartDueMs = clock.now() + seconds * settings.secondMs;
      container.lastState = { terminated };
      container.state = { waiting: { reason: "CrashLoopBackOff", message } };
    }
    if (container.restartDueMs === undefined) continue;
    const leftMs = container.restartDueMs - clock.now();
    if (leftMs > 0) host.changedAfter(runtime.uid, leftMs);
    else startContainer(container, runtime, host);
  }
}

/** Ends a pod that is being deleted: containers first, then its network, then the object. */
async function endPod(runtime: PodRuntime, host: LifecycleHost): Promise<void> {
  const { clock, settings } = host.plane;
  const { pod } = runtime;
  if (runtime.removed) return;
  if (runtime.endedMs === undefined) {
    const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 0) * settings.secondMs;
    const running = runtime.containers.filter(({ state }) => state.running !== undefined);
    for (const { spec } of running) {
      const message = `Stopping container ${spec.name}`;
      const fieldPath = containerPath(spec.name);
      tellOfPod(host, pod, { type: "Normal", reason: "Killing", message, fieldPath });
    }
    runtime.endedMs = clock.now() + (running.length === 0 ? 0 : Math.min(settings.terminationMs, graceMs));
  }
  const leftMs = runtime.endedMs - clock.now();
  if (leftMs > 0) return host.changedAfter(runtime.uid, leftMs);
  for (const container of runtime.containers) {
    container.restartDueMs = undefined;
    if (container.state.running !== undefined) container.end(0);
  }
  if (!isFinished(pod)) await publish(runtime, host);
  stopSandbox(runtime, host);
  runtime.removed = true;
  try {
    await host.api.delete(refTo(pod), { gracePeriodSeconds: 0, uid: runtime.uid });
  } catch (error) {
    if (isStatusError(error, "NotFound") || isStatusError(error, "Conflict")) return;
    runtime.removed = false;
    throw error;
  }
}

/** Brings a pod one step on, from whatever state it is in. */
export async function advancePod(runtime: PodRuntime, host: LifecycleHost): Promise<void> {
  if (runtime.pod.metadata.deletionTimestamp !== undefined) return endPod(runtime, host);
  if (isFinished(runtime.pod)) return stopSandbox(runtime, host);
  const connected = runtime.station !== undefined || startSandbox(runtime, host);
  if (connected && startContainers(runtime, host)) restartContainers(runtime, host);
  await publish(runtime, host);
}
