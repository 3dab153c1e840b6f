import { branded, type EniId, type ResourceVersion } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handlePodEvents } from "./index.ts";
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

describe("the ledger protocol: steps and who may finish them", () => {
  it("P06: a worker that finishes another's claim repeats the same request and finds the same ENI", async () => {
    const world = await readyWorld();
    let dies = true;
    world.tap.hook = (call, phase) => {
      if (!dies || call.method !== "createBranchEni" || phase !== "after") return;
      dies = false;
      throw new Error("The answer was lost.");
    };

    world.send(podObserved(1, { securityGroups: ["sg-0000000000000000b", "sg-0000000000000000a"] }));
    await world.run(400);

    expect(world.ec2.branches()).toHaveLength(1);
    expect(world.ec2.calls.filter((action) => action === "CreateNetworkInterface")).toHaveLength(3);
    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P07: a lost creation is undone by learning its ENI before deleting it", async () => {
    const world = await readyWorld();
    world.tap.hook = (call, phase) => {
      if (call.method === "createBranchEni" && phase === "after") {
        world.tap.hook = undefined;
        throw new Error("The answer was lost.");
      }
    };
    await handlePodEvents(world.dependencies, [delivered(podObserved(1))]);
    expect(world.ec2.branches()).toHaveLength(1);

    world.send(podGone(1));
    await world.run(200);

    expect(world.ec2.branches()).toEqual([]);
    expect(await world.ledger.load(testInstance)).toMatchObject({
      trunk: { held: 0, vlans: "0".repeat(30) },
      branches: [{ status: "gone" }],
    });
  });

  it("P07: NotFound right after the association is not taken for success", async () => {
    const world = await readyWorld({
      cooldownFloorSeconds: 0,
      cooldownSeconds: 0,
      skewSeconds: 0,
      reuseIdleSeconds: 0,
    });
    world.send(podObserved(1));
    await world.run(1);
    world.ec2.refuse = (action) =>
      action === "DisassociateTrunkInterface"
        ? { remedy: "not-found", code: "InvalidAssociationID.NotFound" }
        : undefined;

    world.send(podGone(1));
    await world.run(10);
    expect(await branchOf(world, 1)).toMatchObject({ status: "releasing", holdsSlot: true });
    world.ec2.refuse = undefined;
    await world.run(120);

    expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });
    expect(world.ec2.branches()).toEqual([]);
  });

  it("P07: a VLAN ID that EC2 says is taken is left alone, and the pod gets another ENI with another one", async () => {
    const world = await readyWorld();
    const [trunk] = [...world.ec2.enis.values()];
    const stranger = branded<EniId>("eni-0000000000000dead");
    if (trunk === undefined) throw new Error("There is no trunk.");
    world.ec2.enis.set(stranger, {
      ...trunk,
      eniId: stranger,
      interfaceType: "branch",
      attachment: undefined,
      intent: undefined,
      association: { associationId: branded("trunk-assoc-1"), trunkEniId: trunk.eniId, vlanId: branded(1) },
    });

    world.send(podObserved(1));
    await world.run(30);

    expect(await branchOf(world, 1)).toMatchObject({ status: "associated", vlanId: 2, generation: 1 });
    expect(world.ec2.branches()).toHaveLength(2);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ held: 1, vlans: `${"0".repeat(29)}3` });
  });

  it("P08: a step of a worker that froze is finished by the next one, and the frozen one changes nothing when it wakes", async () => {
    const world = await readyWorld();
    interleave(world.tap, "ec2", "associate", async () => {
      world.clock.advance(61_000);
      await handlePodEvents(world.dependencies, [delivered(podObserved(1), { receiveCount: 2 })]);
    });

    await handlePodEvents(world.dependencies, [delivered(podObserved(1))]);

    expect(world.ec2.branches()).toHaveLength(1);
    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
    expect(new Set(assignedPods(world))).toEqual(new Set([podUid(1)]));
  });

  it("P08: a redelivery that finds the step of a living worker looks again when its time is up", async () => {
    const world = await readyWorld();
    interleave(world.tap, "ec2", "createBranchEni", async () => {
      await handlePodEvents(world.dependencies, [delivered(podObserved(1), { receiveCount: 2 })]);
    });

    await handlePodEvents(world.dependencies, [delivered(podObserved(1))]);

    expect(world.outbox.sent.map(({ envelope }) => envelope)).toContainEqual(
      expect.objectContaining({ to: "branch-cooldown", delaySeconds: 60 }),
    );
    expect(world.ec2.branches()).toHaveLength(1);
  });

  it("P09: an older version of a pod ends nothing", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);

    world.send(podGone(1, { how: "absent-from-list", resourceVersion: branded<ResourceVersion>("199") }));
    await world.run(1);

    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
  });
});
