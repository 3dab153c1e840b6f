import { describe, expect, it } from "vitest";
import {
  assignedPods,
  branchOf,
  fill,
  podGone,
  podObserved,
  podUid,
  readyWorld,
  registered,
  testInstance,
} from "./testing/index.ts";

describe("the ledger protocol: full nodes and cool-down", () => {
  it("P20: a cut gives its slot back once, keeps its VLAN ID, and its ENI is deleted only after the cool-down", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    world.send(podObserved(10));
    await world.run(1);

    world.send(podGone(1));
    await world.run(30);

    const { trunk } = await world.ledger.load(testInstance);
    expect(trunk).toMatchObject({ held: 9 });
    expect(assignedPods(world)).toContain(podUid(10));
    expect(world.ec2.branches()).toHaveLength(10);
    expect(await branchOf(world, 10)).toMatchObject({ vlanId: 10 });
    await world.run(40);
    expect(world.ec2.branches()).toHaveLength(9);
    expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ held: 9 });
  });

  it("P20: no more branches are cut than pods wait for slots", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    world.send(podObserved(10));
    await world.run(1);

    for (let number = 1; number <= 4; number += 1) world.send(podGone(number));
    await world.run(2);

    expect(world.ec2.calls.filter((action) => action === "DisassociateTrunkInterface")).toHaveLength(1);
  });

  it("P21: a forced deletion cools for its grace period and 30 s more", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    await fill(world, 1);

    world.send(podGone(1, { forcedGraceSeconds: 120 }));
    await world.run(150);
    expect(world.ec2.branches()).toHaveLength(1);
    await world.run(5);

    expect(world.ec2.branches()).toEqual([]);
  });

  it("P21: a cool-down longer than a message's delay is reached by sending it again", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0, cooldownSeconds: 2_000 });
    await fill(world, 1);

    world.send(podGone(1));
    await world.run(2_000);
    expect(world.ec2.branches()).toHaveLength(1);
    await world.run(5);

    expect(world.ec2.branches()).toEqual([]);
  });

  it("P22: an idle branch goes five minutes after its cool-down, and at once when no policy names its groups", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const registration = registered({ groupSets: [["sg-0000000000000000a"]] });
    world.send(registration);
    world.send(podGone(1));
    await world.run(350);
    expect(world.ec2.branches()).toHaveLength(1);
    await world.run(20);
    expect(world.ec2.branches()).toEqual([]);

    world.send(podObserved(2));
    await world.run(1);
    world.send(podGone(2));
    await world.run(100);
    expect(world.ec2.branches()).toHaveLength(1);
    world.send({ ...registration, groupSets: [] });
    await world.run(2);
    expect(world.ec2.branches()).toEqual([]);
  });
});
