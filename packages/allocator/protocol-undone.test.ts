import { branded, type Ec2Action, type EniId, type NodeSnapshot, type ResourceVersion } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleNodeEvents, handlePodEvents } from "./index.ts";
import {
  assignedPods,
  branchOf,
  delivered,
  interleave,
  nodeObserved,
  podGone,
  podObserved,
  podUid,
  readyWorld,
  type TestWorld,
  testInstance,
} from "./testing/index.ts";

/** Something that is not ours sits on the first VLAN ID of the trunk. */
const occupyFirstVlan = (world: TestWorld): void => {
  const [trunk] = [...world.ec2.enis.values()];
  if (trunk === undefined) throw new Error("There is no trunk.");
  const eniId = branded<EniId>("eni-0000000000000dead");
  world.ec2.enis.set(eniId, {
    ...trunk,
    eniId,
    interfaceType: "branch",
    attachment: undefined,
    intent: undefined,
    association: { associationId: branded("trunk-assoc-1"), trunkEniId: trunk.eniId, vlanId: branded(1) },
  });
};

const snapshot = (world: TestWorld, pods: NodeSnapshot["pods"], listVersion = "400") => {
  const { incarnation, instanceId, nodeName, nodeUid } = nodeObserved();
  return delivered(
    {
      type: "NodeSnapshot" as const,
      incarnation,
      instanceId,
      nodeName,
      nodeUid,
      listVersion: branded<ResourceVersion>(listVersion),
      pods,
    },
    { sentAt: world.clock.now() },
  );
};

const callsOf = (world: TestWorld, action: Ec2Action): number =>
  world.ec2.calls.filter((call) => call === action).length;

describe("the ledger protocol: creations that are undone", () => {
  it("P03: a pod that ends while an ENI of its claim is being replaced gets no other one", async () => {
    const world = await readyWorld();
    occupyFirstVlan(world);
    interleave(world.tap, "ec2", "deleteEni", async () => {
      await handlePodEvents(world.dependencies, [delivered(podGone(1))]);
    });

    world.send(podObserved(1));
    await world.run(300);

    expect(assignedPods(world)).toEqual([]);
    expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });
    expect(world.ec2.branches()).toHaveLength(1);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ held: 0, vlans: `${"0".repeat(29)}1` });
  });

  it("P10: a pod that a snapshot omits while an ENI of its claim is being replaced gets no other one", async () => {
    const world = await readyWorld();
    occupyFirstVlan(world);
    interleave(world.tap, "ec2", "deleteEni", async () => {
      await handleNodeEvents(world.dependencies, [snapshot(world, [])]);
    });

    world.send(podObserved(1));
    await world.run(300);

    expect(assignedPods(world)).toEqual([]);
    expect(world.ec2.branches()).toHaveLength(1);
  });

  it("P10: a snapshot that shows a pod while an ENI of its claim is being replaced makes no pod of that ENI", async () => {
    const world = await readyWorld();
    occupyFirstVlan(world);
    const { pod } = podObserved(1, { resourceVersion: branded<ResourceVersion>("250") });
    interleave(world.tap, "ec2", "deleteEni", async () => {
      await handleNodeEvents(world.dependencies, [snapshot(world, [pod])]);
    });

    world.send(podObserved(1));
    await world.run(300);

    expect(new Set(assignedPods(world))).toEqual(new Set([podUid(1)]));
    expect(world.ec2.branches()).toHaveLength(2);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ held: 1 });
  });

  it("P07: a pod with several ENIs, one of which EC2 goes on refusing, makes no busy calls", async () => {
    const world = await readyWorld();
    let creations = 0;
    world.ec2.refuse = (action) => {
      if (action !== "CreateNetworkInterface") return undefined;
      creations += 1;
      return creations === 1 ? undefined : { remedy: "permanent", code: "InvalidGroup.NotFound" };
    };

    world.send(podObserved(1, { enis: 2 }));
    await world.run(600);

    // Two calls each half a minute.
    expect(callsOf(world, "CreateNetworkInterface")).toBeLessThan(50);
    world.ec2.refuse = undefined;
    await world.run(120);
    expect(assignedPods(world)).toEqual([podUid(1)]);
    expect(world.ec2.branches()).toHaveLength(2);
  });

  it("P07: an ENI that was created long after its intent is not given up when EC2 does not show it at once", async () => {
    const world = await readyWorld();
    let throttles = 100;
    world.ec2.refuse = (action) => {
      if (action === "CreateNetworkInterface" && throttles > 0) {
        throttles -= 1;
        return { remedy: "throttled", code: "RequestLimitExceeded" };
      }
      return undefined;
    };
    world.send(podObserved(1));
    await world.run(70);
    throttles = 0;
    let hidden = 3;
    world.ec2.refuse = (action) => {
      if (action !== "AssociateTrunkInterface" || hidden === 0) return undefined;
      hidden -= 1;
      return { remedy: "short-retry", code: "InvalidNetworkInterfaceID.NotFound" };
    };
    await world.run(30);

    expect(assignedPods(world)).toEqual([podUid(1)]);
    expect(world.ec2.branches()).toHaveLength(1);
  });

  it("P11: an ENI whose pod shows that it lives, though its end was told, is kept until a snapshot omits it", async () => {
    const world = await readyWorld();
    world.send(podObserved(1));
    await world.run(1);
    world.send(podGone(1, { how: "absent-from-list" }));
    await world.run(1);

    world.send(podObserved(1, { resourceVersion: branded<ResourceVersion>("301") }));
    await world.run(100);
    world.send(podObserved(2));
    await world.run(200);

    expect(world.ec2.branches().map(({ association }) => association?.vlanId)).toEqual([1, 2, 3]);
    expect(callsOf(world, "DisassociateTrunkInterface")).toBe(0);
    const { pod } = podObserved(1, { resourceVersion: branded<ResourceVersion>("302") });
    await world.run(100);
    await handleNodeEvents(world.dependencies, [snapshot(world, [pod])]);
    await world.run(500);
    expect(world.ec2.branches().map(({ association }) => association?.vlanId)).not.toContain(1);
  });
});
