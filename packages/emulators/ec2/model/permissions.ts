import type { IpPermission } from "@aws-sdk/client-ec2";
import { Ec2Error, invalidValue, required } from "./errors.ts";
import { formatCidr, parseCidr } from "./ip.ts";
import type { Permission, RulePeer, RuleRecord } from "./records.ts";
import { known, lookUp, type World } from "./world.ts";

/** A permission and the text that stands beside it in a request. */
export interface DescribedPermission extends Permission {
  readonly description: string | undefined;
}

const PROTOCOL_NAMES: ReadonlyMap<string, string> = new Map([
  ["1", "icmp"],
  ["6", "tcp"],
  ["17", "udp"],
  ["58", "icmpv6"],
]);
const PORT_MAX = 65_535;

/** The permissions that a request lists, one for each protocol, port range and peer. Groups must exist in `vpcId`. */
export function parsePermissions(
  world: World,
  vpcId: string,
  permissions: readonly IpPermission[],
): DescribedPermission[] {
  return permissions.flatMap((permission) => {
    const ports = parsePorts(permission);
    return parsePeers(world, vpcId, permission).map((peer) => ({ ...ports, ...peer }));
  });
}

/** The name of a protocol that has one, also when it is given by number. */
export function protocolName(given: string): string {
  return PROTOCOL_NAMES.get(given) ?? given;
}

/** A key that two permissions share exactly when they allow the same. */
export function permissionKey({ protocol, fromPort, toPort, peer }: Permission): string {
  return `${protocol} ${fromPort} ${toPort} ${peerText(peer)}`;
}

/** How a peer is written in messages and filters. */
export function peerText(peer: RulePeer): string {
  switch (peer.kind) {
    case "ipv4":
    case "ipv6":
      return formatCidr(peer.cidr);
    case "group":
      return peer.groupId;
    case "prefix-list":
      return peer.prefixListId;
  }
}

/** Rules as `DescribeSecurityGroups` shows them: those of one protocol and port range together. */
export function permissionViews(world: World, rules: readonly RuleRecord[]): IpPermission[] {
  const byPorts = Map.groupBy(rules, (rule) => `${rule.protocol} ${rule.fromPort} ${rule.toPort}`);
  return [...byPorts.values()].map((together) => permissionView(world, together));
}

function permissionView(world: World, rules: readonly RuleRecord[]): IpPermission {
  const view = {
    IpRanges: [] as NonNullable<IpPermission["IpRanges"]>,
    Ipv6Ranges: [] as NonNullable<IpPermission["Ipv6Ranges"]>,
    PrefixListIds: [] as NonNullable<IpPermission["PrefixListIds"]>,
    UserIdGroupPairs: [] as NonNullable<IpPermission["UserIdGroupPairs"]>,
  };
  for (const { peer, description: Description } of rules) {
    if (peer.kind === "ipv4") view.IpRanges.push({ CidrIp: formatCidr(peer.cidr), Description });
    if (peer.kind === "ipv6") view.Ipv6Ranges.push({ CidrIpv6: formatCidr(peer.cidr), Description });
    if (peer.kind === "prefix-list") view.PrefixListIds.push({ PrefixListId: peer.prefixListId, Description });
    if (peer.kind === "group")
      view.UserIdGroupPairs.push({ UserId: world.account, GroupId: peer.groupId, Description });
  }
  const [{ protocol, fromPort, toPort } = { protocol: "-1", fromPort: -1, toPort: -1 }] = rules;
  return { IpProtocol: protocol, ...(protocol !== "-1" && { FromPort: fromPort, ToPort: toPort }), ...view };
}

function parsePorts(permission: IpPermission): { protocol: string; fromPort: number; toPort: number } {
  const given = required(permission.IpProtocol, "IpProtocol").toLowerCase();
  const protocol = protocolName(given);
  const { FromPort: fromPort, ToPort: toPort } = permission;
  if (protocol === "icmp" || protocol === "icmpv6") return { protocol, fromPort: fromPort ?? -1, toPort: toPort ?? -1 };
  if (protocol !== "tcp" && protocol !== "udp") {
    const number = Number(protocol);
    if (!Number.isInteger(number) || number < -1 || number > 255) {
      throw new Ec2Error("InvalidPermission.Malformed", `Invalid IP protocol '${given}'.`);
    }
    return { protocol, fromPort: -1, toPort: -1 };
  }
  if (fromPort === undefined || toPort === undefined) {
    throw invalidValue("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.");
  }
  if (fromPort < 0 || toPort > PORT_MAX || fromPort > toPort) {
    throw invalidValue(`Invalid ${protocol.toUpperCase()} port range (${fromPort}:${toPort})`);
  }
  return { protocol, fromPort, toPort };
}

type DescribedPeer = { readonly peer: RulePeer; readonly description: string | undefined };

function parsePeers(world: World, vpcId: string, permission: IpPermission): DescribedPeer[] {
  const peers: DescribedPeer[] = [
    ...(permission.IpRanges ?? []).map((range) => blockPeer(range.CidrIp, "ipv4", range.Description)),
    ...(permission.Ipv6Ranges ?? []).map((range) => blockPeer(range.CidrIpv6, "ipv6", range.Description)),
    ...(permission.UserIdGroupPairs ?? []).map((pair) => ({
      peer: groupPeer(world, vpcId, pair.GroupId),
      description: pair.Description,
    })),
    ...(permission.PrefixListIds ?? []).map((list) => ({
      peer: { kind: "prefix-list" as const, prefixListId: required(list.PrefixListId, "PrefixListId") },
      description: list.Description,
    })),
  ];
  if (peers.length === 0) throw invalidValue("Invalid value '' for ipRanges. Must specify a source or destination.");
  return peers;
}

function blockPeer(text: string | undefined, kind: "ipv4" | "ipv6", description: string | undefined): DescribedPeer {
  const cidr = parseCidr(required(text, kind === "ipv4" ? "CidrIp" : "CidrIpv6"));
  if (cidr?.family !== (kind === "ipv4" ? 4 : 6)) throw invalidValue(`CIDR block ${text} is malformed`);
  return { peer: { kind, cidr }, description };
}

function groupPeer(world: World, vpcId: string, groupId: string | undefined): RulePeer {
  const group = lookUp(world.groups, "group", required(groupId, "GroupId"));
  if (known(world.vpcs, vpcId).id !== group.vpcId) throw differentNetworks();
  return { kind: "group", groupId: group.id };
}

/** What EC2 says when two things lie in different VPCs. */
export function differentNetworks(): Ec2Error {
  return new Ec2Error("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.");
}
