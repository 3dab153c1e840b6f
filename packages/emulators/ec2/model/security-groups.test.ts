import { describe, expect, test } from "vitest";
import { account, refusal, sure } from "./testing.ts";

const TCP_5432 = { IpProtocol: "tcp", FromPort: 5432, ToPort: 5432 };

describe("a security group", () => {
  test("begins with egress to everywhere and no ingress; the default group lets itself in", () => {
    const { model, groupId, vpcId } = account();
    const [group] = model.call("DescribeSecurityGroups", { GroupIds: [groupId] }).SecurityGroups ?? [];
    expect(group).toMatchObject({
      GroupName: "pods",
      VpcId: vpcId,
      IpPermissions: [],
      IpPermissionsEgress: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }],
    });
    const Filters = [{ Name: "group-name", Values: ["default"] }];
    const [preset] = model.call("DescribeSecurityGroups", { Filters }).SecurityGroups ?? [];
    expect(preset?.IpPermissions).toMatchObject([
      { IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: preset?.GroupId }] },
    ]);
    expect(refusal(() => model.call("DeleteSecurityGroup", { GroupId: preset?.GroupId })).code).toBe("CannotDelete");
  });

  test("has a name of its own in its VPC", () => {
    const { model, group } = account();
    expect(refusal(() => group("pods"))).toMatchObject({
      code: "InvalidGroup.Duplicate",
      message: expect.stringMatching(/^The security group 'pods' already exists for VPC 'vpc-/),
    });
    const elsewhere = sure(model.call("CreateVpc", { CidrBlock: "10.1.0.0/16" }).Vpc?.VpcId);
    expect(group("pods", elsewhere)).toMatch(/^sg-/);
    expect(refusal(() => group("default")).code).toBe("InvalidGroup.Reserved");
    expect(refusal(() => group("sg-mine")).code).toBe("InvalidParameterValue");
    const noVpc = { GroupName: "x", Description: "x" };
    expect(refusal(() => model.call("CreateSecurityGroup", noVpc)).code).toBe("VPCIdNotSpecified");
  });

  test("is not deleted while an interface has it", () => {
    const { model, groupId, networkInterface } = account();
    const NetworkInterfaceId = networkInterface();
    expect(refusal(() => model.call("DeleteSecurityGroup", { GroupId: groupId }))).toMatchObject({
      code: "DependencyViolation",
      message: `resource ${groupId} has a dependent object`,
    });
    model.call("DeleteNetworkInterface", { NetworkInterfaceId });
    model.call("DeleteSecurityGroup", { GroupId: groupId });
    expect(refusal(() => model.call("DeleteSecurityGroup", { GroupId: groupId }))).toMatchObject({
      code: "InvalidGroup.NotFound",
      message: `The security group '${groupId}' does not exist`,
    });
  });

  test("is not deleted while a rule of another group names it; its own rules do not count", () => {
    const { model, groupId, group } = account();
    const GroupId = group("database");
    const IpPermissions = [{ ...TCP_5432, UserIdGroupPairs: [{ GroupId: groupId }] }];
    model.call("AuthorizeSecurityGroupIngress", { GroupId: groupId, IpPermissions });
    model.call("AuthorizeSecurityGroupIngress", { GroupId, IpPermissions });
    expect(refusal(() => model.call("DeleteSecurityGroup", { GroupId: groupId })).code).toBe("DependencyViolation");
    model.call("RevokeSecurityGroupIngress", { GroupId, IpPermissions });
    expect(model.call("DeleteSecurityGroup", { GroupId: groupId })).toEqual({ Return: true, GroupId: groupId });
  });

  test("is found by its rules", () => {
    const { model, groupId, group } = account();
    const GroupId = group("database");
    const IpPermissions = [
      { ...TCP_5432, UserIdGroupPairs: [{ GroupId: groupId }], IpRanges: [{ CidrIp: "10.9.0.0/16" }] },
    ];
    model.call("AuthorizeSecurityGroupIngress", { GroupId, IpPermissions });
    const find = (Name: string, Value: string) =>
      model
        .call("DescribeSecurityGroups", { Filters: [{ Name, Values: [Value] }] })
        .SecurityGroups?.map((one) => one.GroupId);
    for (const [name, value] of [
      ["ip-permission.cidr", "10.9.0.0/16"],
      ["ip-permission.from-port", "5432"],
      ["ip-permission.to-port", "5432"],
      ["ip-permission.protocol", "tcp"],
      ["ip-permission.group-name", "pods"],
      ["ip-permission.group-id", groupId],
    ] as const) {
      expect(find(name, value), name).toEqual([GroupId]);
    }
    expect(find("egress.ip-permission.cidr", "0.0.0.0/0")).toHaveLength(3);
    expect(find("egress.ip-permission.cidr", "10.9.0.0/16")).toEqual([]);
  });
});

describe("security group rules", () => {
  test("are one for each peer, and are shown together by protocol and ports", () => {
    const { model, groupId } = account();
    const { SecurityGroupRules } = model.call("AuthorizeSecurityGroupIngress", {
      GroupId: groupId,
      IpPermissions: [
        {
          ...TCP_5432,
          IpRanges: [{ CidrIp: "10.0.0.5/16", Description: "office" }, { CidrIp: "10.1.0.0/16" }],
          Ipv6Ranges: [{ CidrIpv6: "2600::/16" }],
        },
      ],
      TagSpecifications: [{ ResourceType: "security-group-rule", Tags: [{ Key: "a", Value: "b" }] }],
    });
    expect(SecurityGroupRules).toMatchObject([
      { CidrIpv4: "10.0.0.0/16", Description: "office", IsEgress: false, Tags: [{ Key: "a", Value: "b" }] },
      { CidrIpv4: "10.1.0.0/16", FromPort: 5432, ToPort: 5432 },
      { CidrIpv6: "2600::/16", IpProtocol: "tcp" },
    ]);
    const [group] = model.call("DescribeSecurityGroups", { GroupIds: [groupId] }).SecurityGroups ?? [];
    expect(group?.IpPermissions).toMatchObject([{ ...TCP_5432, IpRanges: [{}, {}], Ipv6Ranges: [{}] }]);
    const Filters = [{ Name: "group-id", Values: [groupId] }];
    expect(model.call("DescribeSecurityGroupRules", { Filters }).SecurityGroupRules).toHaveLength(4);
  });

  test("are refused when one of them is there already, and then none is added", () => {
    const { model, groupId } = account();
    const allow = (...blocks: string[]) =>
      model.call("AuthorizeSecurityGroupIngress", {
        GroupId: groupId,
        IpPermissions: [{ ...TCP_5432, IpRanges: blocks.map((CidrIp) => ({ CidrIp })) }],
      });
    allow("10.0.0.0/16");
    expect(refusal(() => allow("10.1.0.0/16", "10.0.0.0/16"))).toMatchObject({
      code: "InvalidPermission.Duplicate",
      message: 'the specified rule "peer: 10.0.0.0/16, TCP, from port: 5432, to port: 5432, ALLOW" already exists',
    });
    expect(refusal(() => allow("10.2.0.0/16", "10.2.0.0/16")).code).toBe("InvalidParameterValue");
    const [group] = model.call("DescribeSecurityGroups", { GroupIds: [groupId] }).SecurityGroups ?? [];
    expect(group?.IpPermissions?.[0]?.IpRanges).toHaveLength(1);
  });

  test("are revoked by what they say or by their ID, and only once", () => {
    const { model, groupId } = account();
    const IpPermissions = [{ ...TCP_5432, UserIdGroupPairs: [{ GroupId: groupId }] }];
    const call = { GroupId: groupId, IpPermissions };
    model.call("AuthorizeSecurityGroupIngress", call);
    model.call("RevokeSecurityGroupIngress", call);
    expect(refusal(() => model.call("RevokeSecurityGroupIngress", call))).toMatchObject({
      code: "InvalidPermission.NotFound",
      message: "The specified rule does not exist in this security group.",
    });
    const rules = model.call("AuthorizeSecurityGroupIngress", call).SecurityGroupRules;
    const byId = { GroupId: groupId, SecurityGroupRuleIds: [sure(rules?.[0]?.SecurityGroupRuleId)] };
    expect(refusal(() => model.call("RevokeSecurityGroupEgress", byId)).code).toBe("InvalidParameterValue");
    expect(model.call("RevokeSecurityGroupIngress", byId).RevokedSecurityGroupRules).toMatchObject([
      { ReferencedGroupId: groupId, IsEgress: false },
    ]);
    expect(refusal(() => model.call("RevokeSecurityGroupIngress", byId)).code).toBe(
      "InvalidSecurityGroupRuleId.NotFound",
    );
  });

  test("take the older top-level parameters, and protocols by number", () => {
    const { model, groupId } = account();
    model.call("AuthorizeSecurityGroupIngress", {
      GroupId: groupId,
      ...{ IpProtocol: "6", FromPort: 22, ToPort: 22, CidrIp: "0.0.0.0/0" },
    });
    const [group] = model.call("DescribeSecurityGroups", { GroupIds: [groupId] }).SecurityGroups ?? [];
    expect(group?.IpPermissions).toMatchObject([{ IpProtocol: "tcp", FromPort: 22, ToPort: 22 }]);
  });

  test.each([
    [{ IpProtocol: "tcp", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }, "InvalidParameterValue"],
    [{ IpProtocol: "tcp", FromPort: 80, ToPort: 22, IpRanges: [{ CidrIp: "0.0.0.0/0" }] }, "InvalidParameterValue"],
    [{ ...TCP_5432, IpRanges: [{ CidrIp: "10.0.0/16" }] }, "InvalidParameterValue"],
    [{ ...TCP_5432 }, "InvalidParameterValue"],
    [{ IpProtocol: "telepathy", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }, "InvalidPermission.Malformed"],
    [{ ...TCP_5432, UserIdGroupPairs: [{ GroupId: "sg-0123456789abcdef0" }] }, "InvalidGroup.NotFound"],
    [{ IpRanges: [{ CidrIp: "0.0.0.0/0" }] }, "MissingParameter"],
  ])("refuse %o with %s", (permission, code) => {
    const { model, groupId } = account();
    const call = { GroupId: groupId, IpPermissions: [permission] };
    expect(refusal(() => model.call("AuthorizeSecurityGroupIngress", call)).code).toBe(code);
  });

  test("may not name a group of another VPC, nor be more than the quota", () => {
    const { model, groupId, group } = account({ quotas: { rulesPerGroupMax: 2 } });
    const elsewhere = sure(model.call("CreateVpc", { CidrBlock: "10.1.0.0/16" }).Vpc?.VpcId);
    const foreign = [{ ...TCP_5432, UserIdGroupPairs: [{ GroupId: group("foreign", elsewhere) }] }];
    expect(
      refusal(() => model.call("AuthorizeSecurityGroupIngress", { GroupId: groupId, IpPermissions: foreign })),
    ).toMatchObject({ message: "You have specified two resources that belong to different networks." });
    const three = [
      { ...TCP_5432, IpRanges: ["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16"].map((CidrIp) => ({ CidrIp })) },
    ];
    expect(
      refusal(() => model.call("AuthorizeSecurityGroupIngress", { GroupId: groupId, IpPermissions: three })).code,
    ).toBe("RulesPerSecurityGroupLimitExceeded");
  });
});
