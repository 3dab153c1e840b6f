import { describe, expect, it } from "vitest";
import { handleNodeEvents } from "./handlers.ts";
import {
  addInstance,
  createTestWorld,
  interleave,
  nodeObserved,
  type TestWorld,
  testCluster,
  testInstance,
} from "./testing/index.ts";

const observe = (world: TestWorld, messageId: string, changes: Parameters<typeof nodeObserved>[1] = {}) =>
  handleNodeEvents(world.dependencies, [
    {
      event: nodeObserved(undefined, changes),
      cluster: testCluster,
      sentAt: world.clock.now(),
      receiveCount: 1,
      messageId,
    },
  ]);

const attachments = (world: TestWorld) => world.ec2.calls.filter((call) => call === "AttachNetworkInterface").length;

describe("a trunk on its way", () => {
  it("goes on at once when its record changes under the worker's hands", async () => {
    const world = createTestWorld();
    addInstance(world);
    interleave(world.tap, "ec2", "attach", async () => {
      await observe(world, "m-other", { nodeName: "renamed" });
    });

    world.send(nodeObserved());
    await world.run(5);

    expect(world.outbox.outcomes()).toMatchObject([{ type: "NodeTrunkReady", nodeName: "renamed" }]);
    expect(attachments(world)).toBe(1);
  });

  it("is taken over by one worker only when its step is overdue", async () => {
    const world = createTestWorld({ stepDeadlineSeconds: 30 });
    addInstance(world);
    world.tap.hook = ({ method }) => {
      if (method === "attach") throw new Error("the worker is gone");
    };
    await observe(world, "m-1");
    world.tap.hook = undefined;
    world.clock.advanceTo(world.clock.now() + 31_000);

    await Promise.all([observe(world, "m-2"), observe(world, "m-3")]);

    expect(attachments(world)).toBe(1);
  });

  it("waits no longer for what EC2 does not show yet than EC2 does", async () => {
    const world = createTestWorld();
    addInstance(world);
    let hidden = 2;
    world.ec2.refuse = (action) => {
      if (action !== "ModifyNetworkInterfaceAttribute" || hidden === 0) return undefined;
      hidden -= 1;
      return { remedy: "look-again", code: "InvalidAttachmentID.NotFound" };
    };

    world.send(nodeObserved());
    await world.run(8);

    expect(world.outbox.outcomes()).toMatchObject([{ type: "NodeTrunkReady" }]);
  });

  it("is attached again when somebody detaches it before it is ready", async () => {
    const world = createTestWorld();
    addInstance(world);
    world.send(nodeObserved());
    await world.run(0);
    for (const eni of world.ec2.enis.values()) world.ec2.enis.set(eni.eniId, { ...eni, attachment: undefined });
    const calls = world.ec2.calls.length;

    await world.run(80);

    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ status: "ready", generation: 0 });
    expect(world.ec2.calls.length - calls).toBeLessThan(45);
  });

  it("is looked at again when its worker meets others too often", async () => {
    const world = createTestWorld();
    addInstance(world);
    let conflicts = 0;
    world.tap.hook = async ({ method }, phase) => {
      const { trunk } = await world.ledger.load(testInstance);
      if (method !== "commit" || phase !== "before" || trunk?.status !== "created" || conflicts === 5) return;
      conflicts += 1;
      await world.ledger.commit([{ kind: "put", record: { ...trunk, version: trunk.version + 1 }, expect: [] }]);
    };

    world.send(nodeObserved());
    await world.run(70);

    expect(conflicts).toBe(5);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ status: "ready" });
  });
});
