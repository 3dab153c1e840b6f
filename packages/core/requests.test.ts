import { describe, expect, it } from "vitest";
import { branchRequest, branded, groupRefusal, isRefusal, type SecurityGroupId } from "./index.ts";
import { modelSettings, modelTrunk } from "./testing/model-node.ts";

const blue = modelTrunk().cluster;

describe("the request of a branch", () => {
  it("has sorted groups without duplicates", () => {
    const asked = { enis: 1, securityGroups: ["sg-b", "sg-a", "sg-b"] };

    expect(branchRequest(asked, modelTrunk(), { cluster: blue }, modelSettings)).toEqual({
      requestVersion: 1,
      subnetId: "subnet-1",
      securityGroups: ["sg-a", "sg-b"],
      ipv6: false,
    });
  });

  it("takes the trunk's groups for a pod without any, and IPv6 where the subnet has it", () => {
    const trunk = modelTrunk({ subnetV6Cidr: "2001:db8::/64" });

    expect(branchRequest({ enis: 1, securityGroups: [] }, trunk, { cluster: blue }, modelSettings)).toMatchObject({
      securityGroups: ["sg-node"],
      ipv6: true,
    });
  });

  it.each([
    ["TooManyNetworkInterfaces", { enis: 17, securityGroups: [] }, {}, {}],
    ["TooManyNetworkInterfaces", { enis: 4, securityGroups: [] }, {}, {}],
    ["NoSecurityGroup", { enis: 1, securityGroups: [] }, { securityGroups: [] }, {}],
    ["SecurityGroupsPerInterfaceLimitExceeded", { enis: 1, securityGroups: ["1", "2", "3", "4", "5", "6"] }, {}, {}],
    ["SecurityGroupNotAllowed", { enis: 1, securityGroups: ["sg-a"] }, {}, { securityGroups: ["sg-b"] }],
    ["SubnetNotAllowed", { enis: 1, securityGroups: ["sg-a"] }, {}, { subnets: ["subnet-2"] }],
  ])("is refused with %s", (code, asked, trunk, limits) => {
    const answer = branchRequest(asked, modelTrunk(trunk), { cluster: blue, ...limits }, modelSettings);

    expect(isRefusal(answer) && answer.code).toBe(code);
  });

  it("K27: has as many groups as the quota allows; one more is refused with both numbers and what to do", () => {
    const asking = (count: number) => {
      const securityGroups = Array.from({ length: count }, (_, index) => `sg-${index}`);
      return branchRequest({ enis: 1, securityGroups }, modelTrunk(), { cluster: blue }, modelSettings);
    };

    expect(isRefusal(asking(5))).toBe(false);
    expect(asking(6)).toEqual({
      code: "SecurityGroupsPerInterfaceLimitExceeded",
      detail:
        "the pod's policies name 6 security groups; an interface takes 5: name fewer, or have the account's quota raised",
    });
  });

  it("is within the limits of a cluster that may use its groups and subnet", () => {
    const limits = { cluster: blue, securityGroups: ["sg-a"], subnets: ["subnet-1"] };

    expect(isRefusal(branchRequest({ enis: 1, securityGroups: ["sg-a"] }, modelTrunk(), limits, modelSettings))).toBe(
      false,
    );
  });
});

describe("P19: the groups of a refused request", () => {
  const group = (id: string, vpcId = "vpc-1") => ({ groupId: branded<SecurityGroupId>(id), vpcId });
  const request = { securityGroups: [branded<SecurityGroupId>("sg-a"), branded<SecurityGroupId>("sg-b")] };

  it("explain the refusal when one does not exist, in EC2's words, or is of another VPC", () => {
    expect(groupRefusal(request, modelTrunk(), [group("sg-a")])).toEqual({
      code: "InvalidSecurityGroupID.NotFound",
      detail: "The securityGroup ID 'sg-b' does not exist",
    });
    expect(groupRefusal(request, modelTrunk(), [group("sg-a"), group("sg-b", "vpc-2")])).toMatchObject({
      code: "SecurityGroupNotInVpc",
    });
  });

  it("explain nothing when all are there", () => {
    expect(groupRefusal(request, modelTrunk(), [group("sg-b"), group("sg-a")])).toBeUndefined();
  });
});
