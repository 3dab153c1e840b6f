import { branded, type NodeObserved, type ResourceVersion, type SubnetId } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handlePodEvents } from "./index.ts";
import {
  addInstance,
  assignedPods,
  branchOf,
  createTestWorld,
  delivered,
  interleave,
  nodeObserved,
  podObserved,
  podUid,
  readyWorld,
  type TestWorld,
  testInstance,
  testSubnet,
} from "./testing/index.ts";

const subnetId = branded<SubnetId>("subnet-0000000000000000f");
const group = "sg-0000000000000000f";
const eniConfig: NodeObserved["eniConfig"] = { name: "zone-a", subnetId, securityGroups: [group] };

/** A world with a ready trunk, a second subnet, and one pod without groups of its own. */
const worldWithPod = async (): Promise<TestWorld> => {
  const world = await readyWorld();
  world.ec2.subnets.set(subnetId, { subnetId, vpcId: "vpc-1", cidr: "10.1.0.0/24", ipv6Cidr: "", freeAddresses: 9 });
  world.send(podObserved(1, { securityGroups: [] }));
  await world.run(1);
  return world;
};

const trunkOf = async (world: TestWorld) => (await world.ledger.load(testInstance)).trunk;

const configure = async (world: TestWorld, changes: Partial<NodeObserved>): Promise<void> => {
  world.send(nodeObserved(testInstance, changes));
  await world.run(1);
};

describe("K15: a node with an ENIConfig", () => {
  const subnet = { subnetId, vpcId: "vpc-1", cidr: "10.1.0.0/24", ipv6Cidr: "", freeAddresses: 9 };
  const trunkEnis = (world: TestWorld) =>
    [...world.ec2.enis.values()].filter(({ interfaceType }) => interfaceType === "trunk");

  it.each([
    ["the groups that it names", [group], [group]],
    ["the instance's groups where it names none", [], ["sg-0000000000000000e"]],
  ])("has its trunk ENI in the ENIConfig's subnet with %s", async (_, securityGroups, expected) => {
    const world = createTestWorld();
    addInstance(world);
    world.ec2.subnets.set(subnetId, subnet);

    world.send(nodeObserved(testInstance, { eniConfig: { name: "zone-a", subnetId, securityGroups } }));
    await world.run(5);

    expect(trunkEnis(world)).toMatchObject([{ subnetId, securityGroups: expected, status: "in-use" }]);
  });

  it("gives a pod the groups of its policies in place of the ENIConfig's, in the ENIConfig's subnet", async () => {
    const world = createTestWorld();
    addInstance(world);
    world.ec2.subnets.set(subnetId, subnet);
    world.send(nodeObserved(testInstance, { eniConfig }));
    await world.run(5);

    world.send(podObserved(1, { securityGroups: ["sg-0000000000000000a"] }));
    world.send(podObserved(2, { securityGroups: [] }));
    await world.run(1);

    expect(world.ec2.branches()).toMatchObject([
      { subnetId, securityGroups: ["sg-0000000000000000a"] },
      { subnetId, securityGroups: [group] },
    ]);
  });
});

describe("K15: a node whose ENIConfig changes", () => {
  it("gets new branches in the new subnet with the new groups; its trunk ENI and the branches that are there stay", async () => {
    const world = await worldWithPod();
    const before = await trunkOf(world);

    await configure(world, { eniConfig });
    world.send(podObserved(2, { securityGroups: [] }));
    await world.run(1);

    expect(await trunkOf(world)).toMatchObject({
      status: "ready",
      trunkEniId: before?.trunkEniId,
      generation: 0,
      held: 2,
    });
    expect(world.ec2.branches()).toMatchObject([
      { subnetId: testSubnet, status: "in-use" },
      { subnetId, status: "in-use", securityGroups: [group] },
    ]);
    expect(assignedPods(world)).toEqual([podUid(1), podUid(2)]);
    expect(world.outbox.outcomes().at(-1)).toMatchObject({ enis: [{ subnetCidr: "10.1.0.0/24" }] });
  });

  it("keeps the range of the old subnet for a pod that is told again of its ENI there", async () => {
    const world = await worldWithPod();
    await configure(world, { eniConfig });

    await handlePodEvents(world.dependencies, [delivered(podObserved(1, { securityGroups: [] }), { receiveCount: 2 })]);

    expect(world.outbox.outcomes().at(-1)).toMatchObject({ enis: [{ subnetCidr: "192.168.0.0/16" }] });
  });

  it("goes back to the node's own subnet and groups when the ENIConfig is named no more", async () => {
    const world = await worldWithPod();
    await configure(world, { eniConfig });

    await configure(world, { eniConfig: undefined });

    expect(await trunkOf(world)).toMatchObject({ subnetId: testSubnet, securityGroups: ["sg-0000000000000000e"] });
  });

  it("is looked up in EC2 once for a change, and not for an older observation", async () => {
    const world = await worldWithPod();
    const resourceVersion = branded<ResourceVersion>("101");
    await configure(world, { eniConfig, resourceVersion });
    const calls = world.ec2.calls.length;

    await configure(world, { eniConfig, resourceVersion });
    await configure(world, { eniConfig: undefined });

    expect(world.ec2.calls).toHaveLength(calls);
    expect(await trunkOf(world)).toMatchObject({ subnetId });
  });

  it("is not forgotten when others change the trunk meanwhile", async () => {
    const world = await worldWithPod();
    interleave(world.tap, "ec2", "describeSubnet", async () => {
      await handlePodEvents(world.dependencies, [delivered(podObserved(3))]);
    });

    await configure(world, { eniConfig });

    expect(await trunkOf(world)).toMatchObject({ subnetId, held: 2 });
    expect(await branchOf(world, 3)).toMatchObject({ status: "associated", request: { subnetId: testSubnet } });
  });

  it("stays where it is and is told when the new subnet does not exist", async () => {
    const world = await worldWithPod();

    await configure(world, { eniConfig: { name: "zone-a", subnetId: "subnet-gone", securityGroups: [] } });

    expect(await trunkOf(world)).toMatchObject({ status: "ready", subnetId: testSubnet });
    expect(world.outbox.outcomes()).toContainEqual(
      expect.objectContaining({ type: "NodeTrunkProblem", detail: "the subnet subnet-gone does not exist" }),
    );
  });
});
