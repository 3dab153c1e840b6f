import type { BranchBinding, Network } from "../network.ts";
import type { Pod } from "../objects.ts";
import type { CniSettings } from "./cni-settings.ts";
import { readPodEni, wantsBranch } from "./pod-eni.ts";

/** How a pod is connected. */
export type Attachment =
  | { kind: "host"; address: string }
  | { kind: "secondary"; address: string }
  | { kind: "branch"; address: string; binding: BranchBinding };

/** A sandbox's network, or the end of the message of the event that tells why there is none. */
export type SandboxNetwork = { attachment: Attachment } | { error: string };

/** What kubelet says of a pod while nobody has installed a CNI plugin on its node yet. */
export const NETWORK_NOT_READY =
  "network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady " +
  "message:Network plugin returns error: cni plugin not initialized";

/** The node as the CNI plugin knows it. */
export interface CniNodeView {
  instanceId: string;
  privateIp: string;
  /** `undefined` while no aws-node pod runs there. */
  cni: CniSettings | undefined;
  /** Whether the plugin's daemon there has seen the trunk ENI. */
  trunkKnown: boolean;
}

const NO_ADDRESS = "add cmd: failed to assign an IP address to container";
const NO_AGENT =
  'add cmd: Error received from AddNetwork gRPC call: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:50051: connect: connection refused"';

/**
 * Connects a pod as the CNI plugin does: at once or not at all. It waits neither for the trunk nor for the annotation.
 * `AddNetwork` in https://github.com/aws/amazon-vpc-cni-k8s/blob/master/pkg/ipamd/rpc_handler.go.
 */
export function connectSandbox(pod: Pod, node: CniNodeView, network: Network): SandboxNetwork {
  if (pod.spec.hostNetwork === true) return { attachment: { kind: "host", address: node.privateIp } };
  if (node.cni === undefined) return { error: NO_AGENT };
  if (node.cni.podEniEnabled && wantsBranch(pod)) {
    const eni = node.trunkKnown ? readPodEni(pod, node.cni.family) : undefined;
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
