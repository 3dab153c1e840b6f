import { branded, type ClusterRegistered, type EniId } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handlePodEvents, reap } from "./index.ts";
import {
  addInstance,
  createTestWorld,
  delivered,
  interleave,
  nodeObserved,
  podGone,
  podObserved,
  podUid,
  type TestWorld,
  testIncarnation,
  testInstance,
  testSubnet,
} from "./testing/index.ts";

const readyWorld = async (changes: Parameters<typeof createTestWorld>[0] = {}): Promise<TestWorld> => {
  const world = createTestWorld(changes);
  addInstance(world);
  world.send(nodeObserved());
  await world.run(5);
  return world;
};

const branchOf = async (world: TestWorld, number: number) =>
  (await world.ledger.load(testInstance)).branches.find(({ owner }) => owner === podUid(number));

const assignedPods = (world: TestWorld): readonly string[] =>
  world.outbox.outcomes().flatMap((outcome) => (outcome.type === "PodEniAssigned" ? [outcome.podUid] : []));

const copies = (world: TestWorld): number =>
  world.pending().filter(({ to, body }) => to === "pod-events" && body.type === "PodObserved").length;

const fill = async (world: TestWorld, pods: number): Promise<void> => {
  for (let number = 1; number <= pods; number += 1) world.send(podObserved(number));
  await world.run(1);
};

const freeAddresses = (world: TestWorld, count: number): void => {
  const subnet = world.ec2.subnets.get(testSubnet);
  if (subnet !== undefined) world.ec2.subnets.set(testSubnet, { ...subnet, freeAddresses: count });
};

describe("the ledger protocol: waiting, pacing, full nodes", () => {
  it("P15: duplicates and redeliveries of a waiting pod do not multiply its copies", async () => {
    const world = await readyWorld();
    await fill(world, 9);

    for (let repeat = 0; repeat < 5; repeat += 1) world.send(podObserved(10));
    await world.run(1);

    expect(copies(world)).toBe(1);
    await world.run(3_000);
    expect(copies(world)).toBe(1);
  });

  it("P15: a worker that dies between writing the wish down and sending its copy breaks no chain", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    world.tap.hook = ({ port, method }, phase) => {
      if (port !== "outbox" || method !== "send" || phase !== "before") return;
      world.tap.hook = undefined;
      throw new Error("The worker was killed.");
    };

    world.send(podObserved(10));
    await world.run(200);

    expect(copies(world)).toBe(1);
    expect(await branchOf(world, 10)).toMatchObject({ status: "waiting", reason: "node-full" });
  });

  it("P15: a chain that was lost is taken over by any message for the pod", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    await handlePodEvents(world.dependencies, [delivered(podObserved(10))]);
    world.outbox.sent.splice(0);
    world.clock.advance(400_000);

    await handlePodEvents(world.dependencies, [delivered(podObserved(10), { sentAt: world.clock.now() })]);

    expect(world.outbox.sent.map(({ envelope }) => envelope)).toContainEqual(
      expect.objectContaining({ to: "pod-events", body: expect.objectContaining({ chain: 2 }) }),
    );
  });

  it("P16: a pod that ends on a full node lets the one that waited longest in, at once", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    world.send(podObserved(10));
    await world.run(2);
    world.send(podObserved(11));
    await world.run(2);

    world.send(podGone(3));
    await world.run(1);

    expect(assignedPods(world)).toContain(podUid(10));
    expect(assignedPods(world)).not.toContain(podUid(11));
    expect(await branchOf(world, 11)).toMatchObject({ status: "waiting" });
  });

  it("P16: pods that came before their node's trunk are served as soon as it is ready", async () => {
    const world = createTestWorld();
    addInstance(world);
    world.send(podObserved(1));
    await world.run(1);
    expect(await branchOf(world, 1)).toMatchObject({ status: "waiting", reason: "trunk-not-ready" });

    world.send(nodeObserved());
    await world.run(5);

    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P16: while a subnet is full one probe goes to EC2 every 10 s, and relief lets everybody in", async () => {
    const world = await readyWorld();
    freeAddresses(world, 0);
    for (let number = 1; number <= 5; number += 1) world.send(podObserved(number));
    await world.run(1);
    const before = world.ec2.calls.length;

    await world.run(100);
    expect(world.ec2.calls.length - before).toBeLessThanOrEqual(11);
    freeAddresses(world, 100);
    await world.run(15);

    expect(new Set(assignedPods(world)).size).toBe(5);
    const told = world.outbox.outcomes().filter(({ type }) => type === "PodEniDelayed");
    expect(told).toHaveLength(5);
  });

  it("P16: an address that a branch gives back lets a waiting pod of another node in", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0, addressProbeSeconds: 900 });
    await fill(world, 1);
    freeAddresses(world, 0);
    const other = addInstance(world, branded("i-0123456789abcdef1"));
    world.send(nodeObserved(other));
    freeAddresses(world, 1);
    await world.run(5);
    world.send(podObserved(2, {}, { instanceId: other }));
    await world.run(1);
    expect(assignedPods(world)).toEqual([podUid(1)]);

    world.send(podGone(1));
    await world.run(70);

    expect(assignedPods(world)).toEqual([podUid(1), podUid(2)]);
  });

  it("P17: pods for which there are no tokens wait for exactly their turn, and show the same tag again", async () => {
    const world = await readyWorld();
    world.pacer.unitsLeft = 2;
    world.pacer.waitMilliseconds = 20_000;
    for (let number = 1; number <= 3; number += 1) world.send(podObserved(number));
    await world.run(1);

    expect(assignedPods(world)).toHaveLength(2);
    expect(await branchOf(world, 3)).toMatchObject({ status: "waiting", reason: "rate-limit", pacerTag: 1 });
    world.pacer.unitsLeft = 100;
    await world.run(21);

    expect(world.pacer.asks.at(-1)).toMatchObject([{ tag: 1 }]);
    expect(assignedPods(world)).toHaveLength(3);
  });

  it("P17: a worker that was frozen over its grant asks anew", async () => {
    const world = await readyWorld();
    const asks = world.pacer.asks.length;
    interleave(world.tap, "ec2", "createBranchEni", async () => world.clock.advance(3_000));

    await handlePodEvents(world.dependencies, [delivered(podObserved(1))]);

    expect(world.pacer.asks.slice(asks)).toMatchObject([
      [{ unit: { CreateNetworkInterface: 1, AssociateTrunkInterface: 1 } }],
      [{ unit: { AssociateTrunkInterface: 1 } }],
    ]);
  });

  it("P18: a throttled call is told to the pacer and repeated with the same token", async () => {
    const world = await readyWorld();
    let throttles = 2;
    world.ec2.refuse = (action) => {
      if (action !== "CreateNetworkInterface" || throttles === 0) return undefined;
      throttles -= 1;
      return { remedy: "throttled", code: "RequestLimitExceeded" };
    };

    world.send(podObserved(1));
    await world.run(1);

    expect(world.pacer.reports.filter((report) => report.CreateNetworkInterface?.throttled === 1)).toHaveLength(2);
    expect(world.ec2.branches()).toHaveLength(1);
    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P19: a wish that EC2 refuses is told once, kept, and met when its group exists", async () => {
    const world = await readyWorld();
    world.ec2.missingGroups.add("sg-0000000000000000a");
    world.send(podObserved(1));
    await world.run(100);

    expect(world.outbox.outcomes().filter(({ type }) => type === "PodEniFailed")).toMatchObject([
      { code: "InvalidGroup.NotFound", action: "CreateNetworkInterface" },
    ]);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ held: 0, vlans: "0".repeat(30) });
    world.ec2.missingGroups.clear();
    await world.run(31);

    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P19: the breaker trips only when distinct requests are refused alike, and closes on success", async () => {
    const world = await readyWorld();
    const registration: ClusterRegistered = {
      type: "ClusterRegistered",
      incarnation: testIncarnation,
      cooldownSeconds: 60,
      forwarderVersion: "0.1.0",
      groupSets: [],
    };
    world.send(registration);
    await world.run(1);
    world.ec2.refuse = (action) =>
      action === "CreateNetworkInterface" ? { remedy: "unauthorised", code: "UnauthorizedOperation" } : undefined;
    for (let number = 1; number <= 4; number += 1) {
      world.send(podObserved(number, { securityGroups: [`sg-${number}`] }));
      await world.run(1);
    }
    expect(await branchOf(world, 3)).toMatchObject({ status: "waiting", reason: "refused" });
    expect(await branchOf(world, 4)).toMatchObject({ status: "waiting", reason: "cluster-paused" });
    const calls = world.ec2.calls.length;

    await world.run(58);
    expect(world.ec2.calls).toHaveLength(calls);
    world.ec2.refuse = undefined;
    await world.run(200);

    expect(new Set(assignedPods(world)).size).toBe(4);
  });

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
    const registration: ClusterRegistered = {
      type: "ClusterRegistered",
      incarnation: testIncarnation,
      cooldownSeconds: 60,
      forwarderVersion: "0.1.0",
      groupSets: [["sg-0000000000000000a"]],
    };
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
    world.clock.advance(61_000);
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
    world.clock.advance(61_000);
    await reap(world.dependencies);
    expect(world.ec2.branches()).toHaveLength(1);

    const { nodeName, nodeUid, incarnation, instanceId } = nodeObserved();
    const listVersion = branded<ClusterRegistered["incarnation"]>("1000") as never;
    world.send({ type: "NodeSnapshot", incarnation, instanceId, nodeName, nodeUid, listVersion, pods: [] });
    await world.run(1);
    await reap(world.dependencies);

    expect(world.ec2.branches()).toEqual([]);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ held: 0, vlans: "0".repeat(30) });
  });

  it("P08: the reaper finds work whose message was lost", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    await fill(world, 1);
    await handlePodEvents(world.dependencies, [delivered(podGone(1))]);
    world.clock.advance(200_000);
    world.outbox.sent.splice(0);

    await reap(world.dependencies);

    expect(world.outbox.sent).toMatchObject([{ envelope: { to: "branch-cooldown", body: { owner: podUid(1) } } }]);
  });
});

describe("what a pod costs", () => {
  it("is at most 15 write units for a life without reuse", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    const before = world.ledger.writeUnits();
    const asks = world.pacer.asks.length;

    world.send(podObserved(1));
    await world.run(1);
    world.send(podGone(1));
    await world.run(100);

    expect(world.ledger.writeUnits() - before + world.pacer.asks.length - asks).toBeLessThanOrEqual(15);
    expect(world.ec2.branches()).toEqual([]);
  });

  it("is at most 8 write units for a life on a branch that is reused", async () => {
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

    expect(world.ledger.writeUnits() - before + world.pacer.asks.length - asks).toBeLessThanOrEqual(8);
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
