import type { KubernetesObject } from "../../ports.ts";
import { POD_ENI } from "../kubelet/pod-eni.ts";
import { pod, type TestWorld } from "./world.ts";

/** The DaemonSet of the CNI plugin. */
export const AWS_NODE = { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" };
const WISH = { resources: { limits: { [POD_ENI]: "1" } } };
/** What lets kubelet probe pods with a branch ENI by TCP in strict mode. */
export const DEMUX = { name: "DISABLE_TCP_EARLY_DEMUX", value: "true" };

/** What `kubectl set env daemonset aws-node ENABLE_POD_ENI=true` does, with the other settings of the CNI plugin. */
export async function enablePodEni(
  { access, clock }: TestWorld,
  mode = "strict",
  initEnv: object[] = [DEMUX],
  moreEnv: object[] = [],
) {
  const env = [
    { name: "ENABLE_POD_ENI", value: "true" },
    { name: "POD_SECURITY_GROUP_ENFORCING_MODE", value: mode },
    ...moreEnv,
  ];
  const containers = [{ name: "aws-node", image: "amazon-k8s-cni:v1.23.0", env }];
  const initContainers = [{ name: "init", image: "init", env: initEnv }];
  const body = { spec: { template: { spec: { containers, initContainers } } } };
  await access.patch(AWS_NODE, { type: "merge", body });
  await clock.advance(5_000);
}

/** A pod of the namespace `default`. */
export function podRef(name: string) {
  return { group: "", resource: "pods", namespace: "default", name };
}

/** Gives a pod the annotation of a branch ENI in an IPv4 subnet, and more fields where they are given. */
export async function annotate({ access }: TestWorld, name: string, privateIp: string, more: object = {}) {
  const branch = {
    eniId: "eni-1",
    ifAddress: "0a:01",
    privateIp,
    ipv6Addr: "",
    vlanId: 1,
    subnetCidr: "10.0.0.0/16",
    ...more,
  };
  const annotations = { [POD_ENI]: JSON.stringify([branch]) };
  await access.patch(podRef(name), { type: "merge", body: { metadata: { annotations } } });
}

/** A pod on `node-1` that asks for a branch ENI. */
export function branchPod(name: string, container: object = {}): KubernetesObject {
  return pod(name, { ...WISH, ...container }, { nodeName: "node-1" });
}
