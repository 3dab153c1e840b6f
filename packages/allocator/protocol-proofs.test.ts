import { branded, type EniId, isVlanTaken, type PodEni, type ResourceVersion, type VlanId } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleNodeEvents, handlePodEvents, reap } from "./index.ts";
import {
  addInstance,
  annotated,
  annotationOf,
  assignedPods,
  branchOf,
  createTestWorld,
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

const bogus = (number: number): PodEni =>
  forged({ eniId: `eni-00000000000be${String(number).padStart(4, "0")}`, vlanId: 20 + number });

const searches = (world: TestWorld, since = 0): number =>
  world.ec2.calls.slice(since).filter((action) => action === "DescribeNetworkInterfaces").length;

const nodeLooks = (world: TestWorld): number => world.pending().filter(({ body }) => body.type === "NodeLook").length;

describe("the ledger protocol: what EC2 is asked about annotations, and when", () => {
  it("P10: a VLAN ID that no branch can have is told once, however many snapshots show it", async () => {
    const world = await readyWorld();
    for (let list = 0; list < 3; list += 1) {
      world.send(snapshot([annotated(1, [forged({ vlanId: 999 })])], 1_000 + list));
      await world.run(300);
    }

    expect(problems(world)).toMatchObject([{ podUid: podUid(1), problem: "eni-taken" }]);
  });

  it("P07: what was found missing while its pod was taken for ended is told when the pod turns out to live", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const annotation = annotationOf(world, 1);
    world.clock.advance(120_000);
    world.send(snapshot([], 1_000));
    await world.run(1);
    expect(await branchOf(world, 1)).toMatchObject({ status: "cooling", unconfirmed: true });
    world.ec2.enis.delete(branded<EniId>(annotation[0]?.eniId ?? ""));
    await reap(world.dependencies);
    await world.run(61);
    await reap(world.dependencies);
    expect(await branchOf(world, 1)).toMatchObject({ doubt: { confirmed: true } });
    expect(problems(world)).toEqual([]);

    world.send(snapshot([annotated(1, annotation)], 1_001));
    await world.run(62);
    await reap(world.dependencies);
    await reap(world.dependencies);

    expect(problems(world)).toMatchObject([{ podUid: podUid(1), problem: "eni-deleted" }]);
  });

  it("P18: while EC2 refuses, a node asks once a minute, whatever asks for it", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    const pods = [1, 2, 3, 4].map((number) => annotated(number, [bogus(number)]));
    world.ec2.refuse = (action) =>
      action === "DescribeNetworkInterfaces" ? { remedy: "unauthorised", code: "UnauthorizedOperation" } : undefined;
    world.send(snapshot(pods));
    await world.run(1);
    world.send(podGone(1));
    world.send(podGone(2));
    world.send(podGone(3));
    const since = world.ec2.calls.length;
    for (let minute = 0; minute < 30; minute += 1) {
      if (minute % 5 === 0) world.send(snapshot(pods.slice(3), 1_001 + minute));
      await world.run(60);
      await reap(world.dependencies);
    }

    // The reaper's own listing is one of the two a minute.
    expect(searches(world, since)).toBeLessThanOrEqual(2 * 30 + 2);
    expect(nodeLooks(world)).toBeLessThanOrEqual(2);
    world.ec2.refuse = undefined;
    await world.run(300);
    expect(problems(world)).toMatchObject([{ podUid: podUid(4), problem: "unknown-eni" }]);
    expect(await trunkOf(world)).toMatchObject({ held: 1 });
  });

  it("P10: one that was reported is believed when EC2 shows it after all, with the next snapshot", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const pods = [annotated(1, annotationOf(world, 1))];
    const [eni] = world.ec2.branches();
    if (eni === undefined) throw new Error("There is no branch.");
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);
    world.ec2.enis.delete(eni.eniId);
    world.send(snapshot(pods));
    await world.run(70);
    expect(problems(world)).toHaveLength(1);
    world.ec2.enis.set(eni.eniId, eni);
    await world.run(120);
    expect(await branchOf(world, 1)).toMatchObject({ unproven: true });

    world.send(snapshot(pods, 1_001));
    await world.run(1);

    expect(await branchOf(world, 1)).not.toHaveProperty("unproven", true);
    expect(problems(world)).toHaveLength(1);
  });

  it("P10: a batch that asks several times is answered with one search", async () => {
    const world = await readyWorld();
    const since = world.ec2.calls.length;
    const look = delivered({ type: "NodeLook", instanceId: testInstance } as const);
    const pods = [1, 2, 3, 4].map((number) => annotated(number, [bogus(number)]));
    await handleNodeEvents(world.dependencies, [delivered(snapshot(pods), { sentAt: world.clock.now() }), look, look]);

    expect(searches(world, since)).toBe(1);
  });

  it("P16: the end of one that is not proved lets a waiting pod in at once, also one that looked a moment before", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    world.send(snapshot([annotated(1, [forged()])]));
    await world.run(70);
    expect(problems(world)).toHaveLength(1);
    for (let number = 2; number <= 9; number += 1) world.send(podObserved(number));
    await world.run(5);
    world.send(podGone(1));
    await world.run(61);
    world.clock.advance(5_000);
    await handlePodEvents(world.dependencies, [delivered(podObserved(10), { sentAt: world.clock.now() })]);
    expect(await branchOf(world, 1)).toMatchObject({ status: "cooling" });
    expect(await branchOf(world, 10)).toMatchObject({ status: "waiting", reason: "node-full" });

    await world.run(5);

    expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });
    expect(await branchOf(world, 10)).toMatchObject({ status: "associated" });
  });

  it("P08: one that was taken before the trunk was ready is asked about as soon as it is", async () => {
    const world = createTestWorld();
    addInstance(world);
    world.tap.hook = async (call, phase) => {
      if (call.port !== "ec2" || call.method !== "deleteOnTermination" || phase !== "before") return;
      world.tap.hook = undefined;
      const event = snapshot([annotated(1, [forged()])]);
      await handleNodeEvents(world.dependencies, [delivered(event, { sentAt: world.clock.now() })]);
    };
    world.send(nodeObserved());
    await world.run(80);

    expect(await trunkOf(world)).toMatchObject({ status: "ready", held: 1 });
    expect(problems(world)).toMatchObject([{ podUid: podUid(1), problem: "unknown-eni" }]);
  });

  it("P09: a snapshot from before the end of a pod with several ENIs takes none of them", async () => {
    const world = await readyWorld();
    const late = snapshot([annotated(1, [bogus(1), bogus(2)])], 299);
    world.send(podGone(1));
    await world.run(1);
    world.send(late);
    await world.run(1);

    expect(await trunkOf(world)).toMatchObject({ held: 0 });
    const { branches } = await world.ledger.load(testInstance);
    expect(branches.map(({ status }) => status)).toEqual(["gone"]);
  });

  it("P10: a pod whose annotation cannot be taken, or not be read, waits for nothing any more", async () => {
    const world = await readyWorld();
    await fill(world, 11);
    expect(await branchOf(world, 10)).toMatchObject({ status: "waiting" });
    const resourceVersion = branded<ResourceVersion>("250");
    const unreadable = { ...podObserved(10).pod, resourceVersion, isAnnotationUnreadable: true } as const;
    const taken = annotated(11, [forged({ vlanId: annotationOf(world, 1)[0]?.vlanId ?? 0 })]);
    const others = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => annotated(number, annotationOf(world, number)));
    world.send(snapshot([...others, unreadable, taken]));
    await world.run(1);
    world.send(podGone(1));
    world.send(podGone(2));
    await world.run(200);

    expect(assignedPods(world)).toHaveLength(9);
    expect(await branchOf(world, 10)).toMatchObject({ status: "gone" });
    expect(await branchOf(world, 11)).not.toMatchObject({ status: "waiting" });
    expect(
      isVlanTaken((await trunkOf(world))?.strayVlans ?? "0", branded<VlanId>(taken.annotation?.[0]?.vlanId ?? 0)),
    ).toBe(true);
  });
});
