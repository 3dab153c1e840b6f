import { type BranchRecord, holdsSlot, type InstanceStateChanged, isPlaced, noVlans, withVlans } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleInstanceEvents, handleNodeEvents, handlePodEvents, reap } from "./index.ts";
import {
  annotated,
  annotationOf,
  branchOf,
  delivered,
  fill,
  interleave,
  nodeObserved,
  podGone,
  problems,
  readyWorld,
  snapshot,
  type TestWorld,
  testInstance,
} from "./testing/index.ts";

type Happening = (world: TestWorld) => Promise<void>;

const at = (world: TestWorld) => ({ sentAt: world.clock.now() });

const listed =
  (...numbers: readonly number[]): Happening =>
  async (world) => {
    const pods = numbers.map((number) => annotated(number, annotationOf(world, number)));
    await handleNodeEvents(world.dependencies, [delivered(snapshot(pods, 1_001), at(world))]);
  };

const ends: Happening = async (world) => {
  await handlePodEvents(world.dependencies, [delivered(podGone(1, { how: "deleted" }), at(world))]);
};

const terminates: Happening = async (world) => {
  world.ec2.terminate(testInstance);
  const event: InstanceStateChanged = { type: "InstanceStateChanged", instanceId: testInstance, state: "terminated" };
  await handleInstanceEvents(world.dependencies, [delivered(event, at(world))]);
};

const looks: Happening = async (world) => {
  await handleNodeEvents(world.dependencies, [delivered({ type: "NodeLook", instanceId: testInstance }, at(world))]);
};

/** A node with two pods whose table was lost; something happens before a call of the worker that takes them over. */
const takenOver = async (method: string, happening: Happening, living: readonly number[]): Promise<TestWorld> => {
  const world = await readyWorld({ reuseIdleSeconds: 0 });
  await fill(world, 2);
  world.ledger.lose();
  world.send(nodeObserved());
  await world.run(5);
  interleave(world.tap, method === "commit" ? "ledger" : "ec2", method, () => happening(world));
  await listed(1, 2)(world);
  for (let minute = 0; minute < 20; minute += 1) {
    await world.run(60);
    if (minute % 5 === 4) await listed(...living)(world);
    await reap(world.dependencies);
  }
  return world;
};

/** Slots and VLAN IDs are those of the branches that are there (S01, S02, L02). */
const expectCounted = async (world: TestWorld): Promise<void> => {
  const { trunk, branches } = await world.ledger.load(testInstance);
  const placed = branches.filter((branch: BranchRecord) => isPlaced(branch));
  expect(trunk).toMatchObject({
    held: placed.filter(holdsSlot).length,
    vlans: withVlans(
      noVlans,
      placed.map(({ vlanId }) => vlanId),
    ),
  });
};

describe("P10: while a worker takes over the pods of a lost table and asks EC2 about them", () => {
  const methods = ["commit", "findBranches", "describeAssociations"];

  it.each(methods)("another one may do the same, before %s", async (method) => {
    for (const happening of [listed(1, 2), looks]) {
      const world = await takenOver(method, happening, [1, 2]);
      for (const number of [1, 2]) {
        const branch = await branchOf(world, number);
        expect(branch).toMatchObject({ status: "associated", eni: { eniId: annotationOf(world, number)[0]?.eniId } });
        expect(branch).not.toHaveProperty("unproven", true);
      }
      await expectCounted(world);
      expect(problems(world)).toEqual([]);
      expect(world.ec2.calls).not.toContain("DeleteNetworkInterface");
    }
  });

  it.each(methods)("a pod may end, before %s, and only its ENI goes", async (method) => {
    const world = await takenOver(method, ends, [2]);
    expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });
    expect(await branchOf(world, 2)).toMatchObject({ status: "associated" });
    expect(world.ec2.branches()).toMatchObject([{ eniId: annotationOf(world, 2)[0]?.eniId }]);
    await expectCounted(world);
    expect(problems(world)).toEqual([]);
  });

  it.each(methods)("the instance may end, before %s, and nothing of it is left", async (method) => {
    const world = await takenOver(method, terminates, []);
    expect(world.ec2.enis.size).toBe(0);
    expect(world.ledger.records().filter(({ kind }) => kind === "trunk")).toEqual([]);
    expect((await world.ledger.load(testInstance)).branches.every(({ status }) => status === "gone")).toBe(true);
    expect(problems(world)).toEqual([]);
  });
});
