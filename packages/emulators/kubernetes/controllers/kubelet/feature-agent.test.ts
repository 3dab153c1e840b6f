import { expect, test } from "vitest";
import type { CniNode } from "../objects.ts";
import { startTestCluster, type TestWorld } from "../testing/world.ts";

const FEATURE = { name: "SecurityGroupsForPods" };

async function setEnabled({ access, clock }: TestWorld, value: string) {
  const ref = { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" };
  const containers = [{ name: "aws-node", image: "amazon-k8s-cni", env: [{ name: "ENABLE_POD_ENI", value }] }];
  await access.patch(ref, { type: "merge", body: { spec: { template: { spec: { containers } } } } });
  await clock.advance(10_000);
}

function cniNode(name: string, features: object[] = []) {
  return { apiVersion: "vpcresources.k8s.aws/v1alpha1", kind: "CNINode", metadata: { name }, spec: { features } };
}

function featuresOf({ api }: TestWorld) {
  return api.all<CniNode>("cninodes").map(({ spec }) => spec?.features);
}

test("switching ENABLE_POD_ENI on adds the feature to the CNINode of each node and keeps the others", async () => {
  const world = await startTestCluster(2);
  const custom = { name: "CustomNetworking", value: "zone-a" };
  await world.apply(cniNode("node-1", [custom]), cniNode("node-2"));
  await world.clock.advance(2_000);
  const before = featuresOf(world);

  await setEnabled(world, "true");

  expect(before).toEqual([[custom], []]);
  expect(featuresOf(world)).toEqual([[custom, FEATURE], [FEATURE]]);
});

test("a CNINode that comes late gets the feature too", async () => {
  const world = await startTestCluster(1);
  await setEnabled(world, "true");

  await world.apply(cniNode("node-1"));
  await world.clock.advance(1_000);

  expect(featuresOf(world)).toEqual([[FEATURE]]);
  expect(world.errors).toEqual([]);
});

test("the plugin asks only when it starts: a feature that is taken away stays away", async () => {
  const world = await startTestCluster(1);
  await world.apply(cniNode("node-1"));
  await setEnabled(world, "true");

  const ref = { group: "vpcresources.k8s.aws", resource: "cninodes", name: "node-1" };
  await world.access.patch(ref, { type: "merge", body: { spec: { features: [] } } });
  await world.clock.advance(10_000);

  expect(featuresOf(world)).toEqual([[]]);
});
