import { describe, expect, test } from "vitest";
import { account, emptyAccount, refusal, sure } from "./testing.ts";

describe("a VPC", () => {
  test("comes with a default security group, and goes with it when it is empty", () => {
    const { model } = emptyAccount();
    const VpcId = model.call("CreateVpc", { CidrBlock: "10.0.0.0/16" }).Vpc?.VpcId;
    expect(model.state().securityGroups).toMatchObject([{ GroupName: "default", VpcId }]);
    model.call("DeleteVpc", { VpcId });
    expect(model.state()).toMatchObject({ vpcs: [], securityGroups: [] });
    expect(refusal(() => model.call("DeleteVpc", { VpcId }))).toMatchObject({
      code: "InvalidVpcID.NotFound",
      message: `The vpc ID '${VpcId}' does not exist`,
    });
  });

  test("is not deleted while it has a subnet or a security group", () => {
    const { model, vpcId, subnetId, groupId } = account();
    expect(refusal(() => model.call("DeleteVpc", { VpcId: vpcId })).code).toBe("DependencyViolation");
    model.call("DeleteSubnet", { SubnetId: subnetId });
    expect(refusal(() => model.call("DeleteVpc", { VpcId: vpcId })).code).toBe("DependencyViolation");
    model.call("DeleteSecurityGroup", { GroupId: groupId });
    model.call("DeleteVpc", { VpcId: vpcId });
    expect(model.state().vpcs).toEqual([]);
  });

  test.each([
    ["10.0.0.0/8", "InvalidVpc.Range"],
    ["10.0.0.0/29", "InvalidVpc.Range"],
    ["10.0.0.0", "InvalidParameterValue"],
    ["2600::/56", "InvalidParameterValue"],
  ])("refuses the block %s with %s", (CidrBlock, code) => {
    const { model } = emptyAccount();
    expect(refusal(() => model.call("CreateVpc", { CidrBlock })).code).toBe(code);
  });

  test("is found by its block and its tags", () => {
    const { model, vpcId } = account();
    model.call("CreateTags", { Resources: [vpcId], Tags: [{ Key: "Name", Value: "demo" }] });
    const find = (Name: string, Value: string) =>
      model.call("DescribeVpcs", { Filters: [{ Name, Values: [Value] }] }).Vpcs?.map((vpc) => vpc.VpcId);
    expect(find("cidr", "10.0.0.0/16")).toEqual([vpcId]);
    expect(find("tag:Name", "demo")).toEqual([vpcId]);
    expect(find("tag:Name", "Demo")).toEqual([]);
    expect(find("is-default", "false")).toEqual([vpcId]);
  });
});

describe("a subnet", () => {
  test("lies in its VPC, apart from the others, in a zone of the Region", () => {
    const { model, vpcId } = account();
    const create = (CidrBlock: string, AvailabilityZone?: string) =>
      model.call("CreateSubnet", { VpcId: vpcId, CidrBlock, AvailabilityZone }).Subnet;
    expect(create("10.0.1.0/24", "us-west-2c")).toMatchObject({
      AvailabilityZone: "us-west-2c",
      AvailabilityZoneId: "usw2-az3",
      AvailableIpAddressCount: 251,
    });
    expect(refusal(() => create("10.0.1.128/25")).code).toBe("InvalidSubnet.Conflict");
    expect(refusal(() => create("10.1.0.0/24")).code).toBe("InvalidSubnet.Range");
    expect(refusal(() => create("10.0.2.0/24", "eu-west-1a")).code).toBe("InvalidParameterValue");
  });

  test("counts its free addresses, and is not deleted while it has interfaces", () => {
    const { model, subnetId, networkInterface } = account();
    const NetworkInterfaceId = networkInterface();
    expect(model.call("DescribeSubnets", { SubnetIds: [subnetId] }).Subnets).toMatchObject([
      { AvailableIpAddressCount: 250 },
    ]);
    expect(refusal(() => model.call("DeleteSubnet", { SubnetId: subnetId }))).toMatchObject({
      code: "DependencyViolation",
      message: `The subnet '${subnetId}' has dependencies and cannot be deleted.`,
    });
    model.call("DeleteNetworkInterface", { NetworkInterfaceId });
    model.call("DeleteSubnet", { SubnetId: subnetId });
    expect(model.state().subnets).toEqual([]);
  });

  test("takes an IPv6 block of its VPC only", () => {
    const { model, vpcId, subnetId } = account();
    const input = { VpcId: vpcId, CidrBlock: "10.0.1.0/24", Ipv6CidrBlock: "2600:1f00::/64" };
    expect(refusal(() => model.call("CreateSubnet", input)).code).toBe("InvalidSubnet.Range");
    const assign = { SubnetId: subnetId, AssignIpv6AddressOnCreation: { Value: true } };
    expect(refusal(() => model.call("ModifySubnetAttribute", assign)).code).toBe("InvalidParameterValue");
  });

  test("is found by its zone and its VPC", () => {
    const { model, vpcId, subnetId } = account();
    const find = (Name: string, Value: string) =>
      model.call("DescribeSubnets", { Filters: [{ Name, Values: [Value] }] }).Subnets?.map((one) => one.SubnetId);
    expect(find("availability-zone", "us-west-2?")).toEqual([subnetId]);
    expect(find("vpc-id", vpcId)).toEqual([subnetId]);
    expect(find("cidr-block", "10.0.0.0/24")).toEqual([subnetId]);
    expect(find("availability-zone", "us-west-2b")).toEqual([]);
  });
});

describe("tags", () => {
  test("are set, shown, filtered and deleted", () => {
    const { model, subnetId, networkInterface } = account();
    const id = networkInterface();
    model.call("CreateTags", { Resources: [id, subnetId], Tags: [{ Key: "a", Value: "1" }, { Key: "b" }] });
    const tags = (...filters: [string, string][]) =>
      model
        .call("DescribeTags", { Filters: filters.map(([Name, value]) => ({ Name, Values: [value] })) })
        .Tags?.map((tag) => `${tag.ResourceType} ${tag.Key}=${tag.Value}`);
    expect(tags(["resource-id", id])).toEqual(["network-interface a=1", "network-interface b="]);
    expect(tags(["key", "a"], ["resource-type", "subnet"])).toEqual(["subnet a=1"]);
    model.call("DeleteTags", { Resources: [id], Tags: [{ Key: "a", Value: "other" }, { Key: "b" }] });
    expect(tags(["resource-id", id])).toEqual(["network-interface a=1"]);
    model.call("DeleteTags", { Resources: [id] });
    expect(tags(["resource-id", id])).toEqual([]);
  });

  test("are at most fifty, and then none of those given is set", () => {
    const { model, networkInterface, show } = account();
    const id = networkInterface();
    const many = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => ({ Key: `key-${from + index}`, Value: "x" }));
    model.call("CreateTags", { Resources: [id], Tags: many(0, 49) });
    const two = { Resources: [id], Tags: many(49, 2) };
    expect(refusal(() => model.call("CreateTags", two)).code).toBe("TagLimitExceeded");
    expect(show(id)?.TagSet).toHaveLength(49);
    model.call("CreateTags", { Resources: [id], Tags: many(48, 2) });
    expect(show(id)?.TagSet).toHaveLength(50);
  });

  test("are set on all things named or, when one has no room, on none", () => {
    const { model, networkInterface, show } = account();
    const [empty, full] = [networkInterface(), networkInterface()];
    const fifty = Array.from({ length: 50 }, (_, index) => ({ Key: `key-${index}`, Value: "x" }));
    model.call("CreateTags", { Resources: [full], Tags: fifty });
    const both = { Resources: [empty, full], Tags: [{ Key: "one more", Value: "x" }] };
    expect(refusal(() => model.call("CreateTags", both)).code).toBe("TagLimitExceeded");
    expect(show(empty)?.TagSet).toEqual([]);
  });

  test.each([
    [{ Key: "aws:mine", Value: "x" }, "InvalidParameterValue"],
    [{ Key: "k".repeat(129), Value: "x" }, "InvalidParameterValue"],
    [{ Key: "k", Value: "v".repeat(257) }, "InvalidParameterValue"],
    [{ Value: "x" }, "MissingParameter"],
  ])("refuse %o with %s, at birth as well", (tag, code) => {
    const { model, subnetId } = account();
    expect(refusal(() => model.call("CreateTags", { Resources: [subnetId], Tags: [tag] })).code).toBe(code);
    const TagSpecifications = [{ ResourceType: "network-interface" as const, Tags: [tag] }];
    const birth = { SubnetId: subnetId, TagSpecifications };
    expect(refusal(() => model.call("CreateNetworkInterface", birth)).code).toBe(code);
    expect(model.state().networkInterfaces).toEqual([]);
  });

  test("need something that exists and can carry them", () => {
    const { model, subnetId } = account();
    const Tags = [{ Key: "a", Value: "b" }];
    const tag = (...Resources: string[]) => model.call("CreateTags", { Resources, Tags });
    expect(refusal(() => tag("eni-0123456789abcdef0")).code).toBe("InvalidNetworkInterfaceID.NotFound");
    expect(refusal(() => tag("vol-0123456789abcdef0")).code).toBe("InvalidID");
    expect(refusal(() => tag()).code).toBe("MissingParameter");
    const wrong = { SubnetId: subnetId, TagSpecifications: [{ ResourceType: "instance" as const, Tags }] };
    expect(refusal(() => model.call("CreateNetworkInterface", wrong)).code).toBe("InvalidParameterValue");
    expect(sure(model.state().subnets[0]).Tags).toEqual([]);
  });
});
