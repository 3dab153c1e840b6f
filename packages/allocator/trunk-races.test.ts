import { describe, expect, it } from "vitest";
import { handleNodeEvents } from "./handlers.ts";
import {
  addInstance,
  createTestWorld,
  interleave,
  nodeObserved,
  type TestWorld,
  testCluster,
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
});
