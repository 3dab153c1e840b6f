import {
  type AssociatedBranch,
  branded,
  type ClusterName,
  type EniId,
  isVlanTaken,
  type VlanId,
} from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleInstanceEvents, reap } from "./index.ts";
import {
  annotated,
  annotationOf,
  annotationsOf,
  assignedPods,
  branchOf,
  delivered,
  fill,
  forged,
  nodeObserved,
  podGone,
  podObserved,
  podUid,
  problems,
  readyWorld,
  snapshot,
  type TestWorld,
  testInstance,
  trunkOf,
} from "./testing/index.ts";

const isTaken = async (world: TestWorld, vlanId: number): Promise<boolean> =>
  isVlanTaken((await trunkOf(world))?.vlans ?? "", branded<VlanId>(vlanId));

const describes = (world: TestWorld, since: number): readonly string[] =>
  world.ec2.calls.slice(since).filter((action) => action.startsWith("Describe"));

describe("the ledger protocol: an annotation that the ledger does not know", () => {
  it("P24: after a lost table a full node costs one search and one look at the associations, whatever its branches", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    const pods = Array.from({ length: 9 }, (_, position) => annotated(position + 1, annotationOf(world, position + 1)));
    const before = (await world.ledger.load(testInstance)).branches as readonly AssociatedBranch[];
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);

    expect(world.outbox.outcomes().slice(-2)).toMatchObject([
      { type: "NodeTrunkReady" },
      { type: "SnapshotRequested", instanceId: testInstance },
    ]);

    const calls = world.ec2.calls.length;
    world.send(snapshot(pods));
    await world.run(1);

    expect(world.ec2.calls.slice(calls)).toEqual(["DescribeNetworkInterfaces", "DescribeTrunkInterfaceAssociations"]);
    const { branches, trunk } = await world.ledger.load(testInstance);
    expect(trunk).toMatchObject({ held: 9, status: "ready" });
    expect(branches).toHaveLength(9);
    for (const { owner, vlanId, eni, associationId, request } of before) {
      expect(branches).toContainEqual(
        expect.objectContaining({ owner, vlanId, eni, associationId, request, status: "associated" }),
      );
    }
    expect(branches.every((branch) => branch.status === "associated" && branch.unproven === undefined)).toBe(true);
    expect(problems(world)).toEqual([]);
  });

  it("P10: one that EC2 does not show is reported once, keeps its VLAN ID from others, and is never called for", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    world.send(snapshot([annotated(1, [forged()])]));
    await world.run(30);
    expect(problems(world)).toEqual([]);
    await world.run(40);

    expect(problems(world)).toMatchObject([
      {
        podUid: podUid(1),
        problem: "unknown-eni",
        eniId: forged().eniId,
        detail: expect.stringContaining("VLAN ID 7"),
      },
    ]);
    world.send(snapshot([annotated(1, [forged()])], 1_001));
    await world.run(300);
    expect(problems(world)).toHaveLength(1);

    for (let number = 2; number <= 9; number += 1) world.send(podObserved(number));
    await world.run(5);
    expect(assignedPods(world)).toHaveLength(8);
    expect([...annotationsOf(world).values()].map(([eni]) => eni?.vlanId)).not.toContain(7);

    world.send(podGone(1));
    await world.run(40);
    expect(await isTaken(world, 7)).toBe(true);
    await world.run(60);

    expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });
    expect(await isTaken(world, 7)).toBe(false);
    expect(await trunkOf(world)).toMatchObject({ held: 8 });
    expect(world.ec2.calls).not.toContain("DisassociateTrunkInterface");
    expect(world.ec2.calls).not.toContain("DeleteNetworkInterface");
  });

  it("S11: one that names another cluster's ENI, or an association of somebody else, costs nobody anything", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    await fill(world, 2);
    const [first, second] = [...world.ec2.branches()];
    if (first === undefined || second === undefined) throw new Error("There are no branches.");
    const foreign = { ...first, cluster: branded<ClusterName>("green") };
    world.ec2.enis.set(first.eniId, foreign);
    const own = annotationOf(world, 2);
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);

    const stolen = own.map((eni) => ({ ...eni, associationID: first.association?.associationId ?? "" }));
    world.send(snapshot([annotated(1, annotationOf(world, 1)), annotated(2, stolen)]));
    await world.run(70);
    expect(problems(world)).toMatchObject([{ podUid: podUid(1), problem: "unknown-eni" }]);
    world.send(podGone(1));
    world.send(podGone(2));
    await world.run(130);

    expect(world.ec2.enis.get(first.eniId)).toEqual(foreign);
    expect(world.ec2.enis.has(second.eniId)).toBe(false);
    expect(world.ec2.calls).not.toContain("DisassociateTrunkInterface");
  });

  it("P10: one that EC2 shows late is believed then, and its pod never hears of the doubt", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const annotation = annotationOf(world, 1);
    const eniId = branded<EniId>(annotation[0]?.eniId ?? "");
    const eni = world.ec2.enis.get(eniId);
    if (eni === undefined) throw new Error("There is no branch.");
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);
    world.ec2.enis.delete(eniId);
    world.send(snapshot([annotated(1, annotation)]));
    await world.run(30);
    world.ec2.enis.set(eniId, eni);

    await world.run(40);

    expect(problems(world)).toEqual([]);
    const branch = await branchOf(world, 1);
    expect(branch).toMatchObject({ status: "associated", eni: { eniId } });
    expect(branch).not.toHaveProperty("doubt", expect.anything());
    expect(branch).not.toHaveProperty("unproven", true);
  });

  it("P18: a throttle, or no token, only delays the proof", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const pods = [annotated(1, annotationOf(world, 1))];
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);
    world.ec2.refuse = (action) =>
      action === "DescribeTrunkInterfaceAssociations"
        ? { remedy: "throttled", code: "RequestLimitExceeded" }
        : undefined;
    world.send(snapshot(pods));
    await world.run(10);
    expect(await branchOf(world, 1)).toMatchObject({ status: "associated", unproven: true });
    world.ec2.refuse = undefined;
    const since = world.ec2.calls.length;
    world.pacer.unitsLeft = 0;
    await world.run(61);
    expect(describes(world, since)).toEqual([]);
    world.pacer.unitsLeft = Number.POSITIVE_INFINITY;

    await world.run(61);

    expect(await branchOf(world, 1)).not.toHaveProperty("unproven", true);
    expect(await branchOf(world, 1)).toMatchObject({ associationId: annotationOf(world, 1)[0]?.associationID });
    expect(problems(world)).toEqual([]);
  });

  it("P10: an old annotation without its association is proved by its ENI, which is deleted without a disassociation", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    await fill(world, 1);
    const old = annotationOf(world, 1).map((eni) => ({ ...eni, associationID: "" }));
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);
    world.send(snapshot([annotated(1, old)]));
    await world.run(1);
    expect(world.ec2.calls).not.toContain("DescribeTrunkInterfaceAssociations");

    world.send(podGone(1));
    await world.run(70);

    expect(world.ec2.branches()).toEqual([]);
    expect(await trunkOf(world)).toMatchObject({ held: 0, vlans: "0".repeat(30) });
    expect(world.ec2.calls).not.toContain("DisassociateTrunkInterface");
  });

  it("P10: one whose VLAN ID another pod has is told once, and its VLAN ID rests while its pod lives", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    await fill(world, 1);
    const [{ vlanId } = forged()] = annotationOf(world, 1);
    const stray = annotated(2, [forged({ vlanId })]);
    world.send(snapshot([annotated(1, annotationOf(world, 1)), stray]));
    await world.run(1);
    world.send(podGone(1));
    await world.run(70);
    expect(await isTaken(world, vlanId)).toBe(false);

    world.send(snapshot([stray], 2_000));
    await world.run(1);
    expect(problems(world)).toMatchObject([{ podUid: podUid(2), problem: "eni-taken" }]);
    expect(await branchOf(world, 2)).toMatchObject({ status: "associated", unproven: true, vlanId });
  });

  it("P08: a proof whose message was lost is asked for by the reaper", async () => {
    const world = await readyWorld();
    world.tap.hook = ({ port, method }) => {
      if (port === "ec2" && method === "findBranches") throw new Error("the worker is gone");
    };
    world.send(snapshot([annotated(1, [forged()])]));
    await world.run(1);
    world.tap.hook = undefined;
    world.clock.advance(100_000);
    world.outbox.sent.splice(0);

    await reap(world.dependencies);

    expect(world.outbox.sent).toMatchObject([{ envelope: { to: "node-events", body: { type: "NodeLook" } } }]);
  });

  it("P12: one that is not proved ends with its instance, without a call for its ENI", async () => {
    const world = await readyWorld();
    world.send(snapshot([annotated(1, [forged()])]));
    await world.run(1);
    world.ec2.terminate(testInstance);
    await handleInstanceEvents(world.dependencies, [
      delivered({ type: "InstanceStateChanged", instanceId: testInstance, state: "terminated" } as const),
    ]);

    expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });
    expect(world.ec2.calls).not.toContain("DeleteNetworkInterface");
  });
});
