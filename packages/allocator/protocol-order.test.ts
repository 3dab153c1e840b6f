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
import { handleNodeEvents } from "./index.ts";
import {
  branchOf,
  delivered,
  nodeObserved,
  podGone,
  podObserved,
  podUid,
  readyWorld,
  registered,
  type TestWorld,
  testIncarnation,
  testInstance,
} from "./testing/index.ts";

const version = (number: number): ResourceVersion => branded(String(number));

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

const annotationOf = async (world: TestWorld, number: number): Promise<readonly PodEni[]> => {
  const branch = (await branchOf(world, number)) as AssociatedBranch;
  return [
    {
      eniId: branch.eni.eniId,
      ifAddress: branch.eni.mac,
      privateIp: branch.eni.privateIp,
      ipv6Addr: "",
      vlanId: branch.vlanId,
      subnetCidr: "192.168.0.0/16",
      subnetV6Cidr: "",
      associationID: branch.associationId ?? "",
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

    expect(await branchOf(world, 1)).toMatchObject({ status: "cooling", unconfirmed: true });
    expect(await branchOf(world, 2)).toMatchObject({ status: "waiting", reason: "trunk-not-ready" });

    world.send(snapshot([podObserved(2).pod], { incarnation }));
    await world.run(1);
    expect(await branchOf(world, 2)).toMatchObject({ status: "associated" });
  });

  it("P10: a branch that a snapshot omits begins to cool, but not one that is newer than the list", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    world.send(podObserved(2, { resourceVersion: version(2_000) }));
    await world.run(1);

    world.send(snapshot([]));
    await world.run(1);

    expect(await branchOf(world, 1)).toMatchObject({ status: "cooling", unconfirmed: true });
    expect(await branchOf(world, 2)).toMatchObject({ status: "associated" });
  });

  it("P10: two omissions 30 s apart end a branch whatever its version says", async () => {
    const world = await readyWorld();
    world.send(podObserved(1, { resourceVersion: version(2_000) }));
    await world.run(1);

    world.send(snapshot([]));
    await world.run(10);
    world.send(snapshot([]));
    await world.run(1);
    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
    await world.run(30);
    world.send(snapshot([]));
    await world.run(1);

    expect(await branchOf(world, 1)).toMatchObject({ status: "cooling" });
  });

  it("P10: a snapshot that is older than 15 minutes is void", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);

    await handleNodeEvents(world.dependencies, [delivered(snapshot([]), { sentAt: world.clock.now() - 16 * 60_000 })]);

    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
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

    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
    expect(world.ec2.branches()).toHaveLength(1);
  });

  it("P10: after a lost table the annotations give each pod its ENI back, and EC2 tells the groups with which it is reused", async () => {
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
    world.send(podObserved(2, { securityGroups: ["sg-0000000000000000b"] }));
    await world.run(1);
    expect(world.ec2.branches()).toHaveLength(2);
    world.send(podObserved(3));
    await world.run(1);
    expect(await branchOf(world, 3)).toMatchObject({ eni: { eniId: annotation[0]?.eniId } });
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

    expect(await branchOf(world, 1)).toMatchObject({ status: "associated", vlanId: 2 });
    expect(await branchOf(world, own)).toMatchObject({ status: "cooling", unconfirmed: true, vlanId: 1 });
    expect(await branchOf(world, 2)).toMatchObject({ status: "gone" });
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
});
