import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TYPICAL_LATENCY } from "@trunkline/emulator-ec2";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import { forkTrunkline, startWorld, type TrunklineProcess, type World, writeWorldFiles } from "@trunkline/local";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const nodesCount = 34;
const podsCount = 300;
const annotationKey = "vpc.amazonaws.com/pod-eni";
/** The floor is (300 − 50) associations at 5 a second; the rest is trunks, one chain of calls and the margin for skew. */
const withinMilliseconds = 120_000;

let folder: string;
let world: World;
let trunkline: TrunklineProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "burst-"));
  world = await startWorld({
    region: "us-west-2",
    cluster: "demo",
    ports: { kubernetes: 0, ec2: 0, sqs: 0, dynamodb: 0 },
    nodes: { count: nodesCount, instanceType: "m5.large" },
    ec2: { latency: TYPICAL_LATENCY },
    onError: () => {},
  });
  await writeWorldFiles(folder, world.facts);
  trunkline = await forkTrunkline({ folder });
});

afterAll(async () => {
  await trunkline?.stop();
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

const api = () => world.kubernetes.api.as("administrator");

/** Looks until `probe` holds; the time is a bound against hanging, not a measure. */
const until = async (what: string, probe: () => Promise<boolean>) => {
  const deadline = performance.now() + withinMilliseconds;
  while (!(await probe())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMilliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
};

const pods = async (): Promise<readonly KubernetesObject[]> =>
  (await api().list({ group: "", resource: "pods", namespace: "burst" })).objects;

const eniOf = (pod: KubernetesObject): string | undefined => {
  const value = pod.metadata.annotations?.[annotationKey];
  return value === undefined ? undefined : (JSON.parse(value) as { eniId: string }[])[0]?.eniId;
};

const switchOn = async () => {
  const env = [{ name: "ENABLE_POD_ENI", value: "true" }];
  await api().patch(
    { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" },
    { type: "strategic", body: { spec: { template: { spec: { containers: [{ name: "aws-node", env }] } } } } },
  );
};

const readyNodes = async (): Promise<number> => {
  const { objects } = await api().list({ group: "", resource: "nodes" });
  return objects.filter(
    (node) => (node.status as { allocatable?: Record<string, string> })?.allocatable?.[annotationKey] === "9",
  ).length;
};

const createBurst = async () => {
  const metadata = { name: "burst", namespace: "burst" };
  await api().create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "burst" } });
  await api().create({
    apiVersion: "vpcresources.k8s.aws/v1beta1",
    kind: "SecurityGroupPolicy",
    metadata,
    spec: {
      podSelector: { matchLabels: { app: "burst" } },
      securityGroups: { groupIds: [world.facts.podGroupId] },
    },
  });
  await api().create({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      replicas: podsCount,
      selector: { matchLabels: { app: "burst" } },
      template: {
        metadata: { labels: { app: "burst" } },
        spec: { containers: [{ name: "pause", image: "registry.k8s.io/pause:3.10" }] },
      },
    },
  });
};

const callsOf = (action: string): number => world.ec2.model().stats()[action]?.calls ?? 0;

/**
 * How many messages told of each pod's wish: the forwarder's own, and a copy for each time that it was put off. Two of them are enough
 * where workers are never late, which `packages/allocator/burst.test.ts` holds in virtual time; here they are only printed.
 */
const wishesByPod = (): readonly number[] => {
  const bodies = world.queues.server.spy
    .getAllMessages()
    .flatMap((message) => (message.service === "sqs" && message.status === "published" ? [message.body] : []))
    .map((body) => JSON.parse(body) as { type?: string; pod?: { podUid: string } });
  const wishes = bodies.filter(({ type }) => type === "PodObserved");
  return [...Map.groupBy(wishes, ({ pod }) => pod?.podUid).values()].map(({ length }) => length);
};

const deadLetters = (): number =>
  ["demo-pod-events", "demo-node-events", "demo-outcomes", "branch-cooldown", "instance-events"]
    .map((name) => world.queues.server.inspectQueue(`trunkline-local-${name}-dead-letters`)?.messages.ready.length ?? 0)
    .reduce((sum, count) => sum + count, 0);

describe("a burst of 300 pods on 34 nodes", () => {
  it("gives every pod its ENI within the account's rate, and wastes none", async () => {
    await switchOn();
    await until("34 trunks are ready", async () => (await readyNodes()) === nodesCount);
    const createsBefore = callsOf("CreateNetworkInterface");
    const begin = performance.now();

    await createBurst();
    await until("300 pods run with their ENI", async () => {
      const all = await pods();
      const running = all.filter((pod) => (pod.status as { phase?: string })?.phase === "Running" && eniOf(pod));
      return running.length === podsCount;
    });

    const seconds = (performance.now() - begin) / 1_000;
    const stats = Object.values(world.ec2.model().stats());
    const calls = stats.reduce((sum, each) => sum + each.calls, 0);
    const throttled = stats.reduce((sum, each) => sum + each.throttled, 0);
    const wishes = wishesByPod();
    console.info(
      `300 pods in ${seconds.toFixed(1)} s (floor 50 s); ${throttled} of ${calls} calls throttled; ` +
        `messages per pod: at most ${Math.max(...wishes)}, ${wishes.reduce((sum, one) => sum + one, 0)} in all`,
    );
    const enis = (await pods()).map(eniOf);
    expect(enis).toHaveLength(podsCount);
    expect(new Set(enis).size).toBe(podsCount);
    expect(callsOf("CreateNetworkInterface") - createsBefore).toBe(podsCount);
    expect(world.ec2.model().state().associations).toHaveLength(podsCount);
    expect(throttled / calls).toBeLessThan(0.01);
    expect(deadLetters()).toBe(0);
    expect(wishes).toHaveLength(podsCount);
  });
});
