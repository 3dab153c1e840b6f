import type { Container, KubernetesNode, Pod } from "../objects.ts";

/**
 * How the CNI plugin on a node is set up, read from the pod of the DaemonSet `aws-node` that runs there:
 * https://github.com/aws/amazon-vpc-cni-k8s/blob/master/README.md#cni-configuration-variables.
 */
export interface CniSettings {
  podEniEnabled: boolean;
  /** kubelet's TCP probes to pods with a branch ENI need it in strict mode. */
  earlyDemuxDisabled: boolean;
  enforcingMode: "strict" | "standard";
  /** The one family of addresses of the whole cluster. */
  family: "ipv4" | "ipv6";
  customNetworking: boolean;
  /** The label (or annotation) of a node that names its ENIConfig. */
  eniConfigLabel: string;
  eniConfigAnnotation: string;
}

/** The pod of the CNI plugin that runs on a node. */
export interface CniAgent {
  pod: Pod;
  /** The present run of its container: another one after a restart. */
  containerId: string;
  settings: CniSettings;
}

const ENI_CONFIG = "k8s.amazonaws.com/eniConfig";
/** What an ENIConfig is called for a node that names none. */
const NO_ENI_CONFIG = "default";

/** Whether a pod is one of the DaemonSet `aws-node`. */
export function isCniPod({ metadata }: Pod): boolean {
  return metadata.namespace === "kube-system" && metadata.labels?.["k8s-app"] === "aws-node";
}

function variable(containers: Container[] | undefined, name: string): string | undefined {
  return (containers ?? []).flatMap(({ env }) => env ?? []).find((entry) => entry.name === name)?.value;
}

/** The CNI plugin among the pods of a node; `undefined` while its container does not run. */
export function cniAgentOf(podsOfNode: Pod[]): CniAgent | undefined {
  for (const pod of podsOfNode) {
    if (!isCniPod(pod) || pod.status?.phase !== "Running") continue;
    const running = pod.status.containerStatuses?.find(({ state }) => state.running !== undefined);
    if (running?.containerID === undefined) continue;
    return { pod, containerId: running.containerID, settings: settingsOf(pod) };
  }
  return undefined;
}

function settingsOf({ spec }: Pod): CniSettings {
  const { containers, initContainers } = spec;
  const isOn = (name: string) => variable(containers, name) === "true";
  const mode = variable(containers, "POD_SECURITY_GROUP_ENFORCING_MODE");
  return {
    podEniEnabled: isOn("ENABLE_POD_ENI"),
    earlyDemuxDisabled: variable(initContainers, "DISABLE_TCP_EARLY_DEMUX") === "true",
    enforcingMode: mode === "standard" ? "standard" : "strict",
    family: isOn("ENABLE_IPv6") ? "ipv6" : "ipv4",
    customNetworking: isOn("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG"),
    eniConfigLabel: variable(containers, "ENI_CONFIG_LABEL_DEF") ?? ENI_CONFIG,
    eniConfigAnnotation: variable(containers, "ENI_CONFIG_ANNOTATION_DEF") ?? ENI_CONFIG,
  };
}

/** The ENIConfig that a node names, by its annotation before its label; `undefined` for none or `default`. */
export function eniConfigOf(node: KubernetesNode, settings: CniSettings): string | undefined {
  const { annotations, labels } = node.metadata;
  const name = annotations?.[settings.eniConfigAnnotation] ?? labels?.[settings.eniConfigLabel];
  return name === NO_ENI_CONFIG ? undefined : name;
}
