import { isStatusError } from "../../ports.ts";
import { type Controller, type ControlPlane, nodeIndex } from "../control-plane.ts";
import { type CniNode, type KubernetesNode, nameOf, type Pod } from "../objects.ts";
import { type CniAgent, cniAgentOf, eniConfigOf, isCniPod } from "./cni-settings.ts";

const INSTANCE_TYPE = "node.kubernetes.io/instance-type";
const NODES_AT_ONCE = 8;

/** What the daemon needs to know of the machine below it, and to do to it. */
export interface IpamdHost {
  /** The instance of a node whose kubelet runs. */
  instanceId(nodeName: string): string | undefined;
  /** The daemon ends with an error: kubelet starts its container again, after a pause that grows. */
  crash(pod: Pod): void;
}

/** The CNI plugin's daemon on every node. */
export interface Ipamd extends Controller {
  /** Whether the daemon on the node has seen a trunk ENI. Until then it connects no pod to a branch ENI. */
  knowsTrunk(nodeName: string): boolean;
}

/** One run of the daemon on one node. */
interface Run {
  containerId: string;
  trunkKnown: boolean;
  /** When it looks again (epoch ms); never once it knows the trunk or has ended. */
  dueMs: number;
}

interface Feature {
  name: string;
  value?: string;
}

/** The node below a run of the daemon. */
interface Place {
  agent: CniAgent;
  node: KubernetesNode;
  instanceId: string;
}

/**
 * What an aws-node pod with `ENABLE_POD_ENI=true` does about trunk ENIs (`nodeInit`, `StartNodeIPPoolManager` and
 * `AddFeatureToCNINode` in https://github.com/aws/amazon-vpc-cni-k8s/blob/master/pkg/ipamd/ipamd.go):
 *
 * - With custom networking it first adds `CustomNetworking` with the node's ENIConfig to the CNINode, and ends when it
 *   cannot.
 * - It adds `SecurityGroupsForPods` when it starts. A failure is only logged. In an IPv4 cluster it does so only while
 *   the instance has room for one more interface, and tries again every few seconds until it knows a trunk; in an IPv6
 *   cluster it never tries again.
 * - Until it knows a trunk it looks for one every few seconds.
 */
export function startIpamd(plane: ControlPlane, host: IpamdHost): Ipamd {
  const { caches, clock, network, settings } = plane;
  const api = plane.api.as("system:serviceaccount:kube-system:aws-node");
  const runs = new Map<string, Run>();
  const queue = plane.queue(NODES_AT_ONCE, reconcile);

  caches.pods.onChange(({ object }) => {
    if (isCniPod(object) && object.spec.nodeName !== undefined) queue.add(object.spec.nodeName);
  });
  caches.nodes.onChange(({ type, object }) => {
    if (type === "DELETED") runs.delete(nameOf(object));
  });

  async function reconcile(nodeName: string): Promise<void> {
    const place = placeOf(nodeName);
    if (place === undefined) {
      runs.delete(nodeName);
      return;
    }
    const { containerId } = place.agent;
    const known = runs.get(nodeName);
    const run = known?.containerId === containerId ? known : { containerId, trunkKnown: false, dueMs: clock.now() };
    runs.set(nodeName, run);
    const leftMs = run.dueMs - clock.now();
    if (leftMs <= 0) await (run === known ? look(run, place) : begin(run, place));
    if (Number.isFinite(run.dueMs)) queue.addAfter(nodeName, Math.max(0, run.dueMs - clock.now()));
  }

  function placeOf(nodeName: string): Place | undefined {
    const agent = cniAgentOf(caches.pods.indexed(nodeIndex(nodeName)));
    const node = caches.nodes.get(nodeName);
    const instanceId = host.instanceId(nodeName);
    if (agent?.settings.podEniEnabled !== true || node === undefined || instanceId === undefined) return undefined;
    return { agent, node, instanceId };
  }

  async function begin(run: Run, place: Place): Promise<void> {
    const { agent, node } = place;
    const eniConfig = agent.settings.customNetworking ? eniConfigOf(node, agent.settings) : undefined;
    if (eniConfig !== undefined && !(await addFeature(node, { name: "CustomNetworking", value: eniConfig }))) {
      run.dueMs = Number.POSITIVE_INFINITY;
      host.crash(agent.pod);
      return;
    }
    await askForTrunk(place);
    settle(run, place);
  }

  async function look(run: Run, place: Place): Promise<void> {
    if (place.agent.settings.family === "ipv4") await askForTrunk(place);
    settle(run, place);
  }

  function settle(run: Run, { instanceId }: Place): void {
    run.trunkKnown = network.interfacesOf(instanceId).trunk;
    run.dueMs = run.trunkKnown ? Number.POSITIVE_INFINITY : clock.now() + settings.cniPollMs;
  }

  async function askForTrunk({ agent, node, instanceId }: Place): Promise<void> {
    const { interfaces } = settings.instanceShape(node.metadata.labels?.[INSTANCE_TYPE] ?? "");
    const isFull = network.interfacesOf(instanceId).attached >= interfaces;
    if (agent.settings.family === "ipv4" && isFull) return;
    await addFeature(node, { name: "SecurityGroupsForPods" });
  }

  /** Writes the feature under the version that was read. False when there is no CNINode, or it changed meanwhile. */
  async function addFeature(node: KubernetesNode, feature: Feature): Promise<boolean> {
    const ref = { group: "vpcresources.k8s.aws", resource: "cninodes", name: nameOf(node) };
    try {
      const { metadata, spec } = (await api.get(ref)) as CniNode;
      const features = spec?.features ?? [];
      if (features.some(({ name, value }) => name === feature.name && (value ?? "") === (feature.value ?? ""))) {
        return true;
      }
      const others = features.filter(({ name }) => name !== feature.name);
      const { resourceVersion } = metadata;
      const body = { metadata: { resourceVersion }, spec: { features: [...others, feature] } };
      await api.patch(ref, { type: "merge", body });
      return true;
    } catch (error) {
      if (!isStatusError(error)) throw error;
      return false;
    }
  }

  return {
    knowsTrunk: (nodeName) => runs.get(nodeName)?.trunkKnown === true,
    stop: () => queue.stop(),
  };
}
