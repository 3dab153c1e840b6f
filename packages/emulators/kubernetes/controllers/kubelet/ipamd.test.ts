import { expect, test } from "vitest";
import type { CniNode, Pod } from "../objects.ts";
import { startTestCluster, type TestWorld } from "../testing/world.ts";

const FEATURE = { name: "SecurityGroupsForPods" };
const CNI_NODE = { group: "vpcresources.k8s.aws", resource: "cninodes", name: "node-1" };
/** The instance of `node-1`. */
const INSTANCE = "i-00000001";

/** A cluster of one node, or more, in which no instance has a trunk ENI. */
async function startTrunkless(nodes = 1): Promise<TestWorld> {
  const world = await startTestCluster(nodes);
  for (let number = 1; number <= nodes; number += 1) world.network.trunkless.add(`i-0000000${number}`);
  return world;
}

/** Sets the variables of the DaemonSet, which replaces its pods. */
async function setEnvironment({ access, clock }: TestWorld, variables: Record<string, string>) {
  const ref = { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" };
  const env = Object.entries({ ENABLE_POD_ENI: "true", ...variables }).map(([name, value]) => ({ name, value }));
  const containers = [{ name: "aws-node", image: "amazon-k8s-cni", env }];
  await access.patch(ref, { type: "merge", body: { spec: { template: { spec: { containers } } } } });
  await clock.advance(2_000);
}

function cniNode(name: string, features: object[] = []) {
  return { apiVersion: "vpcresources.k8s.aws/v1alpha1", kind: "CNINode", metadata: { name }, spec: { features } };
}

function featuresOf({ api }: TestWorld) {
  return api.all<CniNode>("cninodes").map(({ spec }) => spec?.features);
}

function restartsOf({ api }: TestWorld): number | undefined {
  const agent = api.all<Pod>("pods").find(({ metadata }) => metadata.labels?.["k8s-app"] === "aws-node");
  return agent?.status?.containerStatuses?.[0]?.restartCount;
}

/** What the daemon has read of CNINodes by now. */
const readsOf = ({ api }: TestWorld) => api.requests.filter((request) => request === "get cninodes").length;

test("switching ENABLE_POD_ENI on adds the feature to the CNINode of each node and keeps the others", async () => {
  const world = await startTrunkless(2);
  const custom = { name: "CustomNetworking", value: "zone-a" };
  await world.apply(cniNode("node-1", [custom]), cniNode("node-2"));
  await world.clock.advance(20_000);
  const before = featuresOf(world);

  await setEnvironment(world, {});
  await world.clock.advance(8_000);

  expect(before).toEqual([[custom], []]);
  expect(featuresOf(world)).toEqual([[custom, FEATURE], [FEATURE]]);
  expect(world.errors).toEqual([]);
});

test("a CNINode that comes late gets the feature within 5 seconds in an IPv4 cluster", async () => {
  const world = await startTrunkless();
  await setEnvironment(world, {});

  await world.apply(cniNode("node-1"));
  await world.clock.advance(1_000);
  const soon = featuresOf(world);
  await world.clock.advance(5_000);

  expect(soon).toEqual([[]]);
  expect(featuresOf(world)).toEqual([[FEATURE]]);
  expect(world.errors).toEqual([]);
});

test("in an IPv6 cluster a CNINode that comes late never gets the feature, until aws-node is replaced", async () => {
  const world = await startTrunkless();
  await setEnvironment(world, { ENABLE_IPv6: "true" });

  await world.apply(cniNode("node-1"));
  await world.clock.advance(600_000);
  const never = featuresOf(world);
  await setEnvironment(world, { ENABLE_IPv6: "true", RESTARTED: "now" });

  expect(never).toEqual([[]]);
  expect(featuresOf(world)).toEqual([[FEATURE]]);
});

test("a feature that is taken away comes back while no trunk is known, and not afterwards", async () => {
  const world = await startTrunkless();
  await world.apply(cniNode("node-1"));
  await setEnvironment(world, {});
  const take = () => world.access.patch(CNI_NODE, { type: "merge", body: { spec: { features: [] } } });

  await take();
  await world.clock.advance(5_000);
  const before = featuresOf(world);
  world.network.trunkless.clear();
  await world.clock.advance(5_000);
  await take();
  await world.clock.advance(60_000);

  expect(before).toEqual([[FEATURE]]);
  expect(featuresOf(world)).toEqual([[]]);
});

test("without room for another interface the feature is not asked for in an IPv4 cluster", async () => {
  const world = await startTrunkless();
  await world.apply(cniNode("node-1"));
  world.network.attached.set(INSTANCE, 3);
  await setEnvironment(world, {});
  await world.clock.advance(10_000);
  const full = featuresOf(world);

  world.network.attached.set(INSTANCE, 2);
  await world.clock.advance(5_000);

  expect([full, featuresOf(world)]).toEqual([[[]], [[FEATURE]]]);
});

test("a CNINode that changes between the daemon's reading and writing is written at the next try only", async () => {
  const world = await startTrunkless();
  await world.apply(cniNode("node-1"));
  const other = { name: "CustomNetworking", value: "zone-a" };
  world.api.afterNext("get cninodes", () => {
    void world.access.patch(CNI_NODE, { type: "merge", body: { spec: { features: [other] } } });
  });

  await setEnvironment(world, {});
  const after = featuresOf(world);
  await world.clock.advance(5_000);

  expect(after).toEqual([[other]]);
  expect(featuresOf(world)).toEqual([[other, FEATURE]]);
  expect(world.errors).toEqual([]);
});

test("once a trunk is known, nobody asks any more", async () => {
  const world = await startTestCluster(1);
  await world.apply(cniNode("node-1"));
  await setEnvironment(world, {});
  const reads = readsOf(world);

  await world.clock.advance(60_000);

  expect([reads, readsOf(world)]).toEqual([1, 1]);
});

test("with custom networking the CNINode first gets the ENIConfig that the node's label names", async () => {
  const world = await startTrunkless();
  await world.apply(cniNode("node-1", [{ name: "CustomNetworking", value: "old" }]));
  await setEnvironment(world, {
    AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: "true",
    ENI_CONFIG_LABEL_DEF: "topology.kubernetes.io/zone",
  });

  expect(featuresOf(world)).toEqual([[{ name: "CustomNetworking", value: "us-west-2a" }, FEATURE]]);
});

test("with custom networking and no CNINode aws-node ends and is started again, until there is one", async () => {
  const world = await startTrunkless();
  const named = { metadata: { labels: { "k8s.amazonaws.com/eniConfig": "zone-a" } } };
  await world.access.patch({ group: "", resource: "nodes", name: "node-1" }, { type: "merge", body: named });
  await setEnvironment(world, { AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: "true" });
  const before = restartsOf(world);
  await world.clock.advance(11_000);
  const again = restartsOf(world);

  await world.apply(cniNode("node-1"));
  await world.clock.advance(21_000);
  const restarts = restartsOf(world);
  await world.clock.advance(60_000);

  expect([before, again, restarts, restartsOf(world)]).toEqual([0, 1, 2, 2]);
  expect(featuresOf(world)).toEqual([[{ name: "CustomNetworking", value: "zone-a" }, FEATURE]]);
});

test("with custom networking a node that names no ENIConfig asks for a trunk alone", async () => {
  const world = await startTrunkless();
  await world.apply(cniNode("node-1"));
  await setEnvironment(world, { AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: "true" });

  expect([featuresOf(world), restartsOf(world)]).toEqual([[[FEATURE]], 0]);
});
