import { branded, type EniId, type ResourceVersion } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handlePodEvents, reap } from "./index.ts";
import {
  annotated,
  annotationOf,
  branchOf,
  delivered,
  fill,
  nodeObserved,
  podGone,
  podObserved,
  podUid,
  problems,
  readyWorld,
  registered,
  snapshot,
  testInstance,
  trunkOf,
} from "./testing/index.ts";

describe("the ledger protocol: the reaper", () => {
  it("P23: an ENI that no record names is deleted after two sightings, and an unknown one never", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const orphan = branded<EniId>("eni-0000000000000dead");
    const [branch] = world.ec2.branches();
    if (branch === undefined) throw new Error("There is no branch.");
    const intent = { ...(branch.intent as NonNullable<typeof branch.intent>), owner: podUid(7) };
    world.ec2.enis.set(orphan, { ...branch, eniId: orphan, status: "available", association: undefined, intent });

    world.clock.advance(301_000);
    await reap(world.dependencies);
    await reap(world.dependencies);
    expect(world.ec2.enis.has(orphan)).toBe(true);
    world.clock.advance(63_000);
    await reap(world.dependencies);

    expect(world.ec2.enis.has(orphan)).toBe(false);
    expect(world.ec2.branches()).toHaveLength(1);
  });

  it("P23: an associated ENI without a record outlives the reaper until a snapshot omits it", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);
    world.clock.advance(301_000);
    await reap(world.dependencies);
    world.clock.advance(363_000);
    await reap(world.dependencies);
    expect(world.ec2.branches()).toHaveLength(1);

    const { nodeName, nodeUid, incarnation, instanceId } = nodeObserved();
    const listVersion = branded<ResourceVersion>("1000");
    world.send({ type: "NodeSnapshot", incarnation, instanceId, nodeName, nodeUid, listVersion, pods: [] });
    await world.run(1);
    await reap(world.dependencies);

    expect(world.ec2.branches()).toEqual([]);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ held: 0, vlans: "0".repeat(30) });
  });

  it("P11, P23: an ENI that an outcome under way may still name outlives a lost table, though a snapshot omits it", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    world.send(podGone(1));
    await world.run(250);
    world.send(podObserved(2));
    await world.run(1);
    const annotation = annotationOf(world, 2);
    expect(annotation).toMatchObject([{ eniId: annotationOf(world, 1)[0]?.eniId }]);
    // The outcome waits in its queue; what the ledger knew of the reuse is lost.
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(60);
    await reap(world.dependencies);
    await world.run(1);
    world.send(snapshot([], 1_000));
    await world.run(61);
    await reap(world.dependencies);
    // The forwarder reads the outcome four minutes after it was sent, and the next snapshot shows the annotation.
    await world.run(118);
    await reap(world.dependencies);
    world.send(snapshot([annotated(2, annotation)], 1_001));
    await world.run(1);

    expect(world.ec2.branches()).toMatchObject([{ eniId: annotation[0]?.eniId, status: "in-use" }]);
    expect(await branchOf(world, 2)).toMatchObject({ status: "associated", eni: { eniId: annotation[0]?.eniId } });
    expect(problems(world)).toEqual([]);
  });

  it.each(["available", "in-use"])(
    "P24: the VLAN ID of a lost table's %s ENI rests for the cluster's cool-down",
    async (status) => {
      const world = await readyWorld();
      await fill(world, 1);
      const [branch] = world.ec2.branches();
      if (branch === undefined) throw new Error("There is no branch.");
      world.clock.advance(301_000);
      world.ledger.lose();
      world.ec2.enis.set(branch.eniId, { ...branch, status });
      world.send(registered({ cooldownSeconds: 1_800 }));
      world.send(nodeObserved());
      await world.run(5);
      await reap(world.dependencies);
      for (let minutes = 0; minutes < 29; minutes += 1) {
        world.send(snapshot([], 1_000 + minutes));
        await world.run(60);
        await reap(world.dependencies);
      }
      expect(world.ec2.branches()).toHaveLength(1);
      await world.run(600);
      await reap(world.dependencies);

      expect(world.ec2.branches()).toEqual([]);
      expect(await trunkOf(world)).toMatchObject({ held: 0, vlans: "0".repeat(30) });
    },
  );

  it("P08: the reaper finds work whose message was lost", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    await fill(world, 1);
    await handlePodEvents(world.dependencies, [delivered(podGone(1))]);
    world.clock.advance(200_000);
    world.outbox.sent.splice(0);

    await reap(world.dependencies);

    expect(world.outbox.sent).toMatchObject([{ envelope: { to: "branch-cooldown", body: { owner: podUid(1) } } }]);
  });

  it("P03: a tombstone is swept an hour after its pod's end, and not before", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    await fill(world, 1);
    world.send(podGone(1));
    await world.run(100);
    world.clock.advance(3_499_000);
    await reap(world.dependencies);
    expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });

    world.clock.advance(70_000);
    await reap(world.dependencies);

    expect((await world.ledger.load(testInstance)).branches).toEqual([]);
  });
});
