import { expect, test } from "vitest";
import { type ApiAccess, createKubernetesModel, type KubernetesObject } from "../index.ts";
import {
  awsNodeManifests,
  type ControllerSettings,
  type Controllers,
  coreDnsManifests,
  startControllers,
} from "./index.ts";
import type { DaemonSet, Deployment, Job, Pod } from "./objects.ts";
import { createRandom, createVirtualClock, type VirtualClock } from "./testing/virtual-clock.ts";
import { createTestNetwork, deployment } from "./testing/world.ts";

/*
 * The other tests run the controllers on an API server in memory, which forgives much. These run them on the emulator's
 * own: with its defaults, validation, admission, garbage collection and namespaces.
 */

interface World {
  access: ApiAccess;
  clock: VirtualClock;
  controllers: Controllers;
  errors: unknown[];
  network: ReturnType<typeof createTestNetwork>;
  all<T extends KubernetesObject>(group: string, resource: string, namespace?: string): Promise<T[]>;
  stop(): Promise<void>;
}

async function startWorld(nodes: number, settings: Partial<ControllerSettings> = {}): Promise<World> {
  const clock = createVirtualClock();
  const random = createRandom(7);
  const callWebhook = () => Promise.reject(new Error("this world has no webhooks"));
  const model = await createKubernetesModel({ clock, random, callWebhook });
  const access = model.api.as("kubernetes-admin");
  const network = createTestNetwork();
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const controllers = startControllers({ api: model.api, clock, random, network, settings: { onError, ...settings } });
  for (const object of [...awsNodeManifests(), ...coreDnsManifests(2)]) await access.create(object);
  for (let number = 1; number <= nodes; number += 1) {
    await controllers.registerNode({
      instanceId: `i-000000${String(number).padStart(2, "0")}`,
      availabilityZone: "us-west-2a",
      privateIp: `192.168.0.${number}`,
      instanceType: "m5.large",
    });
  }
  await clock.advance(5_000);
  return {
    access,
    clock,
    controllers,
    errors,
    network,
    async all<T extends KubernetesObject>(group: string, resource: string, namespace = "default") {
      return (await access.list({ group, resource, namespace })).objects as T[];
    },
    async stop() {
      await controllers.stop();
      model.stop();
    },
  };
}

const WEB = { group: "apps", resource: "deployments", namespace: "default", name: "web" };

test("CNI plugin and CoreDNS run on a new cluster", async () => {
  const world = await startWorld(2);

  const pods = await world.all<Pod>("", "pods", "kube-system");
  const [endpoints] = await world.all("", "endpoints", "kube-system");

  expect(pods.map(({ status }) => status?.phase)).toEqual(Array(4).fill("Running"));
  expect(endpoints?.subsets).toMatchObject([{ addresses: [{ ip: "10.0.1.1" }, { ip: "10.0.1.2" }] }]);
  expect(world.errors).toEqual([]);
  await world.stop();
});

test("a Deployment rolls out, restarts, goes back and scales", async () => {
  const world = await startWorld(2);
  const { access, clock } = world;
  const seen: string[] = [];
  const remember = async () => {
    await clock.advance(10_000);
    const [stored] = await world.all<Deployment>("apps", "deployments");
    const { updatedReplicas, replicas, availableReplicas, observedGeneration } = stored?.status ?? {};
    const revision = stored?.metadata.annotations?.["deployment.kubernetes.io/revision"];
    const isObserved = observedGeneration === stored?.metadata.generation;
    seen.push([revision, replicas, updatedReplicas, availableReplicas, isObserved].join(" "));
  };
  const template = (metadata: object) => ({ type: "strategic" as const, body: { spec: { template: { metadata } } } });

  await access.create(deployment("web", 4));
  await remember();
  await access.patch(WEB, template({ annotations: { "kubectl.kubernetes.io/restartedAt": "now" } }));
  await remember();
  await access.patch(WEB, template({ annotations: null }));
  await remember();
  await access.patch(WEB, { type: "merge", body: { spec: { replicas: 6 } } });
  await remember();

  expect(seen).toEqual(["1 4 4 4 true", "2 4 4 4 true", "3 4 4 4 true", "3 6 6 6 true"]);
  expect(await world.all("apps", "replicasets")).toHaveLength(2);
  expect(world.errors).toEqual([]);
  await world.stop();
});

test("`kubectl set env` on aws-node replaces its pods, and `rollout undo` brings the old ones back", async () => {
  const world = await startWorld(2);
  const { access, clock } = world;
  const ref = { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" };
  const enabled = async () => {
    await clock.advance(10_000);
    const pods = await world.all<Pod>("", "pods", "kube-system");
    const agents = pods.filter(({ metadata }) => metadata.labels?.["k8s-app"] === "aws-node");
    return agents.map(({ spec }) => spec.containers[0]?.env?.find(({ name }) => name === "ENABLE_POD_ENI")?.value);
  };

  const env = [{ name: "ENABLE_POD_ENI", value: "true" }];
  const body = { spec: { template: { spec: { containers: [{ name: "aws-node", env }] } } } };
  await access.patch(ref, { type: "strategic", body });
  const after = await enabled();
  const revisions = await world.all<KubernetesObject & { revision: number; data: object }>(
    "apps",
    "controllerrevisions",
    "kube-system",
  );
  const first = revisions.find(({ revision }) => revision === 1);
  await access.patch(ref, { type: "strategic", body: first?.data });
  const undone = await enabled();

  const [daemonSet] = await world.all<DaemonSet>("apps", "daemonsets", "kube-system");
  expect([after, undone]).toEqual([
    ["true", "true"],
    ["false", "false"],
  ]);
  expect(daemonSet?.status).toMatchObject({ desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 });
  expect(world.errors).toEqual([]);
  await world.stop();
});

test("a Job completes, and its pod keeps its log and its address but not its network", async () => {
  const world = await startWorld(1);
  const containers = [{ name: "main", image: "busybox", command: ["sh", "-c", "echo done; sleep 3"] }];
  const spec = { template: { spec: { restartPolicy: "Never", containers } } };
  const before = world.network.assigned.length;

  await world.access.create({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "work", namespace: "default" },
    spec,
  });
  await world.clock.advance(10_000);

  const [job] = await world.all<Job>("batch", "jobs");
  const [pod] = await world.all<Pod>("", "pods");
  expect(job?.status).toMatchObject({ succeeded: 1, active: 0 });
  expect(pod?.status).toMatchObject({ phase: "Succeeded", podIP: "10.0.1.3" });
  expect(world.controllers.logs.lines("default", pod?.metadata.name ?? "", "main")).toEqual(["done"]);
  expect(world.network.assigned).toHaveLength(before);
  await world.stop();
});

test("a namespace that is deleted goes with everything in it, without a complaint", async () => {
  const world = await startWorld(2);
  const before = world.network.assigned.length;
  await world.access.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  await world.clock.advance(100);
  const web = deployment("web", 3);
  await world.access.create({ ...web, metadata: { ...web.metadata, namespace: "shop" } });
  await world.clock.advance(5_000);
  const running = (await world.all("", "pods", "shop")).length;

  await world.access.delete({ group: "", resource: "namespaces", name: "shop" });
  await world.clock.advance(10_000);

  const { objects } = await world.access.list({ group: "", resource: "namespaces" });
  expect(running).toBe(3);
  expect(objects.map(({ metadata }) => metadata.name)).not.toContain("shop");
  expect(world.network.assigned).toHaveLength(before);
  expect(world.errors).toEqual([]);
  await world.stop();
});

test("a Deployment that is deleted takes its ReplicaSets and pods with it", async () => {
  const world = await startWorld(1);
  await world.access.create(deployment("web", 2));
  await world.clock.advance(5_000);

  await world.access.delete(WEB);
  await world.clock.advance(5_000);

  const left = [...(await world.all("apps", "replicasets")), ...(await world.all("", "pods"))];
  expect(left).toEqual([]);
  await world.stop();
});

test("300 pods on 34 nodes are running within virtual seconds", async () => {
  const world = await startWorld(34);

  await world.access.create(deployment("web", 300));
  await world.clock.advance(3_000);

  const [stored] = await world.all<Deployment>("apps", "deployments");
  expect(stored?.status).toMatchObject({ availableReplicas: 300 });
  expect(world.errors).toEqual([]);
  await world.stop();
});
