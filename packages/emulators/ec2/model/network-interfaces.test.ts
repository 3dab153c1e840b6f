import { describe, expect, test } from "vitest";
import { account, refusal, sure } from "./testing.ts";

describe("CreateNetworkInterface", () => {
  test("answers with everything that a caller needs to know", () => {
    const { model, subnetId, groupId, vpcId } = account();
    const { NetworkInterface } = model.call("CreateNetworkInterface", {
      SubnetId: subnetId,
      Groups: [groupId],
      Description: "aws-k8s-branch-eni",
      TagSpecifications: [{ ResourceType: "network-interface", Tags: [{ Key: "owner", Value: "me" }] }],
    });
    expect(NetworkInterface).toMatchObject({
      NetworkInterfaceId: expect.stringMatching(/^eni-[0-9a-f]{17}$/),
      MacAddress: expect.stringMatching(/^0a(:[0-9a-f]{2}){5}$/),
      PrivateIpAddress: expect.stringMatching(/^10\.0\.0\.\d+$/),
      Groups: [{ GroupId: groupId, GroupName: "pods" }],
      Description: "aws-k8s-branch-eni",
      InterfaceType: "interface",
      AvailabilityZone: "us-west-2a",
      VpcId: vpcId,
      SubnetId: subnetId,
      TagSet: [{ Key: "owner", Value: "me" }],
    });
  });

  test("gives the VPC's default group when none is named", () => {
    const { networkInterface, show } = account();
    expect(show(networkInterface({ Groups: [] }))?.Groups).toMatchObject([{ GroupName: "default" }]);
  });

  test("gives addresses until the subnet is full, but never the five that are reserved", () => {
    const { model, vpcId, networkInterface, show } = account();
    const small = model.call("CreateSubnet", { VpcId: vpcId, CidrBlock: "10.0.5.0/28" });
    const SubnetId = sure(small.Subnet?.SubnetId);
    const ids = Array.from({ length: 11 }, () => networkInterface({ SubnetId }));
    const lastNumbers = ids.map((id) => Number(show(id)?.PrivateIpAddress?.split(".")[3]));
    expect(lastNumbers.toSorted((a, b) => a - b)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    expect(refusal(() => networkInterface({ SubnetId })).code).toBe("InsufficientFreeAddressesInSubnet");
    model.call("DeleteNetworkInterface", { NetworkInterfaceId: sure(ids[3]) });
    expect(show(networkInterface({ SubnetId }))?.Status).toBe("available");
  });

  test("refuses groups that do not exist, that are of another VPC, or that are too many", () => {
    const { model, networkInterface, group } = account();
    expect(refusal(() => networkInterface({ Groups: ["sg-0123456789abcdef0"] }))).toMatchObject({
      code: "InvalidSecurityGroupID.NotFound",
      message: "The securityGroup ID 'sg-0123456789abcdef0' does not exist",
    });
    expect(refusal(() => networkInterface({ Groups: ["pods"] })).code).toBe("InvalidGroupId.Malformed");
    const elsewhere = sure(model.call("CreateVpc", { CidrBlock: "10.1.0.0/16" }).Vpc?.VpcId);
    expect(refusal(() => networkInterface({ Groups: [group("foreign", elsewhere)] }))).toMatchObject({
      code: "InvalidGroup.NotFound",
      message: "You have specified two resources that belong to different networks.",
    });
    const six = [1, 2, 3, 4, 5, 6].map((n) => group(`group-${n}`));
    expect(refusal(() => networkInterface({ Groups: six })).code).toBe("SecurityGroupsPerInterfaceLimitExceeded");
    model.configure({ quotas: { groupsPerInterfaceMax: 6 } });
    expect(networkInterface({ Groups: six })).toMatch(/^eni-/);
  });

  test("refuses more interfaces than the quota allows in the Availability Zone", () => {
    const { model, vpcId, networkInterface } = account({ quotas: { interfacesPerZoneMax: 2 } });
    const first = networkInterface();
    networkInterface();
    expect(refusal(() => networkInterface()).code).toBe("NetworkInterfaceLimitExceeded");
    const other = { VpcId: vpcId, CidrBlock: "10.0.9.0/24", AvailabilityZone: "us-west-2b" };
    const SubnetId = sure(model.call("CreateSubnet", other).Subnet?.SubnetId);
    expect(networkInterface({ SubnetId })).toMatch(/^eni-/);
    model.call("DeleteNetworkInterface", { NetworkInterfaceId: first });
    expect(networkInterface()).toMatch(/^eni-/);
  });

  test("refuses a trunk where trunking is not switched on, with the text that such accounts see", () => {
    const { networkInterface } = account({ trunkingEnabled: false });
    expect(refusal(() => networkInterface({ InterfaceType: "trunk" }))).toMatchObject({
      code: "InvalidParameterValue",
      message: "Invalid value 'trunk' for InterfaceType. Allowed values are ('EFA')",
    });
  });

  test("names the parameter that is missing, and the subnet that does not exist", () => {
    const { model } = account();
    expect(refusal(() => model.call("CreateNetworkInterface", { SubnetId: undefined }))).toMatchObject({
      code: "MissingParameter",
      message: "The request must contain the parameter subnetId",
    });
    const SubnetId = "subnet-0123456789abcdef0";
    expect(refusal(() => model.call("CreateNetworkInterface", { SubnetId })).code).toBe("InvalidSubnetID.NotFound");
  });

  test("answers a repeated client token with the one interface, dead or alive, and refuses other parameters", () => {
    const { model, subnetId, groupId } = account();
    const input = { SubnetId: subnetId, Groups: [groupId], ClientToken: "intent-1" };
    const NetworkInterfaceId = sure(model.call("CreateNetworkInterface", input).NetworkInterface?.NetworkInterfaceId);
    const again = () => model.call("CreateNetworkInterface", input).NetworkInterface?.NetworkInterfaceId;
    expect(again()).toBe(NetworkInterfaceId);
    expect(model.state().networkInterfaces).toHaveLength(1);
    const changed = { ...input, Description: "other" };
    expect(refusal(() => model.call("CreateNetworkInterface", changed)).code).toBe("IdempotentParameterMismatch");
    model.call("DeleteNetworkInterface", { NetworkInterfaceId });
    expect(again()).toBe(NetworkInterfaceId);
    expect(model.state().networkInterfaces).toHaveLength(0);
  });

  test("gives IPv6 addresses as the subnet or the request asks", () => {
    const { model, networkInterface, show } = account();
    const vpc = model.call("CreateVpc", { CidrBlock: "10.2.0.0/16", AmazonProvidedIpv6CidrBlock: true }).Vpc;
    const block = sure(vpc?.Ipv6CidrBlockAssociationSet?.[0]?.Ipv6CidrBlock);
    expect(block).toMatch(/::\/56$/);
    const subnet = model.call("CreateSubnet", {
      VpcId: vpc?.VpcId,
      CidrBlock: "10.2.0.0/24",
      Ipv6CidrBlock: block.replace("/56", "/64"),
    });
    const SubnetId = sure(subnet.Subnet?.SubnetId);
    expect(show(networkInterface({ SubnetId, Groups: [] }))?.Ipv6Addresses).toEqual([]);
    const asked = model.call("CreateNetworkInterface", { SubnetId, Ipv6AddressCount: 2 });
    expect(asked.NetworkInterface?.Ipv6Addresses).toHaveLength(2);
    model.call("ModifySubnetAttribute", { SubnetId, AssignIpv6AddressOnCreation: { Value: true } });
    expect(show(networkInterface({ SubnetId, Groups: [] }))?.Ipv6Addresses).toHaveLength(1);
  });

  test("takes the address that is asked for, once", () => {
    const { model, subnetId } = account();
    const input = { SubnetId: subnetId, PrivateIpAddress: "10.0.0.77" };
    expect(model.call("CreateNetworkInterface", input).NetworkInterface?.PrivateIpAddress).toBe("10.0.0.77");
    expect(refusal(() => model.call("CreateNetworkInterface", input)).code).toBe("InvalidIPAddress.InUse");
    const reserved = { SubnetId: subnetId, PrivateIpAddress: "10.0.0.3" };
    expect(refusal(() => model.call("CreateNetworkInterface", reserved)).code).toBe("InvalidParameterValue");
  });
});

describe("a CreateNetworkInterface that is refused", () => {
  test("takes no address", () => {
    const { model, subnetId } = account();
    const input = { SubnetId: subnetId, PrivateIpAddress: "10.0.0.77", SecondaryPrivateIpAddressCount: 251 };
    expect(refusal(() => model.call("CreateNetworkInterface", input)).code).toBe("InsufficientFreeAddressesInSubnet");
    expect(model.state().subnets[0]?.AvailableIpAddressCount).toBe(251);
  });
});

describe("a network interface", () => {
  test("is not deleted while it is attached", () => {
    const { model, instance, networkInterface } = account();
    const NetworkInterfaceId = networkInterface();
    model.call("AttachNetworkInterface", { NetworkInterfaceId, InstanceId: instance(), DeviceIndex: 1 });
    expect(refusal(() => model.call("DeleteNetworkInterface", { NetworkInterfaceId }))).toMatchObject({
      code: "InvalidNetworkInterface.InUse",
      message: `Network interface '${NetworkInterfaceId}' is currently in use.`,
    });
  });

  test("is not found once it is deleted", () => {
    const { model, networkInterface } = account();
    const NetworkInterfaceId = networkInterface();
    model.call("DeleteNetworkInterface", { NetworkInterfaceId });
    expect(refusal(() => model.call("DeleteNetworkInterface", { NetworkInterfaceId }))).toMatchObject({
      code: "InvalidNetworkInterfaceID.NotFound",
      message: `The networkInterface ID '${NetworkInterfaceId}' does not exist`,
    });
  });

  test("changes one attribute with each call", () => {
    const { model, networkInterface, group } = account();
    const NetworkInterfaceId = networkInterface();
    const other = group("other");
    const modify = (change: object) => model.call("ModifyNetworkInterfaceAttribute", { NetworkInterfaceId, ...change });
    modify({ Groups: [other] });
    modify({ Description: { Value: "new" } });
    modify({ SourceDestCheck: { Value: false } });
    const describe = (Attribute: "groupSet" | "description" | "sourceDestCheck") =>
      model.call("DescribeNetworkInterfaceAttribute", { NetworkInterfaceId, Attribute });
    expect(describe("groupSet").Groups).toEqual([{ GroupId: other, GroupName: "other" }]);
    expect(describe("description").Description).toEqual({ Value: "new" });
    expect(describe("sourceDestCheck").SourceDestCheck).toEqual({ Value: false });
    const two = { Groups: [other], Description: { Value: "x" } };
    expect(refusal(() => modify(two)).code).toBe("InvalidParameterCombination");
    expect(refusal(() => modify({})).code).toBe("InvalidParameterCombination");
  });

  test("is found by each of the filters that tell interfaces apart", () => {
    const { model, instance, networkInterface, subnetId, groupId, vpcId } = account();
    const instanceId = instance();
    const NetworkInterfaceId = networkInterface({ InterfaceType: "trunk" });
    model.call("AttachNetworkInterface", { NetworkInterfaceId, InstanceId: instanceId, DeviceIndex: 2 });
    const Tags = [{ Key: "cluster", Value: "demo" }];
    model.call("CreateTags", { Resources: [NetworkInterfaceId], Tags });
    const find = (Name: string, ...Values: string[]) =>
      model
        .call("DescribeNetworkInterfaces", { Filters: [{ Name, Values }] })
        .NetworkInterfaces?.map((one) => one.NetworkInterfaceId);
    for (const [name, value] of [
      ["interface-type", "tr?nk"],
      ["tag:cluster", "d*o"],
      ["tag-key", "cluster"],
      ["network-interface-id", NetworkInterfaceId],
      ["attachment.device-index", "2"],
      ["attachment.delete-on-termination", "false"],
    ] as const) {
      expect(find(name, value), name).toEqual([NetworkInterfaceId]);
    }
    for (const [name, value] of [
      ["subnet-id", subnetId],
      ["vpc-id", vpcId],
      ["group-id", groupId],
      ["group-name", "pods"],
      ["status", "in-use"],
      ["attachment.instance-id", instanceId],
      ["private-ip-address", "10.0.0.*"],
      ["mac-address", "0a:*"],
    ] as const) {
      expect(find(name, value), name).toHaveLength(2);
    }
    expect(find("status", "available")).toEqual([]);
    expect(refusal(() => find("colour", "red"))).toMatchObject({
      code: "InvalidParameterValue",
      message: "The filter 'colour' is invalid",
    });
  });
});
