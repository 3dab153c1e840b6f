import { describe, expect, it } from "vitest";
import { addInstance, createTestWorld, nodeObserved, podGone, podObserved, podUid } from "./testing/index.ts";

describe("the way of one pod", () => {
  it("leads from a node to a trunk that is ready", async () => {
    const world = createTestWorld();
    addInstance(world);

    world.send(nodeObserved());
    await world.run(5);

    expect(world.outbox.outcomes()).toMatchObject([{ type: "NodeTrunkReady", branchesMax: 9 }]);
    expect([...world.ec2.enis.values()]).toMatchObject([
      { interfaceType: "trunk", attachment: { deviceIndex: 2, status: "attached" } },
    ]);
  });

  it("leads from a bound pod to its ENI, and from its end over the cool-down to nothing", async () => {
    const world = createTestWorld({ reuseIdleSeconds: 0 });
    addInstance(world);
    world.send(nodeObserved());
    await world.run(5);

    world.send(podObserved(1));
    await world.run(1);

    const [eni] = world.ec2.branches();
    expect(world.outbox.outcomes().at(-1)).toMatchObject({
      type: "PodEniAssigned",
      podUid: podUid(1),
      enis: [{ eniId: eni?.eniId, vlanId: 1, subnetCidr: "192.168.0.0/16" }],
    });

    world.send(podGone(1));
    await world.run(61);
    expect(world.ec2.branches()).toHaveLength(1);
    await world.run(5);
    expect(world.ec2.branches()).toHaveLength(0);
    expect(await world.ledger.load(nodeObserved().instanceId)).toMatchObject({
      trunk: { held: 0, vlans: "0".repeat(30) },
      branches: [{ status: "gone" }],
    });
    expect(world.pending()).toEqual([]);
  });

  it("gives a cooled ENI to the next pod with the same groups without any EC2 call", async () => {
    const world = createTestWorld();
    addInstance(world);
    world.send(nodeObserved());
    world.send(podObserved(1));
    await world.run(5);
    world.send(podGone(1));
    await world.run(70);
    const calls = world.ec2.calls.length;

    world.send(podObserved(2));
    await world.run(1);

    expect(world.ec2.calls).toHaveLength(calls);
    expect(world.outbox.outcomes().at(-1)).toMatchObject({
      type: "PodEniAssigned",
      podUid: podUid(2),
      enis: [{ eniId: world.ec2.branches()[0]?.eniId }],
    });
  });
});
