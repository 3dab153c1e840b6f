import { describe, expect, it } from "vitest";
import { handleBranchLooks, handlePodEvents } from "./index.ts";
import {
  assignedPods,
  branchOf,
  delivered,
  interleave,
  podGone,
  podObserved,
  podUid,
  readyWorld,
  testInstance,
} from "./testing/index.ts";

const lookAt = (number: number) =>
  delivered({ type: "BranchLook", instanceId: testInstance, owner: podUid(number), index: 0 } as const);

describe("the ledger protocol: records and claims", () => {
  it("P01: a branch that a reuse has just taken is not cut by the cool-down worker that saw it idle", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 60 });
    world.send(podObserved(1));
    await world.run(1);
    await handlePodEvents(world.dependencies, [delivered(podGone(1))]);
    world.clock.advance(123_000);

    interleave(world.tap, "ledger", "commit", async () => {
      await handlePodEvents(
        { ...world.dependencies, clock: { ...world.clock, now: () => world.clock.now() - 5_000 } },
        [delivered(podObserved(2))],
      );
    });
    await handleBranchLooks(world.dependencies, [lookAt(1)]);

    expect(world.ec2.calls).not.toContain("DisassociateTrunkInterface");
    expect(await branchOf(world, 2)).toMatchObject({ status: "associated" });
    expect(world.ec2.branches()).toMatchObject([{ association: { vlanId: 1 } }]);
  });

  it("P02: a branch that was cut is never associated again, however long it rests", async () => {
    const world = await readyWorld();
    for (let number = 1; number <= 9; number += 1) world.send(podObserved(number));
    await world.run(1);
    world.send(podGone(1));
    await world.run(1);
    world.send(podObserved(10));
    await world.run(1);
    const cut = world.ec2.branches().find(({ association }) => association === undefined);
    expect(cut).toBeDefined();

    world.send(podGone(2));
    await world.run(100);
    world.send(podObserved(11));
    await world.run(1);

    expect(world.ec2.branches().some(({ eniId }) => eniId === cut?.eniId)).toBe(false);
    expect(assignedPods(world)).toContain(podUid(11));
  });

  it("P03: the end of a pod that overtakes its observation keeps the pod from getting an ENI", async () => {
    const world = await readyWorld();

    world.send(podGone(1));
    await world.run(1);
    world.send(podObserved(1));
    await world.run(10);

    expect(world.ec2.branches()).toEqual([]);
    expect(JSON.stringify(await branchOf(world, 1)).length).toBeLessThan(260);
  });

  it("P03: an observation older than 15 minutes only asks for a snapshot, once a minute", async () => {
    const world = await readyWorld();
    const old = { sentAt: world.clock.now() - 16 * 60_000 };

    await handlePodEvents(world.dependencies, [delivered(podObserved(1), old)]);
    await handlePodEvents(world.dependencies, [delivered(podObserved(2), old)]);

    expect(world.ec2.branches()).toEqual([]);
    expect(world.outbox.outcomes().filter(({ type }) => type === "SnapshotRequested")).toHaveLength(1);
  });

  it("P04: two workers that see the same free slots never claim one twice", async () => {
    const world = await readyWorld();
    const pods = (from: number) => [0, 1, 2, 3, 4].map((offset) => delivered(podObserved(from + offset)));

    interleave(world.tap, "ledger", "commit", async () => {
      await handlePodEvents(world.dependencies, pods(6));
    });
    await handlePodEvents(world.dependencies, pods(1));

    const { trunk } = await world.ledger.load(testInstance);
    const vlans = world.ec2.branches().map(({ association }) => association?.vlanId);
    expect(vlans).toHaveLength(9);
    expect(new Set(vlans).size).toBe(9);
    expect(trunk?.held).toBe(9);
    expect(new Set(assignedPods(world)).size).toBe(9);
  });

  it("P04: all pods of a batch on one node are claimed by one transaction and one ask for tokens", async () => {
    const world = await readyWorld();
    world.tap.calls.length = 0;
    const asks = world.pacer.asks.length;

    await handlePodEvents(
      world.dependencies,
      [1, 2, 3, 4].map((number) => delivered(podObserved(number))),
    );

    expect(world.pacer.asks).toHaveLength(asks + 1);
    expect(world.tap.calls.filter(({ port, method }) => port === "ledger" && method === "commit")).toHaveLength(
      1 + 4 * 2,
    );
    expect(assignedPods(world)).toHaveLength(4);
  });

  it("P04: a pod that asks for more than 16 ENIs is refused", async () => {
    const world = await readyWorld();

    world.send(podObserved(1, { enis: 17 }));
    await world.run(1);

    expect(world.outbox.outcomes().at(-1)).toMatchObject({ type: "PodEniFailed", code: "TooManyNetworkInterfaces" });
    expect(world.ec2.branches()).toEqual([]);
  });

  it("P04: a pod gets all of its ENIs, and is told once", async () => {
    const world = await readyWorld();

    world.send(podObserved(1, { enis: 3 }));
    await world.run(1);

    const assigned = world.outbox.outcomes().filter(({ type }) => type === "PodEniAssigned");
    expect(assigned).toHaveLength(1);
    expect(assigned).toMatchObject([{ enis: [{ vlanId: 1 }, { vlanId: 2 }, { vlanId: 3 }] }]);
  });

  it("P05: of two pods that want the same cooled branch one gets it, and the other an ENI of its own", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);
    world.send(podGone(1));
    await world.run(70);

    interleave(world.tap, "ledger", "commit", async () => {
      await handlePodEvents(world.dependencies, [delivered(podObserved(2))]);
    });
    await handlePodEvents(world.dependencies, [delivered(podObserved(3))]);

    const owners = (await world.ledger.load(testInstance)).branches.filter(({ status }) => status === "associated");
    expect(owners).toHaveLength(2);
    expect(world.ec2.branches()).toHaveLength(2);
    expect(new Set(assignedPods(world))).toEqual(new Set([podUid(1), podUid(2), podUid(3)]));
  });

  it("P05: a branch with other security groups is not reused", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);
    world.send(podGone(1));
    await world.run(70);

    world.send(podObserved(2, { securityGroups: ["sg-0000000000000000a", "sg-0000000000000000b"] }));
    await world.run(1);

    expect(world.ec2.branches()).toHaveLength(2);
  });
});
