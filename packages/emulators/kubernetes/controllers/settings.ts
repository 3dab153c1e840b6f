import type { Program } from "./programs/program.ts";

/** What an instance type gives to its node. */
export interface InstanceShape {
  cpu: number;
  memoryMib: number;
  /** Interfaces and addresses per interface, from which the number of pods follows. */
  interfaces: number;
  ipv4PerInterface: number;
}

/** How the controllers, the scheduler and the kubelets behave. The defaults are those of a real node. */
export interface ControllerSettings {
  /** How long one second of a manifest (probe periods, back-offs, `sleep`) lasts here, in milliseconds. */
  secondMs: number;
  /**
   * The pause before a sandbox that failed is tried again, which kubelet lengthens by up to a half. A change of the
   * pod's specification, labels or annotations ends it at once. `backOffPeriod` in
   * https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kubelet.go.
   */
  sandboxRetryMs: number;
  /**
   * How often kubelet writes its node's status, and allocatable with it: `nodeStatusUpdateFrequency` in
   * https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/.
   */
  nodeStatusMs: number;
  /**
   * How often the CNI plugin looks for a trunk ENI that it does not know yet: `ipPoolMonitorInterval` in
   * https://github.com/aws/amazon-vpc-cni-k8s/blob/master/pkg/ipamd/ipamd.go.
   */
  cniPollMs: number;
  imagePullMs: number;
  /** How long containers take to end after a deletion, at most the pod's grace period. */
  terminationMs: number;
  heartbeatMs: number;
  /** How long a pod whose node is gone stays before it is removed. */
  podGcMs: number;
  /** The shape of an instance type, asked once when its node joins. */
  instanceShape(instanceType: string): InstanceShape;
  /** Whether something outside the cluster, such as a database, listens there. */
  listeners(address: string, port: number): boolean;
  /** The address of a name outside the cluster, such as a database's, as CoreDNS would forward it. */
  resolveExternal(host: string): string | undefined;
  /** Programs that are asked before the built-in ones. */
  programs: Program[];
  /** Told what went wrong inside; it is tried again whatever happens here. */
  onError(error: unknown): void;
}

const KNOWN_SHAPES: Record<string, InstanceShape> = {
  "m5.large": { cpu: 2, memoryMib: 7_720, interfaces: 3, ipv4PerInterface: 10 },
  "m5.xlarge": { cpu: 4, memoryMib: 15_730, interfaces: 4, ipv4PerInterface: 15 },
  "m5.2xlarge": { cpu: 8, memoryMib: 31_500, interfaces: 4, ipv4PerInterface: 15 },
  "t3.medium": { cpu: 2, memoryMib: 3_840, interfaces: 3, ipv4PerInterface: 6 },
};

/** The shape of an m5.large, for types that nobody described. */
const DEFAULT_SHAPE: InstanceShape = { cpu: 2, memoryMib: 7_720, interfaces: 3, ipv4PerInterface: 10 };

/** The defaults: real seconds, and no time lost on pulling and ending. */
export const DEFAULT_SETTINGS: ControllerSettings = {
  secondMs: 1_000,
  sandboxRetryMs: 10_000,
  nodeStatusMs: 10_000,
  cniPollMs: 5_000,
  imagePullMs: 50,
  terminationMs: 200,
  heartbeatMs: 10_000,
  podGcMs: 2_000,
  instanceShape: (instanceType) => KNOWN_SHAPES[instanceType] ?? DEFAULT_SHAPE,
  listeners: () => false,
  resolveExternal: () => undefined,
  programs: [],
  onError: () => undefined,
};
