import { describe, expect, test } from "vitest";
import { account, sure } from "./testing.ts";

/** A client and a database; the database's group lets in port 5432 from the client's group. */
function database() {
  const world = account();
  const { model, group, networkInterface } = world;
  const databaseGroup = group("database");
  const allow = (GroupId: string, permission: object) =>
    model.call("AuthorizeSecurityGroupIngress", { GroupId, IpPermissions: [permission] });
  const fromPods = {
    ...{ IpProtocol: "tcp", FromPort: 5432, ToPort: 5432 },
    UserIdGroupPairs: [{ GroupId: world.groupId }],
  };
  allow(databaseGroup, fromPods);
  const client = networkInterface();
  const server = networkInterface({ Groups: [databaseGroup] });
  const reach = (from: string, to: string, port = 5432, protocol = "tcp") => model.reach({ from, to, protocol, port });
  return { ...world, databaseGroup, allow, fromPods, client, server, reach };
}

describe("reachability", () => {
  test("follows the rule that lets the source's group in, and names it", () => {
    const { reach, client, server, databaseGroup } = database();
    expect(reach(client, server)).toEqual({
      allowed: true,
      because: expect.stringMatching(
        new RegExp(`^Allowed by egress sgr-\\w+ of sg-\\w+ and ingress sgr-\\w+ of ${databaseGroup}`),
      ),
    });
  });

  test("ends at another port, another protocol, and a source of another group", () => {
    const { reach, client, server, networkInterface, group, databaseGroup } = database();
    expect(reach(client, server, 5433).allowed).toBe(false);
    expect(reach(client, server, 5432, "udp").allowed).toBe(false);
    const stranger = networkInterface({ Groups: [group("red")] });
    expect(reach(stranger, server)).toEqual({
      allowed: false,
      because: `No ingress rule of ${databaseGroup} on ${server} allows tcp 5432 from ${stranger}.`,
    });
  });

  test("does not run backwards: only answers do", () => {
    const { reach, client, server } = database();
    expect(reach(server, client).allowed).toBe(false);
  });

  test("is the union of all groups of an interface", () => {
    const { reach, server, networkInterface, group, groupId } = database();
    expect(reach(networkInterface({ Groups: [group("red"), groupId] }), server).allowed).toBe(true);
  });

  test("changes with the rules, at once", () => {
    const { model, reach, client, server, databaseGroup, fromPods } = database();
    model.call("RevokeSecurityGroupIngress", { GroupId: databaseGroup, IpPermissions: [fromPods] });
    expect(reach(client, server).allowed).toBe(false);
  });

  test("needs egress, too", () => {
    const { model, reach, client, server, groupId } = database();
    const IpPermissions = [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }];
    model.call("RevokeSecurityGroupEgress", { GroupId: groupId, IpPermissions });
    expect(reach(client, server)).toEqual({
      allowed: false,
      because: `No egress rule of ${groupId} on ${client} allows tcp 5432 to ${server}.`,
    });
  });

  test("takes private addresses, also secondary ones, for their interface", () => {
    const { model, reach, client, server, show } = database();
    const assigned = model.call("AssignPrivateIpAddresses", {
      NetworkInterfaceId: client,
      SecondaryPrivateIpAddressCount: 1,
    }).AssignedPrivateIpAddresses;
    const secondary = sure(assigned?.[0]?.PrivateIpAddress);
    expect(reach(secondary, sure(show(server)?.PrivateIpAddress)).allowed).toBe(true);
  });

  test("of an address from outside depends on blocks only", () => {
    const { reach, server, allow, databaseGroup } = database();
    expect(reach("192.0.2.1", server).allowed).toBe(false);
    allow(databaseGroup, { IpProtocol: "-1", IpRanges: [{ CidrIp: "192.0.2.0/24" }] });
    expect(reach("192.0.2.1", server, 1, "udp").allowed).toBe(true);
    expect(reach(server, "198.51.100.1", 443).allowed).toBe(true);
  });

  test("looks at no port where the protocol has none", () => {
    const { reach, client, server, allow, databaseGroup } = database();
    allow(databaseGroup, { IpProtocol: "icmp", FromPort: -1, ToPort: -1, IpRanges: [{ CidrIp: "10.0.0.0/16" }] });
    expect(reach(client, server, 0, "icmp").allowed).toBe(true);
    expect(reach(client, server, 0, "1").allowed).toBe(true);
  });

  test("never ends between VPCs, always within one interface, and knows what it does not know", () => {
    const { model, reach, client, server, networkInterface } = database();
    const vpcId = sure(model.call("CreateVpc", { CidrBlock: "10.1.0.0/16" }).Vpc?.VpcId);
    const subnet = model.call("CreateSubnet", { VpcId: vpcId, CidrBlock: "10.1.0.0/24" }).Subnet;
    const far = networkInterface({ SubnetId: sure(subnet?.SubnetId), Groups: [] });
    expect(reach(client, far).because).toMatch(/^eni-\w+ is in vpc-\w+, eni-\w+ in vpc-\w+\.$/);
    expect(reach(server, server).allowed).toBe(true);
    expect(reach("eni-0", server)).toEqual({
      allowed: false,
      because: "eni-0 is neither an interface nor an IP address.",
    });
    expect(reach(server, "eni-0").allowed).toBe(false);
  });
});
