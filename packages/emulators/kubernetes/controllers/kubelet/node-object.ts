import type { KubernetesObject } from "../../ports.ts";
import { type Condition, type KubernetesNode, type Quantities, timestamp } from "../objects.ts";
import type { InstanceShape } from "../settings.ts";

/** What is known of an instance that joins the cluster. */
export interface NodeRegistration {
  instanceId: string;
  /** Such as `us-west-2a`. */
  availabilityZone: string;
  privateIp: string;
  instanceType: string;
  /** `ip-<address>.<region>.compute.internal` when absent, as on EKS. */
  name?: string;
  labels?: Record<string, string>;
}

const KUBELET_VERSION = "v1.32.0";

function regionOf(availabilityZone: string): string {
  return availabilityZone.replace(/[a-z]$/, "");
}

/** The name of the node: given, or made of the address. */
export function nodeNameOf({ name, privateIp, availabilityZone }: NodeRegistration): string {
  return name ?? `ip-${privateIp.replaceAll(".", "-")}.${regionOf(availabilityZone)}.compute.internal`;
}

/** The Node object that a kubelet registers. */
export function nodeObject(registration: NodeRegistration): KubernetesObject {
  const { instanceId, availabilityZone, instanceType, labels } = registration;
  const name = nodeNameOf(registration);
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": instanceType,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": instanceType,
        "topology.kubernetes.io/region": regionOf(availabilityZone),
        "topology.kubernetes.io/zone": availabilityZone,
        ...labels,
      },
    },
    spec: { providerID: `aws:///${availabilityZone}/${instanceId}` },
  };
}

/**
 * The node's own capacity. Pods follow from the interfaces' addresses:
 * https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html.
 */
export function ownCapacity(shape: InstanceShape): Quantities {
  return {
    cpu: String(shape.cpu),
    "ephemeral-storage": "83873772Ki",
    "hugepages-1Gi": "0",
    "hugepages-2Mi": "0",
    memory: `${shape.memoryMib * 1_024}Ki`,
    pods: String(shape.interfaces * (shape.ipv4PerInterface - 1) + 2),
  };
}

/** What is kept for the system: https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/. */
function ownAllocatable(shape: InstanceShape): Quantities {
  const reservedMib = 700;
  return {
    ...ownCapacity(shape),
    cpu: `${shape.cpu * 1_000 - 70}m`,
    "ephemeral-storage": "76224326324",
    memory: `${(shape.memoryMib - reservedMib) * 1_024}Ki`,
  };
}

function nodeConditions(now: string): Condition[] {
  const fine = (type: string, reason: string, message: string): Condition => {
    return { type, status: "False", reason, message, lastHeartbeatTime: now, lastTransitionTime: now };
  };
  return [
    fine("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    fine("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    fine("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    { ...fine("Ready", "KubeletReady", "kubelet is posting ready status"), status: "True" },
  ];
}

/** The status with which a kubelet begins. */
export function initialNodeStatus(registration: NodeRegistration, shape: InstanceShape, nowMs: number) {
  const name = nodeNameOf(registration);
  return {
    addresses: [
      { type: "InternalIP", address: registration.privateIp },
      { type: "InternalDNS", address: name },
      { type: "Hostname", address: name },
    ],
    capacity: ownCapacity(shape),
    allocatable: ownAllocatable(shape),
    conditions: nodeConditions(timestamp(nowMs)),
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: "amd64",
      bootID: "",
      containerRuntimeVersion: "containerd://2.1.4",
      kernelVersion: "6.12.46-66.121.amzn2023.x86_64",
      kubeProxyVersion: KUBELET_VERSION,
      kubeletVersion: KUBELET_VERSION,
      machineID: registration.instanceId.replace("i-", "ec2"),
      operatingSystem: "linux",
      osImage: "Amazon Linux 2023.9.20251110",
      systemUUID: registration.instanceId.replace("i-", "ec2"),
    },
  };
}

function isExtended(name: string): boolean {
  return name.includes("/") && !name.startsWith("kubernetes.io/");
}

/**
 * What kubelet changes of the allocatable extended resources: each becomes what the capacity says, or goes with it.
 * `MachineInfo` in https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/nodestatus/setters.go. Pure.
 */
export function allocatableChanges(node: KubernetesNode): Record<string, string | number | null> {
  const { capacity = {}, allocatable = {} } = node.status ?? {};
  const gone = Object.keys(allocatable).filter((name) => isExtended(name) && capacity[name] === undefined);
  const entries = Object.entries(capacity).filter(([name, amount]) => isExtended(name) && allocatable[name] !== amount);
  return Object.fromEntries([...entries, ...gone.map((name) => [name, null])]);
}

/** What a kubelet that starts again does to extended resources: it sets them to 0 until their owner comes. */
export function zeroedExtended(node: KubernetesNode): Quantities {
  const names = Object.keys(node.status?.capacity ?? {}).filter(isExtended);
  return Object.fromEntries(names.map((name) => [name, "0"]));
}
