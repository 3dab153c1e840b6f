import type { Ec2Action, Ec2Failure } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { assignedPods, podObserved, podUid, readyWorld, type TestWorld, testInstance } from "./testing/index.ts";

const refuseAssociations = (world: TestWorld, refusal: Pick<Ec2Failure, "remedy" | "code"> | undefined): void => {
  world.ec2.refuse = (action) => (action === "AssociateTrunkInterface" ? refusal : undefined);
};

const callsOf = (world: TestWorld, action: Ec2Action): number =>
  world.ec2.calls.filter((call) => call === action).length;

const toldOf = (world: TestWorld) =>
  world.outbox.outcomes().filter(({ type }) => type === "PodEniFailed" || type === "PodEniDelayed");

describe("the ledger protocol: associations that EC2 refuses", () => {
  it("P19: a refused association is told once, costs one ENI a try, and leaves none behind", async () => {
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
