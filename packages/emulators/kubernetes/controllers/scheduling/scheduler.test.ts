import { expect, test } from "vitest";
import type { Pod } from "../objects.ts";
import { deployment, pod, startTestCluster, type TestWorld } from "../testing/world.ts";

const POD_ENI = "vpc.amazonaws.com/pod-eni";

async function giveCapacity({ access, clock }: TestWorld, node: string, amount: string) {
  const body = { status: { capacity: { [POD_ENI]: amount } } };
  await access.patch({ group: "", resource: "nodes", name: node }, { type: "merge", body, subresource: "status" });
  // Until the kubelet's next status.
  await clock.advance(10_000);
}

function scheduled(found: Pod | undefined) {
  return found?.status?.conditions?.find(({ type }) => type === "PodScheduled");
}

const wish = { resources: { limits: { [POD_ENI]: "1" }, requests: { [POD_ENI]: "1" } } };

test("a pod that fits nowhere waits with the reason, and is bound when another leaves", async () => {
  const world = await startTestCluster(2);
  await giveCapacity(world, "node-1", "1");
  await giveCapacity(world, "node-2", "1");
  await world.apply(pod("a", wish), pod("b", wish), pod("c", wish));
  await world.clock.advance(2_000);
  const waiting = world.pods("c")[0];

  await world.access.delete({ group: "", resource: "pods", namespace: "default", name: "a" });
  await world.clock.advance(2_000);

  const message =
    "0/2 nodes are available: 2 Insufficient vpc.amazonaws.com/pod-eni. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";
  expect(waiting?.spec.nodeName).toBeUndefined();
  expect(scheduled(waiting)).toMatchObject({ status: "False", reason: "Unschedulable", message });
  expect(world.events("FailedScheduling")).toEqual([{ message, count: 1, about: "c" }]);
  expect(world.pods("c")[0]?.spec.nodeName).toBeDefined();
  expect(world.errors).toEqual([]);
});

test("a pod that waits for an extended resource is bound when the capacity comes", async () => {
  const world = await startTestCluster(1);
  await world.apply(pod("a", wish));
  await world.clock.advance(1_000);
  const before = world.pods("a")[0]?.spec.nodeName;

  await giveCapacity(world, "node-1", "9");

  expect([before, world.pods("a")[0]?.spec.nodeName]).toEqual([undefined, "node-1"]);
});

test("the event of a binding names the pod and the node", async () => {
  const world = await startTestCluster(1);

  await world.apply(pod("a"));
  await world.clock.advance(1_000);

  const [event] = world.events("Scheduled").filter(({ about }) => about === "a");
  expect(event?.message).toBe("Successfully assigned default/a to node-1");
});

test("a pod with a node name of its own is not touched", async () => {
  const world = await startTestCluster(2);

  await world.apply(pod("a", {}, { nodeName: "node-2", nodeSelector: { none: "such" } }));
  await world.clock.advance(1_000);

  expect(world.pods("a")[0]?.status?.phase).toBe("Running");
  expect(world.events("Scheduled").filter(({ about }) => about === "a")).toEqual([]);
});

test("a pod of another scheduler is left to it", async () => {
  const world = await startTestCluster(1);

  await world.apply(pod("a", {}, { schedulerName: "mine" }));
  await world.clock.advance(1_000);

  expect(world.pods("a")[0]?.spec.nodeName).toBeUndefined();
});

test("many pods at once are spread evenly and never beyond what a node has", async () => {
  const world = await startTestCluster(4);
  await world.apply(deployment("web", 60));

  await world.clock.advance(10_000);

  const counts = [1, 2, 3, 4].map(
    (node) => world.pods("web").filter(({ spec }) => spec.nodeName === `node-${node}`).length,
  );
  expect(counts).toEqual([15, 15, 15, 15]);
});
