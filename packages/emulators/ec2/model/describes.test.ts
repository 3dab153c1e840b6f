import { describe, expect, test } from "vitest";
import type { Ec2State } from "./state.ts";
import { account, sure } from "./testing.ts";

/** An account with one of everything: an instance with a trunk, and a branch on it. */
function populated() {
  const world = account();
  const { model, clock, instance, networkInterface } = world;
  const InstanceId = instance();
  const trunkId = networkInterface({ InterfaceType: "trunk" });
  const branchId = networkInterface();
  model.call("AttachNetworkInterface", { NetworkInterfaceId: trunkId, InstanceId, DeviceIndex: 2 });
  model.call("AssociateTrunkInterface", { BranchInterfaceId: branchId, TrunkInterfaceId: trunkId, VlanId: 1 });
  model.call("CreateTags", { Resources: [trunkId, InstanceId], Tags: [{ Key: "role", Value: "test" }] });
  clock.advance(1_000);
  return { ...world, trunkId, branchId };
}

type Reader = (state: Ec2State) => string | number | boolean | undefined;

const trunk = (state: Ec2State) => sure(state.networkInterfaces.find((one) => one.InterfaceType === "trunk"));
const node = (state: Ec2State) => sure(state.instances[0]);

/** Each filter with the value that exactly the trunk has. */
const OF_THE_TRUNK: readonly [string, Reader][] = [
  ["network-interface-id", (state) => trunk(state).NetworkInterfaceId],
  ["mac-address", (state) => trunk(state).MacAddress],
  ["private-ip-address", (state) => trunk(state).PrivateIpAddress],
  ["addresses.private-ip-address", (state) => trunk(state).PrivateIpAddress],
  ["private-dns-name", (state) => trunk(state).PrivateDnsName],
  ["attachment.attachment-id", (state) => trunk(state).Attachment?.AttachmentId],
  ["attachment.device-index", () => 2],
  ["interface-type", () => "trunk"],
  ["tag:role", () => "test"],
];

/** Each filter with a value that all three interfaces have. */
const OF_ALL_INTERFACES: readonly [string, Reader][] = [
  ["status", () => "in-use"],
  ["description", () => "*"],
  ["subnet-id", (state) => trunk(state).SubnetId],
  ["vpc-id", (state) => trunk(state).VpcId],
  ["availability-zone", () => "us-west-2a"],
  ["availability-zone-id", () => "usw2-az1"],
  ["owner-id", () => "123456789012"],
  ["requester-managed", () => false],
  ["source-dest-check", () => true],
  ["addresses.primary", () => true],
  ["group-id", (state) => trunk(state).Groups?.[0]?.GroupId],
  ["group-name", () => "pods"],
];

/** Each filter with a value that the instance has. */
const OF_THE_INSTANCE: readonly [string, Reader][] = [
  ["instance-id", (state) => node(state).InstanceId],
  ["image-id", () => "ami-12345678"],
  ["launch-index", () => 0],
  ["owner-id", () => "123456789012"],
  ["availability-zone", () => "us-west-2a"],
  ["availability-zone-id", () => "usw2-az1"],
  ["reservation-id", () => "r-*"],
  ["private-dns-name", (state) => node(state).PrivateDnsName],
  ["tag:role", () => "test"],
  ["network-interface.network-interface-id", (state) => trunk(state).NetworkInterfaceId],
  ["network-interface.mac-address", (state) => trunk(state).MacAddress],
  ["network-interface.description", () => "*"],
  ["network-interface.status", () => "in-use"],
  ["network-interface.vpc-id", (state) => trunk(state).VpcId],
  ["network-interface.group-name", () => "pods"],
  ["network-interface.private-ip-address", (state) => trunk(state).PrivateIpAddress],
  ["network-interface.addresses.private-ip-address", (state) => trunk(state).PrivateIpAddress],
  ["network-interface.attachment.attachment-id", (state) => trunk(state).Attachment?.AttachmentId],
  ["network-interface.attachment.device-index", () => 2],
  ["network-interface.attachment.status", () => "attached"],
];

describe("filters of DescribeNetworkInterfaces", () => {
  const find = (name: string, read: Reader) => {
    const { model, trunkId } = populated();
    const Filters = [{ Name: name, Values: [String(read(model.state()))] }];
    return { trunkId, found: model.call("DescribeNetworkInterfaces", { Filters }).NetworkInterfaces };
  };

  test.each(OF_THE_TRUNK)("%s picks one interface", (name, read) => {
    const { trunkId, found } = find(name, read);
    expect(found?.map((one) => one.NetworkInterfaceId)).toEqual([trunkId]);
  });

  test.each(OF_ALL_INTERFACES)("%s matches what all have", (name, read) => {
    expect(find(name, read).found).toHaveLength(3);
  });

  test.each(["attachment.status", "attachment.instance-owner-id", "attachment.network-card-index"])(
    "%s is about attached interfaces only",
    (name) => {
      expect(find(name, () => "*").found).toHaveLength(2);
    },
  );

  test.each(["association.public-ip", "association.association-id", "association.allocation-id", "requester-id"])(
    "%s matches none, as there are no public addresses and no other requesters",
    (name) => {
      expect(find(name, () => "*").found).toEqual([]);
    },
  );
});

describe("filters of the other describes", () => {
  test.each(OF_THE_INSTANCE)("%s picks the instance", (name, read) => {
    const { model } = populated();
    const find = (value: string) =>
      model.call("DescribeInstances", { Filters: [{ Name: name, Values: [value] }] }).Reservations;
    expect(find(String(read(model.state())))).toHaveLength(1);
    expect(find("nothing like it")).toEqual([]);
  });

  test.each([
    ["cidr-block-association.cidr-block", "10.0.0.0/16"],
    ["state", "available"],
    ["owner-id", "123456789012"],
    ["isDefault", "false"],
  ])("%s picks the VPC", (Name, value) => {
    const { model } = populated();
    const find = (Value: string) => model.call("DescribeVpcs", { Filters: [{ Name, Values: [Value] }] }).Vpcs;
    expect(find(value)).toHaveLength(1);
    expect(find("nothing like it")).toEqual([]);
  });

  test.each([
    ["availability-zone-id", "usw2-az1"],
    ["available-ip-address-count", "248"],
    ["default-for-az", "false"],
    ["map-public-ip-on-launch", "false"],
    ["owner-id", "123456789012"],
    ["state", "available"],
  ])("%s picks the subnet", (Name, value) => {
    const { model } = populated();
    const find = (Value: string) => model.call("DescribeSubnets", { Filters: [{ Name, Values: [Value] }] }).Subnets;
    expect(find(value)).toHaveLength(1);
    expect(find("nothing like it")).toEqual([]);
  });

  test.each([
    ["instance-type", "m5.large", true],
    ["hypervisor", "nitro", true],
    ["bare-metal", "true", false],
    ["network-info.maximum-network-interfaces", "3", true],
    ["network-info.maximum-network-cards", "1", true],
    ["network-info.ipv4-addresses-per-interface", "10", true],
    ["network-info.ipv6-addresses-per-interface", "10", true],
    ["network-info.ipv6-supported", "true", true],
    ["network-info.ena-support", "required", true],
    ["current-generation", "true", true],
  ])("%s=%s matches m5.large: %s", (Name, value, expected) => {
    const { model } = populated();
    const found = model.call("DescribeInstanceTypes", { Filters: [{ Name, Values: [value] }] }).InstanceTypes ?? [];
    expect(found.length).toBeGreaterThan(0);
    expect(found.some((type) => type.InstanceType === "m5.large")).toBe(expected);
  });

  test("interface-protocol matches associations, gre-key none", () => {
    const { model } = populated();
    const find = (Name: string, Value: string) =>
      model.call("DescribeTrunkInterfaceAssociations", { Filters: [{ Name, Values: [Value] }] }).InterfaceAssociations;
    expect(find("interface-protocol", "VLAN")).toHaveLength(1);
    expect(find("gre-key", "*")).toEqual([]);
  });
});
