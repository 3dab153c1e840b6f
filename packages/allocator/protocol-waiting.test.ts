import { branded } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handlePodEvents } from "./index.ts";
import {
  addInstance,
  assignedPods,
  branchOf,
  createTestWorld,
  delivered,
  fill,
  nodeObserved,
  podGone,
  podObserved,
  podUid,
  readyWorld,
  type TestWorld,
  testSubnet,
} from "./testing/index.ts";

const copies = (world: TestWorld): number =>
  world.pending().filter(({ to, body }) => to === "pod-events" && body.type === "PodObserved").length;

const freeAddresses = (world: TestWorld, count: number): void => {
  const subnet = world.ec2.subnets.get(testSubnet);
  if (subnet !== undefined) world.ec2.subnets.set(testSubnet, { ...subnet, freeAddresses: count });
};

describe("the ledger protocol: waiting", () => {
  it("P15: duplicates and redeliveries of a waiting pod do not multiply its copies", async () => {
    const world = await readyWorld();
    await fill(world, 9);

    for (let repeat = 0; repeat < 5; repeat += 1) world.send(podObserved(10));
    await world.run(1);

    expect(copies(world)).toBe(1);
    await world.run(3_000);
    expect(copies(world)).toBe(1);
  });

  it("P15: a worker that dies between writing the wish down and sending its copy breaks no chain", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    world.tap.hook = ({ port, method }, phase) => {
      if (port !== "outbox" || method !== "send" || phase !== "before") return;
      world.tap.hook = undefined;
      throw new Error("The worker was killed.");
    };

    world.send(podObserved(10));
    await world.run(200);

    expect(copies(world)).toBe(1);
    expect(await branchOf(world, 10)).toMatchObject({ status: "waiting", reason: "node-full" });
  });

  it("P15: a chain that was lost is taken over by any message for the pod", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    await handlePodEvents(world.dependencies, [delivered(podObserved(10))]);
    world.outbox.sent.splice(0);
    world.clock.advance(400_000);

    await handlePodEvents(world.dependencies, [delivered(podObserved(10), { sentAt: world.clock.now() })]);

    expect(world.outbox.sent.map(({ envelope }) => envelope)).toContainEqual(
      expect.objectContaining({ to: "pod-events", body: expect.objectContaining({ chain: 2 }) }),
    );
  });

  it("P16: a pod that ends on a full node lets the one that waited longest in, at once", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    world.send(podObserved(10));
    await world.run(2);
    world.send(podObserved(11));
    await world.run(2);

    world.send(podGone(3));
    await world.run(1);

    expect(assignedPods(world)).toContain(podUid(10));
    expect(assignedPods(world)).not.toContain(podUid(11));
    expect(await branchOf(world, 11)).toMatchObject({ status: "waiting" });
  });

  it("P16: pods that came before their node's trunk are served as soon as it is ready", async () => {
    const world = createTestWorld();
    addInstance(world);
    world.send(podObserved(1));
    await world.run(1);
    expect(await branchOf(world, 1)).toMatchObject({ status: "waiting", reason: "trunk-not-ready" });

    world.send(nodeObserved());
    await world.run(5);

    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P16: while a subnet is full one probe goes to EC2 every 10 s, and relief lets everybody in", async () => {
    const world = await readyWorld();
    freeAddresses(world, 0);
    for (let number = 1; number <= 5; number += 1) world.send(podObserved(number));
    await world.run(1);
    const before = world.ec2.calls.length;

    await world.run(100);
    expect(world.ec2.calls.length - before).toBeLessThanOrEqual(11);
    freeAddresses(world, 100);
    await world.run(15);

    expect(new Set(assignedPods(world)).size).toBe(5);
    const told = world.outbox.outcomes().filter(({ type }) => type === "PodEniDelayed");
    expect(told).toHaveLength(5);
  });

  it("P16: an address that a branch gives back lets a waiting pod of another node in", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0, addressProbeSeconds: 900 });
    await fill(world, 1);
    freeAddresses(world, 0);
    const other = addInstance(world, branded("i-0123456789abcdef1"));
    world.send(nodeObserved(other));
    freeAddresses(world, 1);
    await world.run(5);
    world.send(podObserved(2, {}, { instanceId: other }));
    await world.run(1);
    expect(assignedPods(world)).toEqual([podUid(1)]);

    world.send(podGone(1));
    await world.run(70);

    expect(assignedPods(world)).toEqual([podUid(1), podUid(2)]);
  });
});
