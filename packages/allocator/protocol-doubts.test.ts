import { branded, type ResourceVersion } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleNodeEvents, handlePodEvents, reap } from "./index.ts";
import { createInMemoryPacer } from "./testing/in-memory-pacer.ts";
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
  testCluster,
  testInstance,
} from "./testing/index.ts";

/** A run of the reaper in which EC2 shows the silent instance, or does not. */
const reapWith = async (world: TestWorld, isShown: boolean): Promise<void> => {
  const facts = world.ec2.instances.get(testInstance);
  if (facts === undefined) throw new Error("There is no instance.");
  if (!isShown) world.ec2.instances.delete(testInstance);
  await reap(world.dependencies);
  world.ec2.instances.set(testInstance, facts);
};

describe("the ledger protocol: what is seen once proves nothing", () => {
  it("P12: an instance that EC2 shows again between two times of not found has not ended", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    world.clock.advance(700_000);

    await reapWith(world, false);
    world.clock.advance(60_000);
    await reapWith(world, true);
    world.clock.advance(60_000);
    await reapWith(world, false);

    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
    world.clock.advance(60_000);
    await reapWith(world, false);
    expect(world.ec2.branches()).toEqual([]);
  });

  it("P09: a snapshot that is older than the end of a pod gives it nothing back", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const [eni] = world.ec2.branches();
    if (eni?.association === undefined) throw new Error("There is no branch.");
    await handlePodEvents(world.dependencies, [delivered(podGone(1))]);
    const annotation = [
      {
        eniId: eni.eniId,
        ifAddress: eni.mac,
        privateIp: eni.privateIp,
        ipv6Addr: "",
        vlanId: eni.association.vlanId,
        subnetCidr: "",
        subnetV6Cidr: "",
        associationID: eni.association.associationId,
      },
    ];
    const { pod } = podObserved(1, { annotation, resourceVersion: branded<ResourceVersion>("250") });
    const { incarnation, instanceId, nodeName, nodeUid } = nodeObserved();
    const snapshotAt = (version: string) =>
      delivered(
        {
          type: "NodeSnapshot" as const,
          incarnation,
          instanceId,
          nodeName,
          nodeUid,
          listVersion: branded<ResourceVersion>(version),
          pods: [pod],
        },
        { sentAt: world.clock.now() },
      );

    await handleNodeEvents(world.dependencies, [snapshotAt("299")]);
    expect(await branchOf(world, 1)).toMatchObject({ status: "cooling", podVersion: "300" });
    await handleNodeEvents(world.dependencies, [snapshotAt("301")]);
    expect(await branchOf(world, 1)).toMatchObject({ status: "associated" });
  });

  it("P17: a pod that asks for more ENIs than there are tokens gets them all, though tokens come one by one", async () => {
    const world = createTestWorld({}, createInMemoryPacer);
    addInstance(world, testInstance, "m5.4xlarge");
    world.send(nodeObserved());
    await world.run(60);
    const { pacer, clock } = world.dependencies;
    const drain = { CreateNetworkInterface: 1, AssociateTrunkInterface: 1 };
    await pacer.ask([{ cluster: testCluster, unit: drain, units: 45, priority: "pod" }]);
    await clock.sleep(1_000);

    world.send(podObserved(1, { enis: 16 }));
    await world.run(30);

    expect(assignedPods(world)).toEqual([podUid(1)]);
    expect(world.ec2.branches()).toHaveLength(16);
  });
});
