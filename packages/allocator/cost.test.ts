import { describe, expect, it } from "vitest";
import { reap } from "./index.ts";
import { assignedPods, fill, podGone, podObserved, podUid, readyWorld, testInstance } from "./testing/index.ts";

describe("what a pod costs", () => {
  it("is at most 15 write units for a life without reuse, its tombstone's removal included", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    const before = world.ledger.writeUnits();
    const asks = world.pacer.asks.length;

    world.send(podObserved(1));
    await world.run(1);
    world.send(podGone(1));
    await world.run(100);
    const asked = world.pacer.asks.length - asks;
    world.clock.advance(3_600_000);
    await reap(world.dependencies);

    expect(world.ledger.writeUnits() - before + asked).toBeLessThanOrEqual(15);
    expect(world.ec2.branches()).toEqual([]);
    expect((await world.ledger.load(testInstance)).branches).toEqual([]);
  });

  it("is at most 8 write units for a life on a branch that is reused, with one tombstone's removal", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    world.send(podGone(1));
    await world.run(70);
    const before = world.ledger.writeUnits();
    const asks = world.pacer.asks.length;

    world.send(podObserved(2));
    await world.run(1);
    world.send(podGone(2));
    await world.run(70);
    const asked = world.pacer.asks.length - asks;
    world.clock.advance(3_600_000);
    await reap(world.dependencies);

    expect(world.ledger.writeUnits() - before + asked).toBeLessThanOrEqual(8);
  });

  it("is at most 5 write units for a cut", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    world.send(podObserved(10));
    await world.run(1);
    const lifeUnits = 1 + 4 + 2 + 1;
    const before = world.ledger.writeUnits();

    world.send(podGone(1));
    await world.run(1);

    expect(world.ledger.writeUnits() - before - lifeUnits).toBeLessThanOrEqual(5);
    expect(assignedPods(world)).toContain(podUid(10));
  });

  it("is 1 write unit for a deferral", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    const before = world.ledger.writeUnits();

    world.send(podObserved(10));
    await world.run(1);

    expect(world.ledger.writeUnits() - before).toBe(1);
  });
});
