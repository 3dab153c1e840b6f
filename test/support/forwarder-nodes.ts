import type { InstanceId, NodeEvent, NodeTrunkReady, NodeUid, PodEvent, PodUid } from "@trunkline/core";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import { expect, vi } from "vitest";
import type { ForwarderWorld } from "./forwarder.ts";

export const podEni = "vpc.amazonaws.com/pod-eni";
export const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";
export const eniConfigLabel = "vpc.amazonaws.com/eniConfig";
export const finalizer = "networking.k8s.aws/resource-cleanup";
export const feature = { name: "SecurityGroupsForPods" };

interface NodeState extends KubernetesObject {
  readonly status: { readonly capacity: Readonly<Record<string, string>> };
}
interface CniNodeState extends KubernetesObject {
  readonly spec: { readonly features?: readonly object[]; readonly tags?: Readonly<Record<string, string>> };
}

/**
 * What tests of nodes do in a world in which they play the kubelet, the CNI plugin and the functions.
 *
 * @param world - the world, once it is started
 */
export const nodesIn = (world: () => ForwarderWorld) => {
  const administrator = () => world().kubernetes.api.as("kubernetes-admin");
  const cniPlugin = () => world().kubernetes.api.as("system:serviceaccount:kube-system:aws-node");
  const eventually = (check: () => Promise<unknown>) => vi.waitFor(check, { timeout: 10_000, interval: 20 });

  const nodeRef = (name: string) => ({ group: "", resource: "nodes", name });
  const cniNodeRef = (name: string) => ({ group: "vpcresources.k8s.aws", resource: "cninodes", name });
  const podRef = (name: string) => ({ group: "", resource: "pods", namespace: "default", name });
  const eniConfigRef = (name: string) => ({ group: "crd.k8s.amazonaws.com", resource: "eniconfigs", name });

  const getNode = async (name: string) => (await administrator().get(nodeRef(name))) as NodeState;
  const getCniNode = async (name: string) => (await administrator().get(cniNodeRef(name))) as CniNodeState;
  const isGone = async (ref: ReturnType<typeof nodeRef>) =>
    expect(administrator().get(ref)).rejects.toThrow("not found");

  /** What the kubelet does when it starts: it registers its node, with none of the resources that others added. */
  const registerNode = async (name: string, instanceId: string, labels = {}): Promise<NodeUid> => {
    const made = await administrator().create({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { "kubernetes.io/os": "linux", ...labels } },
      spec: { providerID: `aws:///us-west-2a/${instanceId}` },
      status: { capacity: { cpu: "2" }, allocatable: { cpu: "2" } },
    });
    return made.metadata.uid as NodeUid;
  };
  const askForTrunk = (name: string, ...features: readonly object[]) =>
    eventually(() => cniPlugin().patch(cniNodeRef(name), { type: "merge", body: { spec: { features } } }));
  const readyOn = (nodeName: string, instanceId: string, nodeUid: NodeUid): NodeTrunkReady => ({
    type: "NodeTrunkReady",
    instanceId: instanceId as InstanceId,
    nodeName,
    nodeUid,
    branchesMax: 9,
    backendVersion: "0.1.0",
  });
  const hasTrunk = (name: string) =>
    eventually(async () => {
      const { metadata, status } = await getNode(name);
      expect(status.capacity).toEqual({ cpu: "2", [podEni]: "9" });
      expect(metadata.labels).toHaveProperty([trunkLabel], "true");
    });
  /** A node whose trunk is ready because the CNI plugin asked for it. */
  const trunkNode = async (name: string, instanceId: string): Promise<NodeUid> => {
    const nodeUid = await registerNode(name, instanceId);
    await askForTrunk(name, feature);
    await world().deliver(readyOn(name, instanceId, nodeUid));
    await hasTrunk(name);
    return nodeUid;
  };
  /** A pod that runs on a node and waits for its branch or, once it is annotated, holds it. */
  const startPod = async (name: string, nodeName: string): Promise<PodUid> => {
    const resources = { limits: { [podEni]: "1" }, requests: { [podEni]: "1" } };
    const made = await administrator().create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default" },
      spec: { nodeName, containers: [{ name: "a", image: "nginx", resources }] },
    });
    return made.metadata.uid as PodUid;
  };
  const annotate = async (name: string, podUid: PodUid, instanceId: string): Promise<void> => {
    const eni = {
      eniId: "eni-0123456789abcdef0",
      ifAddress: "0a:1b:2c:3d:4e:5f",
      privateIp: "192.168.0.15",
      ipv6Addr: "",
      vlanId: 1,
      subnetCidr: "192.168.0.0/16",
      subnetV6Cidr: "",
      associationID: "trunk-assoc-0123",
    };
    await world().deliver({
      type: "PodEniAssigned",
      podUid,
      namespace: "default",
      name,
      instanceId: instanceId as InstanceId,
      enis: [eni],
    });
    await eventually(async () =>
      expect((await administrator().get(podRef(name))).metadata.annotations).toHaveProperty([podEni]),
    );
  };
  const endPod = (name: string) => administrator().delete(podRef(name), { gracePeriodSeconds: 0 });
  const received = async <Type extends (PodEvent | NodeEvent)["type"]>(type: Type, instanceId: string) =>
    (await world().received()).filter(
      (event): event is Extract<PodEvent | NodeEvent, { type: Type; instanceId: InstanceId }> =>
        event.type === type && "instanceId" in event && event.instanceId === instanceId,
    );
  const eventsOn = async (name: string) => {
    const { objects } = await administrator().list({ group: "", resource: "events" });
    return objects
      .map((event) => event as unknown as { reason: string; count: number; involvedObject: { name: string } })
      .filter((event) => event.involvedObject.name === name)
      .map((event) => `${event.reason} ${event.count}`)
      .sort();
  };

  return {
    administrator,
    cniPlugin,
    eventually,
    nodeRef,
    cniNodeRef,
    podRef,
    eniConfigRef,
    getNode,
    getCniNode,
    isGone,
    registerNode,
    askForTrunk,
    readyOn,
    hasTrunk,
    trunkNode,
    startPod,
    annotate,
    endPod,
    received,
    eventsOn,
  };
};
