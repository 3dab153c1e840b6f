import { expect, test } from "vitest";
import { pod, startTestCluster, type TestWorld } from "../testing/world.ts";
import { POD_ENI } from "./pod-eni.ts";

const WISH = { resources: { limits: { [POD_ENI]: "1" } } };
const SERVER = "10.0.7.1";
const CLIENT = "10.0.7.2";
const TIMED_OUT = "curl: (28) Connection timed out after 5001 milliseconds";

function annotated(object: ReturnType<typeof pod>, address: string) {
  const branch = { eniId: `eni-${address}`, ifAddress: "0a", privateIp: address, vlanId: 1, subnetCidr: "10.0.0.0/16" };
  const annotations = { [POD_ENI]: JSON.stringify([branch]) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** A server and a client with branches of their own, both on node-1, in a mode of the CNI plugin. */
async function startNeighbours(mode: string): Promise<TestWorld> {
  const world = await startTestCluster(1);
  const env = [
    { name: "ENABLE_POD_ENI", value: "true" },
    { name: "POD_SECURITY_GROUP_ENFORCING_MODE", value: mode },
  ];
  const containers = [{ name: "aws-node", image: "amazon-k8s-cni", env }];
  const awsNode = { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" };
  await world.access.patch(awsNode, { type: "merge", body: { spec: { template: { spec: { containers } } } } });
  await world.clock.advance(5_000);
  const asking = { ...WISH, image: "curl", env: [{ name: "TARGETS", value: SERVER }] };
  await world.apply(
    annotated(pod("server", WISH, { nodeName: "node-1" }), SERVER),
    annotated(pod("client", asking, { nodeName: "node-1" }), CLIENT),
  );
  await world.clock.advance(1_000);
  return world;
}

async function lastLine({ clock, controllers }: TestWorld): Promise<string | undefined> {
  await clock.advance(3_000);
  return controllers.logs.lines("default", "client", "main")?.at(-1);
}

test("in strict mode the groups decide even between two branches of one node", async () => {
  const world = await startNeighbours("strict");
  const open = await lastLine(world);

  world.network.dropped.add(`${CLIENT} ${SERVER} 80`);

  expect([open, await lastLine(world)]).toEqual(["Welcome to server", TIMED_OUT]);
});

test("in standard mode no group decides within a node", async () => {
  const world = await startNeighbours("standard");

  world.network.dropped.add(`${CLIENT} ${SERVER} 80`);

  expect(await lastLine(world)).toBe("Welcome to server");
});

test.each([SERVER, CLIENT])(
  "nothing passes when EC2 does not know the branch %s under its VLAN ID",
  async (address) => {
    const world = await startNeighbours("strict");

    world.network.unwired.add(`eni-${address}`);

    expect(await lastLine(world)).toBe(TIMED_OUT);
  },
);

test("a pod that is gone answers no more", async () => {
  const world = await startNeighbours("strict");

  await world.access.delete({ group: "", resource: "pods", namespace: "default", name: "server" });
  await world.clock.advance(1_000);

  expect(await lastLine(world)).toBe(TIMED_OUT);
});
