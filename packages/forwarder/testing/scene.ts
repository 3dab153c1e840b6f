import type { Incarnation, InstanceId, NodeUid, PodEniAssigned, PodUid } from "@trunkline/core";
import { createForwarder, type Forwarder } from "../forwarder.ts";
import type { Log } from "../ports/log.ts";
import { createFakeApi, type FakeApi, type FakeObject } from "./fake-api.ts";
import { createFakeQueues, type FakeQueues } from "./fake-queues.ts";
import { createRecordedMetrics, type RecordedMetrics } from "./recorded-metrics.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

export const paths = {
  pods: "/api/v1/pods",
  nodes: "/api/v1/nodes",
  events: "/api/v1/events",
  namespaces: "/api/v1/namespaces",
  serviceAccounts: "/api/v1/serviceaccounts",
  configMaps: "/api/v1/configmaps",
  policies: "/apis/vpcresources.k8s.aws/v1beta1/securitygrouppolicies",
  cniNodes: "/apis/vpcresources.k8s.aws/v1alpha1/cninodes",
  eniConfigs: "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs",
} as const;

export const instanceId = "i-0123456789abcdef0" as InstanceId;
export const incarnation = "uid-kube-system" as Incarnation;
export const nodeUid = "uid-node-a" as NodeUid;
export const podEniKey = "vpc.amazonaws.com/pod-eni";

/** A pod on node-a that asks for one branch ENI. */
export const aPod = (name: string, change: Partial<FakeObject> = {}): FakeObject => ({
  metadata: { name, namespace: "default", labels: { role: "db" } },
  spec: {
    nodeName: "node-a",
    serviceAccountName: "default",
    containers: [{ name: "a", resources: { requests: { [podEniKey]: "1" } } }],
  },
  status: { phase: "Pending" },
  ...change,
});

export const aNode = (name = "node-a", change: Partial<FakeObject> = {}): FakeObject => ({
  metadata: { name, labels: { "kubernetes.io/os": "linux" } },
  spec: { providerID: `aws:///us-west-2a/${instanceId}` },
  status: { capacity: { cpu: "2" } },
  ...change,
});

export const aPolicy = (name: string, groupIds: readonly string[], role = "db"): FakeObject => ({
  metadata: { name, namespace: "default" },
  spec: { podSelector: { matchLabels: { role } }, securityGroups: { groupIds } },
});

export const assigned = (name: string, change: Partial<PodEniAssigned> = {}): PodEniAssigned => ({
  type: "PodEniAssigned",
  podUid: `uid-${name}` as PodUid,
  namespace: "default",
  name,
  instanceId,
  enis: [
    {
      eniId: "eni-0123456789abcdef0",
      ifAddress: "0a:1b:2c:3d:4e:5f",
      privateIp: "192.168.0.15",
      ipv6Addr: "",
      vlanId: 1,
      subnetCidr: "192.168.0.0/16",
      subnetV6Cidr: "",
      associationID: "trunk-assoc-0123",
    },
  ],
  ...change,
});

/** A forwarder on a cluster in memory, in virtual time. */
export interface Scene {
  readonly api: FakeApi;
  readonly queues: FakeQueues;
  readonly clock: VirtualClock;
  readonly forwarder: Forwarder;
  readonly logged: string[];
  readonly metrics: RecordedMetrics;
  /** Starts the forwarder and lets it settle. */
  start(): Promise<void>;
  /** Messages of a type that were sent since the last call of this for that type. */
  sent<Type extends FakeQueues["sent"][number]["type"]>(
    type: Type,
  ): readonly Extract<FakeQueues["sent"][number], { type: Type }>[];
  /** `reason message` of the events on an object, with the count when it is above 1. */
  events(name: string): readonly string[];
}

export const createScene = (
  settings: { snapshotSeconds?: number; excludedNamespaces?: readonly string[] } = {},
): Scene => {
  const api = createFakeApi();
  const clock = createVirtualClock();
  const queues = createFakeQueues(clock);
  const logged: string[] = [];
  const metrics = createRecordedMetrics();
  const log: Log = (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  api.put(paths.namespaces, { metadata: { name: "kube-system" } });
  const forwarder = createForwarder({
    api,
    queues,
    clock,
    random: () => 0.5,
    log,
    metrics,
    settings: {
      clusterName: "test",
      snapshotSeconds: settings.snapshotSeconds ?? 300,
      outcomeHeldSeconds: 60,
      excludedNamespaces: settings.excludedNamespaces ?? [],
      cooldownSeconds: 60,
      cooldownFloorSeconds: 30,
    },
  });
  const told = new Map<string, number>();
  return {
    api,
    queues,
    clock,
    forwarder,
    logged,
    metrics,
    start: async () => {
      const started = forwarder.start();
      await clock.advance(400);
      await started;
    },
    sent: (type) => {
      const all = queues.sent.filter((event) => event.type === type);
      const before = told.get(type) ?? 0;
      told.set(type, all.length);
      return all.slice(before) as never;
    },
    events: (name) =>
      api.requests
        .filter((request) => request.method === "POST" && request.path.endsWith("/events"))
        .map(
          (request) => request.body as { metadata: { name: string }; reason: string; involvedObject: { name: string } },
        )
        .filter((event) => event.involvedObject.name === name)
        .map((event) => api.get(paths.events, event.metadata.name) as FakeObject | undefined)
        .flatMap((event) => (event === undefined ? [] : [`${event.reason} ${event.message}`])),
  };
};
