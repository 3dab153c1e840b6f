import type { BranchBinding, Network } from "../network.ts";
import type { Container, Pod } from "../objects.ts";
import { readPodEni, wantsBranch } from "./pod-eni.ts";

/** How the CNI plugin on a node is set up, read from the pod of the DaemonSet `aws-node` that runs there. */
export interface CniState {
  podEniEnabled: boolean;
  /** kubelet's TCP probes to pods with a branch ENI need it in strict mode. */
  earlyDemuxDisabled: boolean;
  enforcingMode: "strict" | "standard";
}

/** How a pod is connected. */
export type Attachment =
  | { kind: "host"; address: string }
  | { kind: "secondary"; address: string }
  | { kind: "branch"; address: string; binding: BranchBinding };

/** A sandbox's network, or the end of the message of the event that tells why there is none. */
export type SandboxNetwork = { attachment: Attachment } | { error: string };

/** The node as the CNI plugin knows it. */
export interface CniNodeView {
  instanceId: string;
  privateIp: string;
  /** `undefined` while no aws-node pod runs there. */
  cni: CniState | undefined;
}

const NO_ADDRESS = "add cmd: failed to assign an IP address to container";
const NO_AGENT =
  'add cmd: Error received from AddNetwork gRPC call: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:50051: connect: connection refused"';

function isSet(containers: Container[] | undefined, variable: string, value: string): boolean {
  return (containers ?? []).some(({ env }) => env?.some((entry) => entry.name === variable && entry.value === value));
}

/** Reads the plugin's settings from the aws-node pod among the pods of a node. */
export function cniStateOf(podsOfNode: Pod[]): CniState | undefined {
  const agent = podsOfNode.find(
    ({ metadata, status }) =>
      metadata.namespace === "kube-system" &&
      metadata.labels?.["k8s-app"] === "aws-node" &&
      status?.phase === "Running",
  );
  if (agent === undefined) return undefined;
  const { containers, initContainers } = agent.spec;
  return {
    podEniEnabled: isSet(containers, "ENABLE_POD_ENI", "true"),
    earlyDemuxDisabled: isSet(initContainers, "DISABLE_TCP_EARLY_DEMUX", "true"),
    enforcingMode: isSet(containers, "POD_SECURITY_GROUP_ENFORCING_MODE", "standard") ? "standard" : "strict",
  };
}

/** Connects a pod as the CNI plugin does: at once or not at all. It never waits for the annotation. */
export function connectSandbox(pod: Pod, node: CniNodeView, network: Network): SandboxNetwork {
  if (pod.spec.hostNetwork === true) return { attachment: { kind: "host", address: node.privateIp } };
  if (node.cni === undefined) return { error: NO_AGENT };
  if (node.cni.podEniEnabled && wantsBranch(pod)) {
    const eni = readPodEni(pod);
    if (eni === undefined) return { error: NO_ADDRESS };
    const { eniId, vlanId, mac, address } = eni;
    const binding = { instanceId: node.instanceId, eniId, vlanId, privateIp: address, mac };
    return { attachment: { kind: "branch", address, binding } };
  }
  const assigned = network.assignSecondaryAddress(node.instanceId);
  return "error" in assigned ? { error: NO_ADDRESS } : { attachment: { kind: "secondary", address: assigned.address } };
}

/** Takes the network down. For a branch the plugin uses what it stored and asks nobody. */
export function disconnectSandbox(attachment: Attachment, instanceId: string, network: Network): void {
  if (attachment.kind === "secondary") network.releaseSecondaryAddress(instanceId, attachment.address);
}
