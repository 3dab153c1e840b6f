import type { ApiAccess, Random } from "../../ports.ts";
import { isStatusError } from "../../ports.ts";
import { nodeIndex } from "../control-plane.ts";
import { canonicalJson, nameOf, type Pod } from "../objects.ts";
import { isFinished } from "../workloads/pods.ts";
import { cniStateOf, connectSandbox, disconnectSandbox } from "./cni.ts";
import type { ContainerRuntime } from "./container-runtime.ts";
import { POD_ENI } from "./pod-eni.ts";
import { containerPath, type PodHost, type PodRuntime, tellOfPod } from "./pod-runtime.ts";
import { podStatus } from "./pod-status.ts";

/** The node, as the steps of a pod's life need it. */
export interface LifecycleHost extends PodHost {
  api: ApiAccess;
  instanceId: string;
  /** Look at the pod again after a while. */
  changedAfter(uid: string, delayMs: number): void;
}

/** Restarts wait 10 s, then twice as long each time, up to 5 minutes: kubelet's CrashLoopBackOff. */
const RESTART_BASE_SECONDS = 10;
const RESTART_MAX_SECONDS = 300;

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
  // A merge patch removes only what it names: a sandbox that is made anew has no address for a while.
  const lost = pod.status?.podIP !== undefined && status.podIP === undefined ? { podIP: null, podIPs: null } : {};
  const merged = { ...pod.status, ...status, ...lost };
  if (canonicalJson(merged) === canonicalJson(pod.status)) return;
  const body = { metadata: { uid: runtime.uid }, status: { ...status, ...lost } };
  await api.patch(refTo(pod), { type: "merge", body, subresource: "status" });
}

/** Takes the sandbox down: nobody reaches the pod any more. */
export function stopSandbox(runtime: PodRuntime, host: LifecycleHost): void {
  if (runtime.station === undefined) return;
  host.connectivity.leave(runtime.station);
  disconnectSandbox(runtime.station.attachment, host.instanceId, host.plane.network);
  runtime.station = undefined;
}

/** Makes the sandbox, or tells why it cannot be made and tries again after a pause. */
function startSandbox(runtime: PodRuntime, host: LifecycleHost): boolean {
  const { plane, nodeName, nodeAddress, instanceId } = host;
  const leftMs = runtime.sandboxDueMs - plane.clock.now();
  if (leftMs > 0) {
    host.changedAfter(runtime.uid, leftMs);
    return false;
  }
  const cni = cniStateOf(plane.caches.pods.indexed(nodeIndex(nodeName)));
  const made = connectSandbox(runtime.pod, { instanceId, privateIp: nodeAddress, cni }, plane.network);
  if ("error" in made) {
    const sandbox = hex(plane.random, 64);
    const plugin = 'plugin type="aws-cni" name="aws-cni" failed (add)';
    const rpc = `rpc error: code = Unknown desc = failed to setup network for sandbox "${sandbox}": ${plugin}`;
    const message = `Failed to create pod sandbox: ${rpc}: ${made.error}`;
    const reason = "FailedCreatePodSandBox";
    tellOfPod(host, runtime.pod, { type: "Warning", reason, message, aggregateBy: made.error });
    runtime.sandboxDueMs = plane.clock.now() + plane.settings.sandboxRetryMs;
    host.changedAfter(runtime.uid, plane.settings.sandboxRetryMs);
    return false;
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

/** The annotation of a running branch vanished: its sandbox is made anew, and waits for an annotation. */
function dropChangedSandbox(runtime: PodRuntime, host: LifecycleHost): void {
  const lost = runtime.pod.metadata.annotations?.[POD_ENI] === undefined;
  if (runtime.station?.attachment.kind !== "branch" || !lost) return;
  const message = "Pod sandbox changed, it will be killed and re-created.";
  tellOfPod(host, runtime.pod, { type: "Normal", reason: "SandboxChanged", message });
  for (const container of runtime.containers) {
    container.end(137);
    container.restartDueMs = host.plane.clock.now();
    container.lastState = container.state;
    container.state = { waiting: { reason: "ContainerCreating" } };
  }
  stopSandbox(runtime, host);
  runtime.address = undefined;
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
  dropChangedSandbox(runtime, host);
  const connected = runtime.station !== undefined || startSandbox(runtime, host);
  if (connected && startContainers(runtime, host)) restartContainers(runtime, host);
  await publish(runtime, host);
}
