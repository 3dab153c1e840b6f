import { branded } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleBranchLooks, handleNodeEvents, handlePodEvents } from "./index.ts";
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
  type TestWorld,
  testInstance,
} from "./testing/index.ts";

const observe = (world: TestWorld, number: number) =>
  handlePodEvents(world.dependencies, [delivered(podObserved(number), { sentAt: world.clock.now() })]);

/** Lets something else happen once, before or after the n-th call of a port's method from now. */
const between = (
  world: TestWorld,
  { method, phase, nth = 1 }: { method: string; phase: "before" | "after"; nth?: number },
  other: () => Promise<unknown>,
): void => {
  let seen = 0;
  world.tap.hook = async (call, now) => {
    if (call.method !== method || now !== phase) return;
    seen += 1;
    if (seen !== nth) return;
    world.tap.hook = undefined;
    await other();
  };
};

/** A full node, one of whose branches has cooled and is not kept. */
const idleWorld = async (): Promise<TestWorld> => {
  const world = await readyWorld({ reuseIdleSeconds: 0 });
  await fill(world, 9);
  await handlePodEvents(world.dependencies, [delivered(podGone(1))]);
  world.clock.advance(70_000);
  return world;
};

const lookAtFirst = (world: TestWorld) =>
  handleBranchLooks(world.dependencies, [
    delivered({ type: "BranchLook", instanceId: testInstance, owner: podUid(1), index: 0 } as const, {
      sentAt: world.clock.now(),
    }),
  ]);

describe("the ledger protocol: nobody who waits is overlooked", () => {
  it("P16: a pod that begins to wait while the trunk becomes ready is served at once", async () => {
    const world = createTestWorld();
    addInstance(world);
    world.send(nodeObserved());
    await world.run(0);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ status: "attached" });
    between(world, { method: "describeEni", phase: "after" }, () => observe(world, 1));

    await world.run(3);

    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P16: a pod that begins to wait while its slot is being freed is served at once by the worker that frees it", async () => {
    const world = await idleWorld();
    between(world, { method: "deleteEni", phase: "before" }, () => observe(world, 10));

    await lookAtFirst(world);

    expect(assignedPods(world)).toContain(podUid(10));
  });

  it("P16: a pod whose wish is written down after its slot was freed sees the slot itself", async () => {
    const world = await idleWorld();
    const { promise: isWishDecided, resolve: wishIsDecided } = Promise.withResolvers<void>();
    let freeing = Promise.resolve<unknown>(undefined);
    const { promise: isFreeing, resolve: freeingHasBegun } = Promise.withResolvers<void>();
    world.tap.hook = async ({ method }, phase) => {
      if (phase !== "before") return;
      if (method === "deleteEni") {
        freeingHasBegun();
        await isWishDecided;
      }
      if (method === "commit" && (await branchOf(world, 1))?.status === "releasing") {
        world.tap.hook = undefined;
        wishIsDecided();
        await freeing;
      }
    };
    freeing = lookAtFirst(world);
    await isFreeing;

    await observe(world, 10);

    expect(assignedPods(world)).toContain(podUid(10));
  });

  it("P16: a pod whose wish is written down after the trunk became ready sees the trunk itself", async () => {
    const world = createTestWorld();
    addInstance(world);
    between(world, { method: "commit", phase: "before" }, async () => {
      world.send(nodeObserved());
      await world.run(5);
      expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ status: "ready" });
    });

    await observe(world, 1);

    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P16: a pod that begins to wait while a branch of the full node begins to cool gets that branch cut", async () => {
    const world = await readyWorld();
    await fill(world, 9);
    between(world, { method: "commit", phase: "before" }, () => observe(world, 10));

    await handlePodEvents(world.dependencies, [delivered(podGone(1), { sentAt: world.clock.now() })]);

    expect(assignedPods(world)).toContain(podUid(10));
  });

  it("S11: a pod that another cluster claims to have on a node is not served when the node shows whose it is", async () => {
    const world = createTestWorld();
    addInstance(world);
    await handlePodEvents(world.dependencies, [delivered(podObserved(1), { cluster: branded("red") })]);
    world.outbox.sent.splice(0);

    world.send(nodeObserved());
    await world.run(300);

    expect(assignedPods(world)).toEqual([]);
    expect(world.ec2.branches()).toEqual([]);
  });

  it("lets the other branches of a node go on when one of them meets a fault of ours", async () => {
    const world = await readyWorld();
    let creations = 0;
    world.tap.hook = ({ method }, phase) => {
      if (method !== "createBranchEni" || phase !== "before") return;
      creations += 1;
      if (creations === 1) throw new Error("Something that nobody expected.");
    };

    const failed = await handlePodEvents(
      world.dependencies,
      [1, 2, 3].map((number) => delivered(podObserved(number))),
    );

    expect(failed).toEqual(["m", "m", "m"]);
    expect(assignedPods(world)).toEqual([podUid(2), podUid(3)]);
  });

  it("P10: a snapshot that meets others too often is asked for again, never sent again as if it were new", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    world.tap.hook = async ({ method }, phase) => {
      if (method !== "commit" || phase !== "before") return;
      const { trunk } = await world.ledger.load(testInstance);
      if (trunk === undefined) throw new Error("There is no trunk.");
      await world.ledger.commit([{ kind: "put", record: { ...trunk, version: trunk.version + 1 }, expect: [] }]);
    };
    const { incarnation, instanceId, nodeName, nodeUid } = nodeObserved();
    const { pod } = podObserved(1);
    const event = { type: "NodeSnapshot", incarnation, instanceId, nodeName, nodeUid, pods: [pod] } as const;
    const listVersion = pod.resourceVersion;

    await handleNodeEvents(world.dependencies, [
      delivered({ ...event, listVersion }, { sentAt: world.clock.now() - 20_000 }),
    ]);

    expect(world.outbox.sent.map(({ envelope }) => envelope.body.type)).not.toContain("NodeSnapshot");
    expect(world.outbox.outcomes().at(-1)).toMatchObject({ type: "SnapshotRequested" });
  });
});
