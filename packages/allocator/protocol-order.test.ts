import {
  type AssociatedBranch,
  branded,
  type ClusterRegistered,
  type NodeSnapshot,
  type PodEni,
  type PodFacts,
  type ResourceVersion,
} from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleInstanceEvents, handleNodeEvents, handlePodEvents, reap } from "./index.ts";
import {
  addInstance,
  createTestWorld,
  delivered,
  nodeObserved,
  podGone,
  podObserved,
  podUid,
  type TestWorld,
  testIncarnation,
  testInstance,
} from "./testing/index.ts";

const readyWorld = async (changes: Parameters<typeof createTestWorld>[0] = {}): Promise<TestWorld> => {
  const world = createTestWorld(changes);
  addInstance(world);
  world.send(nodeObserved());
  await world.run(5);
  return world;
};

const version = (number: number): ResourceVersion => branded(String(number));

const registered = (changes: Partial<ClusterRegistered> = {}): ClusterRegistered => ({
  type: "ClusterRegistered",
  incarnation: testIncarnation,
  cooldownSeconds: 60,
  forwarderVersion: "0.1.0",
  groupSets: [["sg-0000000000000000a"]],
  ...changes,
});

const snapshot = (pods: readonly PodFacts[], changes: Partial<NodeSnapshot> = {}): NodeSnapshot => ({
  type: "NodeSnapshot",
  incarnation: testIncarnation,
  instanceId: testInstance,
  nodeName: `node-${testInstance}`,
  nodeUid: branded(`uid-of-${testInstance}`),
  listVersion: version(1_000),
  pods,
  ...changes,
});

const branchOf = async (world: TestWorld, owner: string) =>
  (await world.ledger.load(testInstance)).branches.find((branch) => branch.owner === owner);

const annotationOf = async (world: TestWorld, number: number): Promise<readonly PodEni[]> => {
  const branch = (await branchOf(world, podUid(number))) as AssociatedBranch;
  return [
    {
      eniId: branch.eni.eniId,
      ifAddress: branch.eni.mac,
      privateIp: branch.eni.privateIp,
      ipv6Addr: "",
      vlanId: branch.vlanId,
      subnetCidr: "192.168.0.0/16",
      subnetV6Cidr: "",
      associationID: branch.associationId,
    },
  ];
};

describe("the ledger protocol: order against Kubernetes", () => {
  it("P09: the messages of an incarnation that was retired change nothing, and its registration neither", async () => {
    const world = await readyWorld();
    world.send(registered());
    await world.run(1);
    const rebuilt = branded<ClusterRegistered["incarnation"]>("5f0e6c4e-0000-4000-8000-000000000002");
    world.send(registered({ incarnation: rebuilt }));
    await world.run(1);

    world.send(podObserved(1));
    world.send(registered());
    await world.run(1);

    expect(world.ec2.branches()).toEqual([]);
    expect(await world.ledger.get({ kind: "cluster", cluster: delivered(0).cluster })).toMatchObject({
      incarnation: rebuilt,
      retired: [testIncarnation],
    });
  });

  it("P09: after a rebuilt control plane everything cools in full, and nothing is claimed before a snapshot", async () => {
    const world = await readyWorld();
    world.send(registered());
    world.send(podObserved(1));
    await world.run(1);
    const incarnation = branded<ClusterRegistered["incarnation"]>("5f0e6c4e-0000-4000-8000-000000000002");

    world.send(registered({ incarnation }));
    await world.run(1);
    world.send(podObserved(2, {}, { incarnation }));
    await world.run(1);

    expect(await branchOf(world, podUid(1))).toMatchObject({ status: "cooling", unconfirmed: true });
    expect(await branchOf(world, podUid(2))).toMatchObject({ status: "waiting", reason: "trunk-not-ready" });

    world.send(snapshot([podObserved(2).pod], { incarnation }));
    await world.run(1);
    expect(await branchOf(world, podUid(2))).toMatchObject({ status: "associated" });
  });

  it("P10: a branch that a snapshot omits begins to cool, but not one that is newer than the list", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    world.send(podObserved(2, { resourceVersion: version(2_000) }));
    await world.run(1);

    world.send(snapshot([]));
    await world.run(1);

    expect(await branchOf(world, podUid(1))).toMatchObject({ status: "cooling", unconfirmed: true });
    expect(await branchOf(world, podUid(2))).toMatchObject({ status: "associated" });
  });

  it("P10: two omissions 30 s apart end a branch whatever its version says", async () => {
    const world = await readyWorld();
    world.send(podObserved(1, { resourceVersion: version(2_000) }));
    await world.run(1);

    world.send(snapshot([]));
    await world.run(10);
    world.send(snapshot([]));
    await world.run(1);
    expect(await branchOf(world, podUid(1))).toMatchObject({ status: "associated" });
    await world.run(30);
    world.send(snapshot([]));
    await world.run(1);

    expect(await branchOf(world, podUid(1))).toMatchObject({ status: "cooling" });
  });

  it("P10: a snapshot that is older than 15 minutes is void", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);

    await handleNodeEvents(world.dependencies, [delivered(snapshot([]), { sentAt: world.clock.now() - 16 * 60_000 })]);

    expect(await branchOf(world, podUid(1))).toMatchObject({ status: "associated" });
  });

  it("P10: the annotation of a living pod takes its ENI back out of the cool-down", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);
    const annotation = await annotationOf(world, 1);
    world.send(snapshot([]));
    await world.run(1);

    world.send(snapshot([{ ...podObserved(1).pod, annotation }]));
    await world.run(700);

    expect(await branchOf(world, podUid(1))).toMatchObject({ status: "associated" });
    expect(world.ec2.branches()).toHaveLength(1);
  });

  it("P10: after a lost table the annotations give each pod its ENI back, and it is not reused with unknown groups", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);
    const annotation = await annotationOf(world, 1);
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);

    world.send(snapshot([{ ...podObserved(1).pod, annotation }]));
    await world.run(1);

    expect(await world.ledger.load(testInstance)).toMatchObject({
      trunk: { held: 1, vlans: `${"0".repeat(29)}1`, status: "ready" },
      branches: [{ owner: podUid(1), status: "associated", vlanId: 1 }],
    });
    world.send(podGone(1));
    await world.run(70);
    world.send(podObserved(2));
    await world.run(1);
    expect(world.ec2.branches()).toHaveLength(2);
  });

  it("P10: another ENI in the pod's record makes way for the one that the annotation names", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    world.send(podObserved(2));
    await world.run(1);
    const annotation = await annotationOf(world, 2);
    const own = (await annotationOf(world, 1))[0]?.eniId ?? "";
    world.send(podGone(2));
    await world.run(1);

    world.send(snapshot([{ ...podObserved(1).pod, annotation }]));
    await world.run(1);

    expect(await branchOf(world, podUid(1))).toMatchObject({ status: "associated", vlanId: 2 });
    expect(await branchOf(world, own)).toMatchObject({ status: "cooling", unconfirmed: true, vlanId: 1 });
    expect(await branchOf(world, podUid(2))).toMatchObject({ status: "gone" });
  });

  it("P11: what a snapshot ended is not deleted before a later snapshot omits it again", async () => {
    const world = await readyWorld({ reuseIdleSeconds: 0 });
    world.send(podObserved(1));
    await world.run(1);
    world.send(snapshot([]));
    await world.run(1);

    world.send(snapshot([]));
    await world.run(600);
    expect(world.ec2.branches()).toHaveLength(1);
    expect(world.outbox.outcomes().some(({ type }) => type === "SnapshotRequested")).toBe(true);

    world.send(snapshot([]));
    await world.run(120);
    expect(world.ec2.branches()).toEqual([]);
  });

  it("P11: a lost assignment is sent again when a snapshot shows the pod without annotation", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);
    const sent = world.outbox.sent.length;

    world.send(snapshot([podObserved(1).pod]));
    await world.run(1);

    expect(world.outbox.sent.slice(sent).map(({ envelope }) => envelope)).toMatchObject([
      { body: { type: "PodEniAssigned", podUid: podUid(1) } },
    ]);
  });

  it("P12: a terminated instance takes its branches with it, a stopped one keeps them", async () => {
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
    expect(await branchOf(world, podUid(1))).toMatchObject({ status: "associated" });

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

  it("P14: a node that is not managed any more keeps its pods and gets no new ones", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);

    world.send(nodeObserved(testInstance, { wantsTrunk: false }));
    await world.run(1);
    world.send(podObserved(2));
    await world.run(1);

    expect(world.ec2.branches()).toHaveLength(1);
    expect(await branchOf(world, podUid(2))).toMatchObject({ status: "waiting", reason: "trunk-not-ready" });
  });

  it("S11: a message about another cluster's instance changes nothing", async () => {
    const world = await readyWorld();
    const before = JSON.stringify(world.ledger.records());

    await handlePodEvents(world.dependencies, [delivered(podObserved(1), { cluster: branded("red") })]);

    expect(JSON.stringify(world.ledger.records())).toBe(before);
    expect(world.notes).toContain("A message about another cluster's instance was dropped.");
  });

  it("tells a node whose instance lacks the cluster's tag, and keeps no record of it", async () => {
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

  it("lets a trunk wait for a free network interface, and tells the node once", async () => {
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
