import { branded, type NodeSnapshot, type PodEni, type ResourceVersion } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleNodeEvents, handlePodEvents, reap } from "./index.ts";
import type { FakeEni } from "./testing/ec2.ts";
import {
  addInstance,
  assignedPods,
  branchOf,
  createTestWorld,
  delivered,
  fill,
  nodeObserved,
  podGone,
  podObserved,
  podUid,
  readyWorld,
  registered,
  type TestWorld,
  testInstance,
} from "./testing/index.ts";

const show = (world: TestWorld, pods: NodeSnapshot["pods"], version = "400") => {
  const { incarnation, instanceId, nodeName, nodeUid } = nodeObserved();
  const listVersion = branded<ResourceVersion>(version);
  const event = { type: "NodeSnapshot", incarnation, instanceId, nodeName, nodeUid, listVersion, pods } as const;
  return handleNodeEvents(world.dependencies, [delivered(event, { sentAt: world.clock.now() })]);
};

const annotationOf = (
  { eniId, mac, privateIp }: FakeEni,
  { vlanId, associationId }: NonNullable<FakeEni["association"]>,
): PodEni => ({
  eniId,
  ifAddress: mac,
  privateIp,
  ipv6Addr: "",
  vlanId,
  subnetCidr: "",
  subnetV6Cidr: "",
  associationID: associationId,
});

describe("the ledger protocol: where its rules end", () => {
  it("P03: a copy of a live chain is served, however old it is", async () => {
    const world = await readyWorld();
    world.ec2.missingGroups.add("sg-0000000000000000a");
    await handlePodEvents(world.dependencies, [delivered(podObserved(1))]);
    world.ec2.missingGroups.clear();
    world.clock.advance(16 * 60_000);

    await handlePodEvents(world.dependencies, [delivered(podObserved(1, {}, { chain: 1 }))]);

    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P04: a pod may ask for 16 ENIs and not for 17, whatever its node has", async () => {
    const world = createTestWorld();
    addInstance(world, testInstance, "m5.4xlarge");
    world.send(nodeObserved());
    await world.run(5);

    world.send(podObserved(1, { enis: 17 }));
    world.send(podObserved(2, { enis: 16 }));
    await world.run(5);

    expect(world.ec2.branches()).toHaveLength(16);
    expect(assignedPods(world)).toEqual([podUid(2)]);
    expect(await branchOf(world, 1)).toMatchObject({ status: "waiting", problem: "TooManyNetworkInterfaces" });
  });

  it("P09: a message of another incarnation than the registered one changes nothing", async () => {
    const world = await readyWorld();
    world.send(registered());
    await world.run(1);
    const before = JSON.stringify(world.ledger.records());
    const incarnation = branded<ReturnType<typeof registered>["incarnation"]>("5f0e6c4e-0000-4000-8000-00000000ffff");

    await handlePodEvents(world.dependencies, [delivered(podObserved(1, {}, { incarnation }))]);

    expect(JSON.stringify(world.ledger.records())).toBe(before);
    expect(world.notes).toContain("A message of another incarnation of the cluster was dropped.");
  });

  it("P10: an ENI that a living pod's annotation names does not cool when the pod of its record is missing", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const [eni] = world.ec2.branches();
    if (eni?.association === undefined) throw new Error("There is no branch.");
    const annotation = [annotationOf(eni, eni.association)];

    await show(world, [podObserved(2, { annotation }).pod]);

    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
  });

  it("P11: a branch whose end only a snapshot told is not cut for a pod that waits", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    await show(
      world,
      [2, 3, 4, 5, 6, 7, 8, 9].map((number) => podObserved(number).pod),
    );
    expect(await branchOf(world, 1)).toMatchObject({ status: "cooling", unconfirmed: true });

    world.send(podObserved(10));
    await world.run(200);

    expect(world.ec2.calls).not.toContain("DisassociateTrunkInterface");
    expect(await branchOf(world, 10)).toMatchObject({ status: "waiting", reason: "node-full" });
  });

  it("P18, P20: the branch that has cooled longest is cut, and its token goes before those of clean-up", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    for (const number of [3, 1]) {
      world.send(podGone(number));
      await world.run(5);
    }
    const asks = world.pacer.asks.length;

    world.send(podObserved(10));
    await world.run(1);

    expect(world.pacer.asks.slice(asks).flat()).toContainEqual(
      expect.objectContaining({ unit: { DisassociateTrunkInterface: 1 }, priority: "pod" }),
    );
    expect(await branchOf(world, 3)).toMatchObject({ status: "releasing", holdsSlot: false });
    expect(await branchOf(world, 1)).toMatchObject({ status: "cooling" });
  });

  it("P23: an ENI that a pod's annotation claims while the reaper is at it is not deleted, and its sighting is gone", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const [eni] = world.ec2.branches();
    if (eni?.association === undefined) throw new Error("There is no branch.");
    const pod = podObserved(1, { annotation: [annotationOf(eni, eni.association)] }).pod;
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);
    world.clock.advance(301_000);
    await reap(world.dependencies);
    world.clock.advance(363_000);
    await show(world, []);
    let claims = 0;
    world.tap.hook = async ({ method }, phase) => {
      if (method !== "commit" || phase !== "after") return;
      const sighting = await world.ledger.get({ kind: "sighting", eniId: eni.eniId });
      if (sighting?.claimed !== true) return;
      world.tap.hook = undefined;
      claims += 1;
      await show(world, [pod], "401");
    };

    await reap(world.dependencies);

    expect(claims).toBe(1);
    expect(world.ec2.branches()).toHaveLength(1);
    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
    expect(await world.ledger.get({ kind: "sighting", eniId: eni.eniId })).toBeUndefined();
  });
});
