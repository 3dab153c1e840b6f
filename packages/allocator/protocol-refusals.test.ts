import type { Ec2Action, Ec2Failure } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import {
  assignedPods,
  fill,
  podGone,
  podObserved,
  podUid,
  readyWorld,
  type TestWorld,
  testInstance,
  testSubnet,
} from "./testing/index.ts";

const refuseAssociations = (world: TestWorld, refusal: Pick<Ec2Failure, "remedy" | "code"> | undefined): void => {
  world.ec2.refuse = (action) => (action === "AssociateTrunkInterface" ? refusal : undefined);
};

const callsOf = (world: TestWorld, action: Ec2Action): number =>
  world.ec2.calls.filter((call) => call === action).length;

const toldOf = (world: TestWorld) =>
  world.outbox.outcomes().filter(({ type }) => type === "PodEniFailed" || type === "PodEniDelayed");

describe("the ledger protocol: associations that EC2 refuses", () => {
  it("P19, K64: a refused association is told once, costs one ENI a try, and leaves none behind", async () => {
    const world = await readyWorld();
    refuseAssociations(world, { remedy: "unauthorised", code: "UnauthorizedOperation" });

    world.send(podObserved(1));
    await world.run(300);

    expect(toldOf(world)).toMatchObject([{ code: "UnauthorizedOperation", action: "AssociateTrunkInterface" }]);
    expect(callsOf(world, "CreateNetworkInterface")).toBeLessThan(15);
    refuseAssociations(world, undefined);
    await world.run(60);
    expect(assignedPods(world)).toEqual([podUid(1)]);
    expect(world.ec2.branches()).toHaveLength(1);
  });

  it("P19: a pod with several ENIs whose associations are refused makes no busy calls", async () => {
    const world = await readyWorld();
    refuseAssociations(world, { remedy: "unauthorised", code: "UnauthorizedOperation" });

    world.send(podObserved(1, { enis: 3 }));
    await world.run(300);

    expect(callsOf(world, "CreateNetworkInterface")).toBeLessThan(45);
    refuseAssociations(world, undefined);
    await world.run(60);
    expect(assignedPods(world)).toEqual([podUid(1)]);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ held: 3 });
  });

  it("P19: a limit at the association keeps the ENI, and its pod is told once why it waits", async () => {
    const world = await readyWorld();
    refuseAssociations(world, { remedy: "defer-branch-limit", code: "AttachmentLimitExceeded" });

    world.send(podObserved(1));
    await world.run(300);

    expect(toldOf(world)).toMatchObject([{ type: "PodEniDelayed", reason: "node-full" }]);
    expect(callsOf(world, "CreateNetworkInterface")).toBe(2);
    refuseAssociations(world, undefined);
    await world.run(11);
    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P07: an ENI that cannot be associated for a minute is replaced by the next generation", async () => {
    const world = await readyWorld();
    refuseAssociations(world, { remedy: "look-again", code: "Resource.AlreadyAssociated" });

    world.send(podObserved(1));
    await world.run(75);
    refuseAssociations(world, undefined);
    await world.run(11);

    expect(callsOf(world, "CreateNetworkInterface")).toBe(3);
    expect(assignedPods(world)).toEqual([podUid(1)]);
    expect(world.ec2.branches()).toHaveLength(1);
  });
});

describe("the ledger protocol: a pod with several ENIs of which one is refused", () => {
  const trunkOf = async (world: TestWorld) => (await world.ledger.load(testInstance)).trunk;

  it("P19: holds no slot while it waits, is told once, and gets all of them soon after the cause is gone", async () => {
    const world = await readyWorld();
    world.ec2.missingGroups.add("sg-0000000000000000a");
    world.send(podObserved(1, { enis: 3 }));
    await world.run(1);
    expect(await trunkOf(world)).toMatchObject({ held: 0, vlans: "0".repeat(30) });
    await world.run(200);
    expect(await trunkOf(world)).toMatchObject({ held: 0 });
    expect(world.outbox.outcomes().filter(({ type }) => type === "PodEniFailed")).toHaveLength(1);

    world.ec2.missingGroups.clear();
    await world.run(31);

    expect(assignedPods(world)).toEqual([podUid(1)]);
    expect(world.ec2.branches()).toHaveLength(3);
    expect(await trunkOf(world)).toMatchObject({ held: 3 });
  });

  it("P16: gives the addresses back that it got, and tries all again when there are enough", async () => {
    const world = await readyWorld();
    const subnet = world.ec2.subnets.get(testSubnet);
    if (subnet === undefined) throw new Error("There is no subnet.");
    world.ec2.subnets.set(testSubnet, { ...subnet, freeAddresses: 1 });
    world.send(podObserved(1, { enis: 2 }));
    await world.run(8);
    expect(callsOf(world, "CreateNetworkInterface")).toBe(1 + 2);
    expect(world.ec2.branches()).toEqual([]);
    expect(await trunkOf(world)).toMatchObject({ held: 0, vlans: "0".repeat(30) });

    world.ec2.subnets.set(testSubnet, { ...subnet, freeAddresses: 2 });
    await world.run(15);

    expect(assignedPods(world)).toEqual([podUid(1)]);
    expect(world.ec2.branches()).toHaveLength(2);
  });

  it("P04: makes room for other pods meanwhile", async () => {
    const world = await readyWorld();
    world.ec2.missingGroups.add("sg-missing");
    world.send(podObserved(10, { enis: 5, securityGroups: ["sg-missing"] }));
    await world.run(1);

    await fill(world, 9);

    expect(new Set(assignedPods(world)).size).toBe(9);
  });

  it("P03: that ends meanwhile is waited for by nobody", async () => {
    const world = await readyWorld();
    world.ec2.missingGroups.add("sg-0000000000000000a");
    world.send(podObserved(1, { enis: 2 }));
    await world.run(1);
    world.send(podGone(1));
    world.ec2.missingGroups.clear();
    await world.run(200);

    expect(assignedPods(world)).toEqual([]);
    expect(world.ec2.branches()).toEqual([]);
    expect(world.pending()).toEqual([]);
  });
});
