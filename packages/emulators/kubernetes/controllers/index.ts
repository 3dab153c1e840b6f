import type { ApiUsers, Clock, LogSource, Random } from "../ports.ts";
import { isStatusError } from "../ports.ts";
import { type Controller, createControlPlane } from "./control-plane.ts";
import { type Connectivity, createConnectivity } from "./kubelet/connectivity.ts";
import { startIpamd } from "./kubelet/ipamd.ts";
import { type Kubelet, startKubelet } from "./kubelet/kubelet.ts";
import { type NodeAgent, startNodeAgent } from "./kubelet/node-agent.ts";
import { type NodeRegistration, nodeNameOf } from "./kubelet/node-object.ts";
import type { PodRuntime } from "./kubelet/pod-runtime.ts";
import type { Network } from "./network.ts";
import { keyOf } from "./objects.ts";
import { startScheduler } from "./scheduling/scheduler.ts";
import { type ControllerSettings, DEFAULT_SETTINGS } from "./settings.ts";
import { startDaemonSetController } from "./workloads/daemon-set.ts";
import { startDeploymentController } from "./workloads/deployment.ts";
import { startEndpointsController } from "./workloads/endpoints.ts";
import { startJobController } from "./workloads/job.ts";
import { startPodGarbageCollector } from "./workloads/pod-gc.ts";
import { startReplicaSetController } from "./workloads/replica-set.ts";

export type { NodeRegistration } from "./kubelet/node-object.ts";
export { awsNodeManifests, coreDnsManifests } from "./manifests.ts";
export type { BranchBinding, Flow, Network } from "./network.ts";
export type { Connection, Listening, Machine, Program, Protocol, Step } from "./programs/program.ts";
export { type ControllerSettings, DEFAULT_SETTINGS, type InstanceShape } from "./settings.ts";

/** What the controllers are made of. Settings that are not given have their defaults. */
export interface ControllersOptions {
  api: ApiUsers;
  clock: Clock;
  random: Random;
  network: Network;
  settings?: Partial<ControllerSettings>;
}

/** Everything that acts in a cluster beside the API server: controllers, scheduler, and a kubelet for each node. */
export interface Controllers {
  /** An instance joins: its Node is registered and its kubelet starts. Answers the name of the node. */
  registerNode(registration: NodeRegistration): Promise<string>;
  /** The instance is gone: its kubelet ends at once and its Node is deleted; its pods follow a little later. */
  deregisterNode(name: string): Promise<void>;
  /** A fault: the kubelet of the node starts again and sets extended resources to 0. */
  resetCapacity(name: string): Promise<void>;
  /** The logs of all containers, for the API server. */
  logs: LogSource;
  stop(): Promise<void>;
}

interface RunningNode {
  instanceId: string;
  kubelet: Kubelet;
  agent: NodeAgent;
}

function logSource(runtimes: Map<string, PodRuntime>): LogSource {
  const logOf = (namespace: string, pod: string, container: string) =>
    runtimes.get(`${namespace}/${pod}`)?.containers.find(({ spec, id }) => spec.name === container && id !== "")?.log;
  return {
    lines: (namespace, pod, container) => logOf(namespace, pod, container)?.lines(),
    follow: (namespace, pod, container, listener) =>
      logOf(namespace, pod, container)?.follow(listener) ?? (() => undefined),
  };
}

/** Starts the controllers. Nodes join by `registerNode`. */
export function startControllers(options: ControllersOptions): Controllers {
  const plane = createControlPlane({ ...options, settings: { ...DEFAULT_SETTINGS, ...options.settings } });
  const connectivity: Connectivity = createConnectivity(plane);
  const runtimes = new Map<string, PodRuntime>();
  const nodes = new Map<string, RunningNode>();
  const ipamd = startIpamd(plane, {
    instanceId: (nodeName) => nodes.get(nodeName)?.instanceId,
    crash: (pod) => {
      for (const container of runtimes.get(keyOf(pod))?.containers ?? []) container.end(1);
      nodes.get(pod.spec.nodeName ?? "")?.kubelet.changed(pod);
    },
  });
  const controllers: Controller[] = [
    startDeploymentController(plane),
    startReplicaSetController(plane),
    startDaemonSetController(plane),
    startJobController(plane),
    startEndpointsController(plane),
    startPodGarbageCollector(plane),
    startScheduler(plane),
    ipamd,
  ];
  const nodeApi = plane.api.as("system:serviceaccount:kube-system:cloud-node-lifecycle-controller");

  plane.caches.pods.onChange(({ object, previous }) => {
    const nodeName = object.spec.nodeName ?? previous?.spec.nodeName;
    if (nodeName !== undefined) nodes.get(nodeName)?.kubelet.changed(object);
  });
  plane.informers.start();

  async function stopNode(name: string): Promise<void> {
    const node = nodes.get(name);
    nodes.delete(name);
    await node?.agent.stop();
    await node?.kubelet.stop();
  }

  return {
    logs: logSource(runtimes),
    async registerNode(registration) {
      const nodeName = nodeNameOf(registration);
      const { instanceId, privateIp: nodeAddress } = registration;
      const known = nodes.get(nodeName);
      // A kubelet that registers again keeps its pods; another instance under the same name has none.
      const kept = known?.instanceId === instanceId ? known.kubelet : undefined;
      if (kept === undefined) await stopNode(nodeName);
      await known?.agent.stop();
      const agent = await startNodeAgent(plane, registration);
      const knowsTrunk = () => ipamd.knowsTrunk(nodeName);
      const kubelet =
        kept ?? startKubelet({ plane, connectivity, runtimes, nodeName, nodeAddress, instanceId, knowsTrunk });
      nodes.set(nodeName, { instanceId, kubelet, agent });
      return nodeName;
    },
    async deregisterNode(name) {
      await stopNode(name);
      try {
        await nodeApi.delete({ group: "", resource: "nodes", name });
      } catch (error) {
        if (!isStatusError(error, "NotFound")) throw error;
      }
    },
    async resetCapacity(name) {
      await nodes.get(name)?.agent.resetCapacity();
    },
    async stop() {
      plane.informers.stop();
      await Promise.all([...nodes.keys()].map(stopNode));
      await Promise.all(controllers.map((controller) => controller.stop()));
      await plane.recorder.stop();
    },
  };
}
