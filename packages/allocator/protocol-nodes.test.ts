import { branded, type SubnetId } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleInstanceEvents, handlePodEvents, reap } from "./index.ts";
import {
  addInstance,
  annotated,
  annotationOf,
  branchOf,
  createTestWorld,
  delivered,
  nodeObserved,
  podObserved,
  podUid,
  readyWorld,
  snapshot,
  testInstance,
} from "./testing/index.ts";

describe("the ledger protocol: nodes and their ends", () => {
  it("P12, K56: a terminated instance takes its branches with it, a stopped one keeps them", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);

    await handleInstanceEvents(world.dependencies, [
      delivered({ type: "InstanceStateChanged", instanceId: testInstance, state: "stopped" } as const),
    ]);
    expect(world.ec2.branches()).toHaveLength(1);

    world.ec2.terminate(testInstance);
    await handleInstanceEvents(world.dependencies, [
      delivered({ type: "InstanceStateChanged", instanceId: testInstance, state: "terminated" } as const),
    ]);

    expect(world.ec2.branches()).toEqual([]);
    expect(world.outbox.outcomes().at(-1)).toMatchObject({ type: "NodeTrunkGone" });
  });

  it("P12: nothing begins on an instance that has ended, whatever is heard of its pods afterwards", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);
    const annotation = annotationOf(world, 1);
    world.ec2.terminate(testInstance);
    await handleInstanceEvents(world.dependencies, [
      delivered({ type: "InstanceStateChanged", instanceId: testInstance, state: "terminated" } as const),
    ]);
    const { branches: tombstones } = await world.ledger.load(testInstance);
    const told = world.outbox.outcomes().length;

    world.send(snapshot([annotated(3, annotation), podObserved(4).pod]));
    world.send(podObserved(2));
    await world.run(1);

    expect((await world.ledger.load(testInstance)).branches).toEqual(tombstones);
    expect(world.outbox.outcomes()).toHaveLength(told);
  });

  it("K71: names the EC2 action that the functions may not use, and nothing else of a refused trunk", async () => {
    const world = createTestWorld();
    addInstance(world);
    world.ec2.refuse = (action) =>
      action === "CreateNetworkInterface" ? { remedy: "unauthorised", code: "UnauthorizedOperation" } : undefined;
    world.send(nodeObserved());
    await world.run(1);
    world.ec2.refuse = (action) =>
      action === "CreateNetworkInterface" ? { remedy: "permanent", code: "InvalidSubnetID.NotFound" } : undefined;
    await world.run(world.dependencies.settings.slotRetrySeconds);

    const told = { type: "NodeTrunkProblem", reason: "TrunkENICreationFailed", nodeName: `node-${testInstance}` };
    expect(world.outbox.outcomes()).toMatchObject([
      { ...told, detail: "UnauthorizedOperation", action: "CreateNetworkInterface" },
      { ...told, detail: "InvalidSubnetID.NotFound" },
    ]);
    expect(world.outbox.outcomes()[1]).not.toHaveProperty("action");
  });

  it("K71: names the next action that is refused, when the first one was granted meanwhile", async () => {
    const world = createTestWorld();
    addInstance(world);
    for (const refused of ["AttachNetworkInterface", "ModifyNetworkInterfaceAttribute"] as const) {
      world.ec2.refuse = (action) =>
        action === refused ? { remedy: "unauthorised", code: "UnauthorizedOperation" } : undefined;
      world.send(nodeObserved());
      await world.run(2 * world.dependencies.settings.slotRetrySeconds);
    }

    const told = world.outbox.outcomes().filter(({ type }) => type === "NodeTrunkProblem");
    expect(told).toMatchObject([{ action: "AttachNetworkInterface" }, { action: "ModifyNetworkInterfaceAttribute" }]);
  });

  it("P12: a node that shuts down gets no new branches, and the deletion of its Node object ends nobody", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);
    const { nodeName, nodeUid, incarnation, instanceId } = nodeObserved();
    world.send({ type: "NodeGone", incarnation, instanceId, nodeName, nodeUid: branded("uid-of-another") });
    await world.run(1);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ wanted: true });

    world.send({ type: "NodeGone", incarnation, instanceId, nodeName, nodeUid });
    await world.run(1);
    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });

    world.send(nodeObserved());
    await world.run(1);
    await handleInstanceEvents(world.dependencies, [
      delivered({ type: "InstanceStateChanged", instanceId: testInstance, state: "shutting-down" } as const),
    ]);
    world.send(podObserved(2));
    await world.run(1);
    expect(world.ec2.branches()).toHaveLength(1);
  });

  it("P12: a cluster that disappears without notice leaves no ENI behind", async () => {
    const world = await readyWorld();
    for (let number = 1; number <= 5; number += 1) world.send(podObserved(number));
    await world.run(1);
    world.ec2.terminate(testInstance);

    world.clock.advance(700_000);
    await reap(world.dependencies);
    await world.run(400);
    await reap(world.dependencies);

    expect(world.ec2.branches()).toEqual([]);
    expect((await world.ledger.load(testInstance)).trunk).toBeUndefined();
  });

  it("P12: the forwarder is asked about the pods of a trunk that it has been silent about", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);

    world.clock.advance(700_000);
    await reap(world.dependencies);

    expect(world.outbox.outcomes().at(-1)).toMatchObject({ type: "PodsQuestioned", podUids: [podUid(1)] });
    expect(world.ec2.branches()).toHaveLength(1);
  });

  it("P13: a node without a record gets the trunk ENI that it already has", async () => {
    const world = await readyWorld();
    world.ledger.lose();

    world.send(nodeObserved());
    await world.run(5);

    expect(world.ec2.enis.size).toBe(1);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ status: "ready" });
  });

  it("P13: a trunk ENI that vanished before it was attached is replaced after a minute by the next generation", async () => {
    const world = createTestWorld();
    addInstance(world);
    world.tap.hook = ({ method }, phase) => {
      if (method !== "attach" || phase !== "before") return;
      world.tap.hook = undefined;
      world.ec2.enis.clear();
    };

    world.send(nodeObserved());
    await world.run(120);

    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ status: "ready", generation: 1 });
    expect(world.ec2.enis.size).toBe(1);
  });

  it("P14, K18: a node that is not managed any more keeps its pods and gets no new ones", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);

    world.send(nodeObserved(testInstance, { wantsTrunk: false }));
    await world.run(1);
    world.send(podObserved(2));
    await world.run(1);

    expect(world.ec2.branches()).toHaveLength(1);
    expect(await branchOf(world, 2)).toMatchObject({ status: "waiting", reason: "trunk-not-ready" });
  });

  it("S11: a message about another cluster's instance changes nothing", async () => {
    const world = await readyWorld();
    const before = JSON.stringify(world.ledger.records());

    await handlePodEvents(world.dependencies, [delivered(podObserved(1), { cluster: branded("red") })]);

    expect(JSON.stringify(world.ledger.records())).toBe(before);
    expect(world.notes).toContain("A message about another cluster's instance was dropped.");
  });

  it("K13: tells a node whose instance lacks the cluster's tag, and keeps no record of it", async () => {
    const world = createTestWorld();
    addInstance(world);
    const facts = world.ec2.instances.get(testInstance);
    if (facts !== undefined) world.ec2.instances.set(testInstance, { ...facts, clusters: ["red"] });

    world.send(nodeObserved());
    await world.run(1);

    expect(world.outbox.outcomes()).toMatchObject([
      { type: "NodeTrunkProblem", detail: `the instance ${testInstance} lacks the tag kubernetes.io/cluster/blue` },
    ]);
    expect(world.ledger.records()).toEqual([]);
  });

  it("P19: tells a node whose ENIConfig names a subnet of another VPC", async () => {
    const world = createTestWorld();
    addInstance(world);
    const subnetId = branded<SubnetId>("subnet-0000000000000000f");
    world.ec2.subnets.set(subnetId, { subnetId, vpcId: "vpc-2", cidr: "10.0.0.0/24", ipv6Cidr: "", freeAddresses: 9 });

    world.send(nodeObserved(testInstance, { eniConfig: { name: "zone-a", subnetId, securityGroups: [] } }));
    await world.run(1);

    expect(world.outbox.outcomes()).toMatchObject([
      { type: "NodeTrunkProblem", detail: `the subnet ${subnetId} belongs to vpc-2, the instance to vpc-1` },
    ]);
    expect(world.ledger.records()).toEqual([]);
  });

  it.each([
    ["p5.48xlarge", 1, 120],
    ["c6in.32xlarge", 7, 106],
    ["p4d.24xlarge", 14, 62],
  ])(
    "attaches the trunk of %s to network card 0 at device index %i",
    async (instanceType, deviceIndex, branchesMax) => {
      const world = createTestWorld();
      addInstance(world, testInstance, instanceType);
      const facts = world.ec2.instances.get(testInstance);
      if (facts === undefined) throw new Error("There is no instance.");
      world.ec2.instances.set(testInstance, { ...facts, interfacesAttached: 5 });

      world.send(nodeObserved());
      world.send(podObserved(1));
      await world.run(5);

      const { trunk } = await world.ledger.load(testInstance);
      expect(trunk).toMatchObject({ status: "ready", deviceIndex, branchesMax, held: 1 });
    },
  );

  it("lets a trunk wait while an EFA interface has the last device index of network card 0, and go on once it is free", async () => {
    const world = createTestWorld();
    addInstance(world, testInstance, "p5.48xlarge");
    const facts = world.ec2.instances.get(testInstance);
    if (facts === undefined) throw new Error("There is no instance.");
    world.ec2.instances.set(testInstance, { ...facts, deviceIndexes: [0, 1], interfacesAttached: 33 });

    world.send(nodeObserved());
    await world.run(100);
    world.ec2.instances.set(testInstance, { ...facts, interfacesAttached: 32 });
    await world.run(60);

    expect(world.outbox.outcomes()).toMatchObject([
      {
        type: "NodeTrunkProblem",
        detail: "waiting for a free network interface (2 of 2 attached to network card 0)",
      },
      { type: "NodeTrunkReady", branchesMax: 120 },
    ]);
  });

  it("K12: lets a trunk wait for a free network interface, and tells the node once", async () => {
    const world = createTestWorld();
    addInstance(world);
    const facts = world.ec2.instances.get(testInstance);
    if (facts === undefined) throw new Error("There is no instance.");
    world.ec2.instances.set(testInstance, { ...facts, deviceIndexes: [0, 1, 2] });

    world.send(nodeObserved());
    await world.run(100);
    world.ec2.instances.set(testInstance, { ...facts, deviceIndexes: [0, 1] });
    await world.run(60);

    expect(world.outbox.outcomes()).toMatchObject([
      { type: "NodeTrunkProblem", detail: "waiting for a free network interface (3 of 3 attached)" },
      { type: "NodeTrunkReady" },
    ]);
  });
});
