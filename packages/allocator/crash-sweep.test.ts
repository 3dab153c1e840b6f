import type { Settings } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import {
  addInstance,
  crashAt,
  createTestWorld,
  nodeObserved,
  type Phase,
  podGone,
  podObserved,
  podUid,
  type TestWorld,
  testInstance,
} from "./testing/index.ts";

/** Long enough for every redelivery, cool-down and step deadline that a crash can bring on. */
const settleSeconds = 1_200;

const readyWorld = async (changes: Partial<Settings> = {}): Promise<TestWorld> => {
  const world = createTestWorld({ reuseIdleSeconds: 0, ...changes });
  addInstance(world);
  world.send(nodeObserved());
  await world.run(5);
  world.tap.calls.length = 0;
  return world;
};

const allocate = async (world: TestWorld): Promise<void> => {
  world.send(podObserved(1));
  await world.run(settleSeconds);
};

const release = async (world: TestWorld): Promise<void> => {
  world.send(podGone(1));
  await world.run(settleSeconds);
};

const expectOneEni = async (world: TestWorld): Promise<void> => {
  const enis = world.ec2.branches();
  expect(enis).toHaveLength(1);
  const assigned = world.outbox.outcomes().filter(({ type }) => type === "PodEniAssigned");
  expect(assigned.length).toBeGreaterThan(0);
  const [eni] = enis;
  for (const outcome of assigned) {
    expect(outcome).toMatchObject({
      podUid: podUid(1),
      enis: [{ eniId: eni?.eniId, vlanId: eni?.association?.vlanId, associationID: eni?.association?.associationId }],
    });
  }
  const { trunk, branches } = await world.ledger.load(testInstance);
  expect(trunk).toMatchObject({ held: 1 });
  expect(branches).toMatchObject([{ status: "associated" }]);
};

const expectNothing = async (world: TestWorld): Promise<void> => {
  expect(world.ec2.branches()).toEqual([]);
  const { trunk, branches } = await world.ledger.load(testInstance);
  expect(trunk).toMatchObject({ held: 0, vlans: "0".repeat(30) });
  expect(branches).toMatchObject([{ status: "gone" }]);
  expect(world.pending()).toEqual([]);
};

/** The number of port calls that a scenario makes when nothing goes wrong. */
const callsOf = async (scenario: (world: TestWorld) => Promise<void>): Promise<readonly number[]> => {
  const world = await readyWorld();
  await scenario(world);
  return world.tap.calls.map(({ number }) => number);
};

describe.each<Phase>(["before", "after"])("a worker that is killed %s a port call", (phase) => {
  it("leaves exactly one ENI, one VLAN ID and one assignment after redelivery", async () => {
    const numbers = await callsOf(allocate);
    expect(numbers.length).toBeGreaterThan(8);
    for (const number of numbers) {
      const world = await readyWorld();
      crashAt(world, number, phase);
      await allocate(world);
      await expectOneEni(world);
      await release(world);
      await expectNothing(world);
    }
  });

  it("leaves nothing behind when it was releasing", async () => {
    const before = await callsOf(allocate);
    const after = await callsOf(async (world) => {
      await allocate(world);
      await release(world);
    });
    for (const number of after.slice(before.length)) {
      const world = await readyWorld();
      await allocate(world);
      crashAt(world, number, phase);
      await release(world);
      await expectNothing(world);
    }
  });

  it("leaves a node with one trunk that is ready", async () => {
    const scenario = async (world: TestWorld): Promise<void> => {
      addInstance(world);
      world.send(nodeObserved());
      await world.run(settleSeconds);
    };
    const clean = createTestWorld();
    await scenario(clean);
    for (const { number } of clean.tap.calls) {
      const world = createTestWorld();
      crashAt(world, number, phase);
      await scenario(world);
      expect([...world.ec2.enis.values()]).toMatchObject([{ interfaceType: "trunk", attachment: { deviceIndex: 2 } }]);
      expect(world.outbox.outcomes().at(-1)).toMatchObject({ type: "NodeTrunkReady" });
    }
  });

  it("in a cut lets the waiting pod in, and no slot or VLAN ID is lost", async () => {
    const before = async (): Promise<TestWorld> => {
      const world = await readyWorld();
      for (let number = 1; number <= 10; number += 1) world.send(podObserved(number));
      await world.run(5);
      world.tap.calls.length = 0;
      return world;
    };
    const clean = await before();
    await release(clean);
    for (const { number } of clean.tap.calls) {
      const world = await before();
      crashAt(world, number, phase);
      await release(world);
      const { trunk, branches } = await world.ledger.load(testInstance);
      expect(trunk).toMatchObject({ held: 9 });
      expect(branches.filter(({ status }) => status === "associated")).toHaveLength(9);
      expect(branches.find(({ owner }) => owner === podUid(10))).toMatchObject({ status: "associated" });
      expect(world.ec2.branches()).toHaveLength(9);
      expect(BigInt(`0x${trunk?.vlans}`).toString(2).replaceAll("0", "")).toHaveLength(9);
    }
  });

  it("in a reuse leaves one ENI for the next pod, and the old one gone", async () => {
    const before = async (): Promise<TestWorld> => {
      const world = await readyWorld({ reuseIdleSeconds: 300 });
      world.send(podObserved(2));
      await world.run(5);
      world.send(podGone(2));
      await world.run(100);
      world.tap.calls.length = 0;
      return world;
    };
    const reuse = async (world: TestWorld): Promise<void> => {
      world.send(podObserved(1));
      await world.run(100);
    };
    const clean = await before();
    await reuse(clean);
    for (const { number } of clean.tap.calls) {
      const world = await before();
      crashAt(world, number, phase);
      await reuse(world);
      await world.run(settleSeconds);
      const { trunk, branches } = await world.ledger.load(testInstance);
      expect(trunk).toMatchObject({ held: 1 });
      expect(branches.filter(({ status }) => status === "associated")).toMatchObject([{ owner: podUid(1) }]);
      expect(world.ec2.branches()).toHaveLength(1);
      expect(world.outbox.outcomes().at(-1)).toMatchObject({ type: "PodEniAssigned", podUid: podUid(1) });
    }
  });
});
