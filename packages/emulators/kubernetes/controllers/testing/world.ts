import type { ApiAccess, KubernetesObject } from "../../ports.ts";
import {
  awsNodeManifests,
  type ControllerSettings,
  type Controllers,
  type Network,
  startControllers,
} from "../index.ts";
import { nameOf, type Pod } from "../objects.ts";
import { createMemoryApi, type MemoryApi } from "./memory-api.ts";
import { createRandom, createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

/** The wire as a test wants it. */
export interface TestNetwork extends Network {
  /** Flows that are dropped, as `from to port`; `*` stands for anything. */
  dropped: Set<string>;
  /** ENIs that are not what their annotation says. */
  unwired: Set<string>;
  assigned: string[];
  /** Instances without a trunk ENI; all others have one. */
  trunkless: Set<string>;
  /** How many interfaces an instance has, where it is not 1. */
  attached: Map<string, number>;
}

/** A small cluster in virtual time. */
export interface TestWorld {
  api: MemoryApi;
  access: ApiAccess;
  clock: VirtualClock;
  network: TestNetwork;
  controllers: Controllers;
  errors: unknown[];
  /** The pods with this name, or whose name begins with it and a hyphen. */
  pods(prefix: string): Pod[];
  apply(...objects: KubernetesObject[]): Promise<void>;
  /** The messages of the events with this reason, oldest first. */
  events(reason: string): { message: string; count: number; about: string }[];
}

/** Makes a network in which everything passes. */
export function createTestNetwork(): TestNetwork {
  const dropped = new Set<string>();
  const unwired = new Set<string>();
  const assigned: string[] = [];
  const trunkless = new Set<string>();
  const attached = new Map<string, number>();
  return {
    trunkless,
    attached,
    dropped,
    unwired,
    assigned,
    assignSecondaryAddress() {
      const address = `10.0.1.${assigned.length + 1}`;
      assigned.push(address);
      return { address };
    },
    releaseSecondaryAddress: (_instanceId, address) => void assigned.splice(assigned.indexOf(address), 1),
    interfacesOf: (instanceId) => ({ attached: attached.get(instanceId) ?? 1, trunk: !trunkless.has(instanceId) }),
    branchIsWired: ({ eniId }) => !unwired.has(eniId),
    reach({ fromAddress, toAddress, port }) {
      const patterns = [`${fromAddress} ${toAddress} ${port}`, `${fromAddress} * ${port}`, `* ${toAddress} ${port}`];
      return !patterns.some((pattern) => dropped.has(pattern));
    },
  };
}

/** Starts the controllers on an API server in memory. */
export function startTestWorld(settings: Partial<ControllerSettings> = {}): TestWorld {
  const clock = createVirtualClock();
  const api = createMemoryApi(clock);
  const access = api.as("test");
  const network = createTestNetwork();
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const random = createRandom(1);
  const controllers = startControllers({ api, clock, random, network, settings: { onError, ...settings } });
  return {
    api,
    access,
    clock,
    network,
    controllers,
    errors,
    pods: (prefix) => api.all<Pod>("pods").filter((pod) => `${nameOf(pod)}-`.startsWith(`${prefix}-`)),
    async apply(...objects) {
      for (const object of objects) await access.create(object);
    },
    events: (reason) =>
      api
        .all("events")
        .filter((event) => event.reason === reason)
        .map((event) => ({
          message: String(event.message),
          count: Number(event.count),
          about: (event.involvedObject as { name: string }).name,
        })),
  };
}

/** A world with nodes `node-1` … and the CNI plugin running on each. */
export async function startTestCluster(nodes: number, settings: Partial<ControllerSettings> = {}): Promise<TestWorld> {
  const world = startTestWorld(settings);
  await world.apply(...awsNodeManifests());
  for (let number = 1; number <= nodes; number += 1) {
    await world.controllers.registerNode({
      instanceId: `i-000000${String(number).padStart(2, "0")}`,
      availabilityZone: "us-west-2a",
      privateIp: `10.0.0.${number}`,
      instanceType: "m5.large",
      name: `node-${number}`,
    });
  }
  await world.clock.advance(1_000);
  return world;
}

/** A Deployment of one container. */
export function deployment(
  name: string,
  replicas: number,
  container: object = {},
  spec: object = {},
): KubernetesObject {
  const labels = { app: name };
  const containers = [{ name, image: "nginx", ports: [{ containerPort: 80 }], ...container }];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
      ...spec,
    },
  };
}

/** A pod of one container. */
export function pod(name: string, container: object = {}, spec: object = {}): KubernetesObject {
  const containers = [{ name: "main", image: "nginx", ...container }];
  const metadata = { name, namespace: "default", labels: { app: name } };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers, ...spec } };
}
