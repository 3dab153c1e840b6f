import { describe, expect, it } from "vitest";
import {
  type AttachmentId,
  adoptableTrunk,
  branchSubnetId,
  branded,
  type EniFacts,
  eniConfigText,
  freeDeviceIndex,
  type InstanceFacts,
  type InstanceLimits,
  movedTrunk,
  type NodeObserved,
  noSlotText,
  rebuiltFrom,
  refuseInstance,
  requestedTrunk,
  type SubnetId,
  trunkIntent,
} from "./index.ts";
import { modelContext, modelTrunk } from "./testing/model-node.ts";
import { start } from "./testing/records.ts";

const trunk = modelTrunk();

const limits: InstanceLimits = {
  interfaces: 3,
  branchesMax: 9,
  networkCards: 1,
  defaultCardInterfaces: 3,
  trunking: true,
};

const instance = (changes: Partial<InstanceFacts> = {}): InstanceFacts => ({
  instanceId: trunk.instanceId,
  state: "running",
  instanceType: "m5.large",
  vpcId: "vpc-1",
  subnetId: branded("subnet-1"),
  securityGroups: [branded("sg-node")],
  clusters: ["blue"],
  deviceIndexes: [0],
  interfacesAttached: 1,
  ...changes,
});

const node = (changes: Partial<NodeObserved> = {}): NodeObserved => ({
  type: "NodeObserved",
  incarnation: trunk.incarnation,
  instanceId: trunk.instanceId,
  nodeName: "node-1",
  nodeUid: trunk.nodeUid,
  resourceVersion: branded("1"),
  wantsTrunk: true,
  ...changes,
});

const eni = (changes: Partial<EniFacts> = {}): EniFacts => ({
  eniId: branded("eni-1"),
  mac: "",
  privateIp: "",
  ipv6: "",
  status: "available",
  interfaceType: "trunk",
  subnetId: branded("subnet-1"),
  securityGroups: [],
  cluster: trunk.cluster,
  instanceId: trunk.instanceId,
  ...changes,
});

describe("an instance", () => {
  it.each([
    [
      undefined,
      limits,
      "NodeTrunkFailedInit",
      `the instance ${trunk.instanceId} does not exist in this account and Region`,
    ],
    [instance({ state: "terminated" }), limits, "NodeTrunkFailedInit", /does not exist/],
    [instance({ state: "shutting-down" }), limits, "NodeTrunkFailedInit", /does not exist/],
    [instance({ clusters: ["red"] }), limits, "NodeTrunkFailedInit", /lacks the tag kubernetes.io\/cluster\/blue/],
    [
      instance(),
      "unknown" as const,
      "Unsupported",
      "The instance type m5.large is not supported yet by the vpc resource controller",
    ],
    [
      instance(),
      { ...limits, trunking: false },
      "Unsupported",
      "The instance type m5.large is not supported for trunk interface (Security Group for Pods)",
    ],
  ])("is refused (%#)", (facts, itsLimits, reason, detail) => {
    const refusal = refuseInstance(trunk.instanceId, facts, itsLimits, trunk.cluster);

    expect(refusal?.reason).toBe(reason);
    expect(refusal?.detail).toMatch(detail);
  });

  it("of the cluster with a type that takes trunks is fit", () => {
    expect(refuseInstance(trunk.instanceId, instance(), limits, trunk.cluster)).toBeUndefined();
  });

  it("gives the highest free device index of card 0, never the first", () => {
    expect(freeDeviceIndex(instance(), limits)).toBe(2);
    expect(freeDeviceIndex(instance({ deviceIndexes: [0, 2] }), limits)).toBe(1);
    expect(freeDeviceIndex(instance({ deviceIndexes: [0, 1, 2] }), limits)).toBeUndefined();
  });

  it("without a free device index tells what EC2 shows attached, and on which card when there are several", () => {
    const full = instance({ deviceIndexes: [0, 1, 2], interfacesAttached: 3 });
    expect(noSlotText(limits, full)).toBe("waiting for a free network interface (3 of 3 attached)");
    const cards = { ...limits, interfaces: 64, networkCards: 32, defaultCardInterfaces: 2 };
    expect(noSlotText(cards, instance({ deviceIndexes: [0, 1], interfacesAttached: 33 }))).toBe(
      "waiting for a free network interface (2 of 2 attached to network card 0)",
    );
    expect(noSlotText(cards, instance({ interfacesAttached: 64 }))).toBe(
      "waiting for a free network interface (64 of 64 attached)",
    );
  });
});

describe("a trunk that is asked for", () => {
  const subnet = {
    subnetId: branded<SubnetId>("subnet-1"),
    vpcId: "vpc-1",
    cidr: "10.0.0.0/16",
    ipv6Cidr: "2001:db8::/64",
    freeAddresses: 9,
  };

  it("follows what EC2 shows of the instance", () => {
    expect(requestedTrunk({ node: node(), instance: instance(), subnet, limits }, modelContext(start))).toMatchObject({
      status: "requested",
      securityGroups: ["sg-node"],
      subnetV6Cidr: "2001:db8::/64",
      branchesMax: 9,
      createdAt: start,
      stepDeadline: start + 60_000,
    });
    expect(branchSubnetId(node(), instance())).toBe("subnet-1");
  });

  it("takes the ENIConfig's subnet and groups with custom networking, and no IPv6", () => {
    const eniConfig = { name: "zone-a", subnetId: "subnet-2", securityGroups: ["sg-z", "sg-y"] };
    const custom = node({ eniConfig });

    expect(branchSubnetId(custom, instance())).toBe("subnet-2");
    expect(requestedTrunk({ node: custom, instance: instance(), subnet, limits }, modelContext(start))).toMatchObject({
      securityGroups: ["sg-y", "sg-z"],
      subnetV6Cidr: "",
    });
    const without = node({ eniConfig: { ...eniConfig, securityGroups: [] } });
    expect(requestedTrunk({ node: without, instance: instance(), subnet, limits }, modelContext(start))).toMatchObject({
      securityGroups: ["sg-node"],
    });
  });

  it("P13: goes on with a trunk ENI that exists, the attached one first", () => {
    const attachment = {
      attachmentId: branded<AttachmentId>("eni-attach-1"),
      instanceId: trunk.instanceId,
      deviceIndex: 2,
      status: "attached",
    };
    const attached = eni({ eniId: branded("eni-attached"), attachment });
    const own = eni({
      eniId: branded("eni-own"),
      intent: trunkIntent(trunk),
      attachment: { ...attachment, instanceId: undefined },
    });
    const free = eni({ eniId: branded("eni-free") });

    expect(adoptableTrunk(trunk, [free, own, attached])).toBe(attached);
    expect(adoptableTrunk(trunk, [free, own])).toBe(own);
    expect(adoptableTrunk(trunk, [free])).toBe(free);
    expect(adoptableTrunk(trunk, [eni({ cluster: branded("red") }), eni({ interfaceType: "branch" })])).toBeUndefined();
  });

  it("P24: knows taken VLAN IDs and held slots from the tags of all branches that name it", () => {
    expect(rebuiltFrom([])).toEqual({ vlans: "0".repeat(30), held: 0, rebuilding: undefined });
    const branches = [eni({ vlanId: branded(1), status: "in-use" }), eni({ vlanId: branded(2) }), eni()];
    expect(rebuiltFrom(branches)).toEqual({ vlans: `${"0".repeat(29)}3`, held: 1, rebuilding: true });
  });
});

describe("a trunk whose node's ENIConfig has changed", () => {
  const subnet = {
    subnetId: branded<SubnetId>("subnet-2"),
    vpcId: "vpc-1",
    cidr: "10.1.0.0/16",
    ipv6Cidr: "",
    freeAddresses: 9,
  };
  const custom = (securityGroups: readonly string[]) =>
    node({ eniConfig: { name: "zone-a", subnetId: "subnet-2", securityGroups } });
  const moved = (observed: NodeObserved, from = trunk) =>
    movedTrunk(from, { node: observed, instance: instance(), subnet, limits });

  it("has the new subnet and groups, and remembers the old subnet", () => {
    expect(moved(custom(["sg-b", "sg-a"]))).toMatchObject({
      subnetId: "subnet-2",
      subnetCidr: "10.1.0.0/16",
      securityGroups: ["sg-a", "sg-b"],
      formerSubnet: { subnetId: "subnet-1", subnetCidr: "10.0.0.0/16", subnetV6Cidr: "" },
      trunkEniId: trunk.trunkEniId,
    });
  });

  it("forgets no earlier subnet when only the groups change", () => {
    const first = moved(custom(["sg-a"]));

    expect(moved(custom([]), first)).toMatchObject({
      securityGroups: ["sg-node"],
      formerSubnet: { subnetId: "subnet-1" },
    });
  });

  it("is told by a text that does not depend on the order of groups, nor on the name", () => {
    expect(eniConfigText(custom(["sg-b", "sg-a"]))).toBe(eniConfigText(custom(["sg-a", "sg-b"])));
    expect(eniConfigText(custom(["sg-a"]))).not.toBe(eniConfigText(custom([])));
    expect(eniConfigText(node())).toBe("");
  });
});
