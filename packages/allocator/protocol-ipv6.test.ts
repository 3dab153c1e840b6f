import { type AssociatedBranch, branded, type SubnetFacts, type SubnetId } from "@trunkline/core";
import { describe, expect, it, test } from "vitest";
import {
  addInstance,
  annotated,
  annotationOf,
  branchOf,
  createTestWorld,
  nodeObserved,
  podGone,
  podObserved,
  snapshot,
  type TestWorld,
  testInstance,
  testSubnet,
} from "./testing/index.ts";

const subnetV6Cidr = "2001:db8:0:a::/64";
/** A subnet with this range gives an IPv6 address to every interface, asked for or not. */
const assigningV6Cidr = "2001:db8:0:f::/64";

/** A world whose node's subnet has both kinds of addresses. */
const dualStackWorld = async (changes: Partial<SubnetFacts> = {}, node: Parameters<typeof nodeObserved>[1] = {}) => {
  const world = createTestWorld();
  addInstance(world);
  const subnet = { subnetId: testSubnet, vpcId: "vpc-1", cidr: "192.168.0.0/16", freeAddresses: 99 };
  world.ec2.subnets.set(testSubnet, { ...subnet, ipv6Cidr: subnetV6Cidr, ...changes });
  const custom = branded<SubnetId>("subnet-0000000000000000f");
  world.ec2.subnets.set(custom, { ...subnet, subnetId: custom, cidr: "10.1.0.0/24", ipv6Cidr: assigningV6Cidr });
  world.send(nodeObserved(testInstance, node));
  await world.run(5);
  return world;
};

const serve = async (world: TestWorld, number: number) => {
  world.send(podObserved(number));
  await world.run(1);
  return annotationOf(world, number)[0];
};

/** What the CNI plugin reads of an annotation's first element, whichever addresses it uses. */
const ofEveryFamily = {
  eniId: expect.stringMatching(/^eni-/),
  ifAddress: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/),
  vlanId: expect.toSatisfy((vlanId: number) => vlanId >= 1 && vlanId <= 4_094),
};

test("K52: without IPv6 an annotation has the MAC address, the VLAN ID and the IPv4 address with its range", async () => {
  const world = await dualStackWorld({ ipv6Cidr: "" });

  expect(await serve(world, 1)).toMatchObject({
    ...ofEveryFamily,
    privateIp: expect.stringMatching(/^192\.168\.\d+\.\d+$/),
    subnetCidr: "192.168.0.0/16",
    ipv6Addr: "",
    subnetV6Cidr: "",
  });
});

describe("a subnet with IPv6", () => {
  it("K52: gives each pod both addresses, and its annotation both ranges", async () => {
    const world = await dualStackWorld();

    expect(await serve(world, 1)).toMatchObject({
      ...ofEveryFamily,
      privateIp: expect.stringMatching(/^192\.168\./),
      subnetCidr: "192.168.0.0/16",
      ipv6Addr: expect.stringMatching(/^2001:db8::/),
      subnetV6Cidr,
    });
  });

  it("gives both addresses also with a reused ENI", async () => {
    const world = await dualStackWorld();
    const first = await serve(world, 1);
    world.send(podGone(1));
    await world.run(70);

    expect(await serve(world, 2)).toEqual(first);
    expect(world.ec2.branches()).toHaveLength(1);
  });

  it("K15: tells nothing of IPv6 with custom networking, also when the subnet assigns an address by itself", async () => {
    const eniConfig = { name: "zone-a", subnetId: "subnet-0000000000000000f", securityGroups: [] };
    const world = await dualStackWorld({}, { eniConfig });
    const first = await serve(world, 1);

    expect(first).toMatchObject({ subnetCidr: "10.1.0.0/24", ipv6Addr: "", subnetV6Cidr: "" });
    expect(world.ec2.branches()[0]?.ipv6).not.toBe("");
    world.send(podGone(1));
    await world.run(70);
    expect(await serve(world, 2)).toEqual(first);
  });

  it("P24: is known again after a lost table, so that the ENI of an ended pod is reused with both addresses", async () => {
    const world = await dualStackWorld();
    const first = await serve(world, 1);
    const pods = [annotated(1, annotationOf(world, 1))];
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);
    world.send(snapshot(pods));
    await world.run(1);
    expect((await branchOf(world, 1)) as AssociatedBranch).toMatchObject({ request: { ipv6: true } });
    world.send(podGone(1));
    await world.run(70);

    expect(await serve(world, 2)).toEqual(first);
  });
});

describe("several ENIs of one pod", () => {
  it("are taken from as many cooled ones at once, or not at all", async () => {
    const world = await dualStackWorld();
    world.send(podObserved(1, { enis: 3 }));
    await world.run(1);
    const first = annotationOf(world, 1);
    expect(first).toHaveLength(3);
    world.send(podGone(1));
    await world.run(70);

    world.send(podObserved(2, { enis: 3 }));
    await world.run(1);
    expect(
      annotationOf(world, 2)
        .map(({ eniId }) => eniId)
        .toSorted(),
    ).toEqual(first.map(({ eniId }) => eniId).toSorted());
    expect(world.ec2.branches()).toHaveLength(3);
    world.send(podGone(2));
    await world.run(70);
    world.send(podObserved(3, { enis: 4 }));
    await world.run(1);
    expect(annotationOf(world, 3)).toHaveLength(4);
    expect(world.ec2.branches()).toHaveLength(7);
  });

  it("P24: come back to their pod in their order after a lost table", async () => {
    const world = await dualStackWorld();
    world.send(podObserved(1, { enis: 3 }));
    await world.run(1);
    const annotation = annotationOf(world, 1);
    world.ledger.lose();
    world.send(nodeObserved());
    await world.run(5);

    world.send(snapshot([{ ...annotated(1, annotation), enis: 3 }]));
    await world.run(1);

    const { branches, trunk } = await world.ledger.load(testInstance);
    expect(trunk).toMatchObject({ held: 3 });
    expect(branches.toSorted((left, right) => left.index - right.index)).toMatchObject(
      annotation.map(({ eniId, vlanId, associationID }, index) => ({
        index,
        status: "associated",
        enis: 3,
        eni: { eniId },
        vlanId,
        associationId: associationID,
      })),
    );
  });
});
