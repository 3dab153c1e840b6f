import { branded, type EniId, type ResourceVersion, type TrunkRecord } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleNodeEvents, handlePodEvents, reap } from "./index.ts";
import {
  assignedPods,
  branchOf,
  delivered,
  fill,
  interleave,
  nodeObserved,
  podGone,
  podObserved,
  podUid,
  readyWorld,
  type TestWorld,
  testInstance,
} from "./testing/index.ts";

const trunkOf = async (world: TestWorld): Promise<TrunkRecord> => {
  const { trunk } = await world.ledger.load(testInstance);
  if (trunk === undefined) throw new Error("There is no trunk.");
  return trunk;
};

const eniOf = (trunk: TrunkRecord): EniId => trunk.trunkEniId as EniId;

/** A run of the reaper, and what follows from it in the next minute. */
const reapAndRun = async (world: TestWorld): Promise<void> => {
  await reap(world.dependencies);
  await world.run(62);
};

describe("the ledger protocol: a trunk that is lost", () => {
  it("P13: one that was detached by hand is noticed by the reaper and replaced a minute later, the node being told", async () => {
    const world = await readyWorld();
    await fill(world, 2);
    const lost = eniOf(await trunkOf(world));
    world.clock.advance(120_000);
    world.ec2.detach(lost);

    await reap(world.dependencies);
    await world.run(30);
    expect(await trunkOf(world)).toMatchObject({ status: "ready", trunkEniId: lost });
    await world.run(40);

    const trunk = await trunkOf(world);
    expect(trunk).toMatchObject({ status: "ready", generation: 1, held: 0, vlans: "0".repeat(30) });
    expect(eniOf(trunk)).not.toBe(lost);
    expect(world.outbox.outcomes().slice(-2)).toMatchObject([
      { type: "NodeTrunkProblem", reason: "NodeTrunkFailedInit", detail: expect.stringContaining(lost) },
      { type: "NodeTrunkReady" },
    ]);
    expect(world.ec2.branches()).toEqual([]);
  });

  it("P13: the branches of the lost trunk are only deleted, and new pods get theirs on the new one", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    world.send(podGone(1));
    await world.run(120);
    world.ec2.detach(eniOf(await trunkOf(world)));
    await reapAndRun(world);

    world.send(podObserved(10));
    await world.run(5);

    const trunkEniId = eniOf(await trunkOf(world));
    expect(await branchOf(world, 10)).toMatchObject({ status: "associated", trunkEniId });
    expect(world.ec2.branches().map(({ trunkEniId: on }) => on)).toEqual([trunkEniId]);
    expect(await trunkOf(world)).toMatchObject({ held: 1 });
  });

  it("P13: one that was deleted is noticed when EC2 names it at an Associate; the pod gets its ENI on the next one", async () => {
    const world = await readyWorld();
    world.clock.advance(120_000);
    world.ec2.enis.clear();

    world.send(podObserved(1));
    await world.run(50);
    expect(await branchOf(world, 1)).toMatchObject({ status: "created" });
    expect(await trunkOf(world)).toMatchObject({ status: "ready", generation: 0 });
    await world.run(60);

    const trunk = await trunkOf(world);
    expect(trunk).toMatchObject({ status: "ready", generation: 1, held: 1 });
    expect(assignedPods(world)).toEqual([podUid(1)]);
    expect(world.ec2.branches()).toMatchObject([{ trunkEniId: trunk.trunkEniId, status: "in-use" }]);
  });

  it("P13: one that EC2 does not show for a moment only is kept, with its branches", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const before = await trunkOf(world);
    const eni = world.ec2.enis.get(eniOf(before));
    if (eni === undefined) throw new Error("There is no trunk ENI.");
    world.ec2.enis.delete(eni.eniId);
    await reap(world.dependencies);
    await world.run(5);
    world.ec2.enis.set(eni.eniId, eni);

    await world.run(62);

    const { version: _version, ...kept } = before;
    expect(await trunkOf(world)).toMatchObject(kept);
    expect((await trunkOf(world)).eniMissingSince).toBeUndefined();
    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
  });

  it("P13: one that the search for its successor finds in its place costs no pod its branch", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const trunkEniId = eniOf(await trunkOf(world));
    const eni = world.ec2.enis.get(trunkEniId);
    if (eni === undefined) throw new Error("There is no trunk ENI.");
    world.ec2.enis.delete(trunkEniId);
    await reap(world.dependencies);
    world.tap.hook = async ({ method }, phase) => {
      if (method !== "findTrunks" || phase !== "before") return;
      world.tap.hook = undefined;
      world.ec2.enis.set(trunkEniId, eni);
      await handlePodEvents(world.dependencies, [delivered(podObserved(2), { sentAt: world.clock.now() })]);
    };

    await world.run(70);

    expect(await trunkOf(world)).toMatchObject({ status: "ready", trunkEniId, held: 1 });
    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
    expect(world.ec2.calls).not.toContain("DisassociateTrunkInterface");
  });

  it("P13: nothing is doubted by a listing that is not complete", async () => {
    const world = await readyWorld();
    world.ec2.enis.clear();
    world.ec2.refuse = (action) =>
      action === "DescribeNetworkInterfaces" ? { remedy: "throttled", code: "RequestLimitExceeded" } : undefined;

    await reap(world.dependencies);

    expect((await trunkOf(world)).eniMissingSince).toBeUndefined();
  });

  it("P12: one that went with its instance is not replaced", async () => {
    const world = await readyWorld();
    await fill(world, 2);
    world.clock.advance(120_000);
    world.ec2.terminate(testInstance);

    await reapAndRun(world);
    expect(world.ec2.enis.size).toBe(2);
    await reapAndRun(world);

    expect(await trunkOf(world)).toMatchObject({ status: "gone", generation: 0 });
    expect(world.ec2.enis.size).toBe(0);
  });

  it("P08: a doubt whose message was lost is settled by the reaper's", async () => {
    const world = await readyWorld();
    world.ec2.detach(eniOf(await trunkOf(world)));
    const taken = world.outbox.sent.length;
    world.tap.hook = ({ port, method }) => {
      if (port === "outbox" && method === "send") throw new Error("the worker is gone");
    };
    await expect(reap(world.dependencies)).rejects.toThrow("the worker is gone");
    world.tap.hook = undefined;
    expect(world.outbox.sent).toHaveLength(taken);

    world.clock.advance(125_000);
    await reap(world.dependencies);
    world.send(nodeObserved());
    await world.run(5);

    expect(await trunkOf(world)).toMatchObject({ status: "ready", generation: 1 });
  });
});

describe("the ledger protocol: a trunk whose record was lost", () => {
  it("P24: takes no ENI for a pod before its own is known, and asks for a snapshot once it is", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const [assigned] = world.outbox.outcomes().filter(({ type }) => type === "PodEniAssigned");
    if (assigned?.type !== "PodEniAssigned") throw new Error("Nothing is assigned.");
    const { nodeName, nodeUid, incarnation, instanceId } = nodeObserved();
    const listVersion = branded<ResourceVersion>("1000");
    const pods = [{ ...podObserved(1).pod, annotation: assigned.enis }];
    const snapshot = { type: "NodeSnapshot", incarnation, instanceId, nodeName, nodeUid, listVersion, pods } as const;
    world.ledger.lose();
    interleave(world.tap, "ec2", "findTrunks", async () => {
      await handleNodeEvents(world.dependencies, [delivered(snapshot, { sentAt: world.clock.now() })]);
    });

    world.send(nodeObserved());
    await world.run(5);
    expect(await branchOf(world, 1)).toBeUndefined();
    expect(world.outbox.outcomes()).toContainEqual({ type: "SnapshotRequested", instanceId });
    world.send(snapshot);
    await world.run(1);

    const { trunkEniId } = await trunkOf(world);
    expect(await branchOf(world, 1)).toMatchObject({ status: "associated", trunkEniId });
  });
});
