import { interfaceByAddress } from "./interfaces.ts";
import { type Address, cidrContains, parseAddress } from "./ip.ts";
import { protocolName } from "./permissions.ts";
import type { InterfaceRecord, RuleRecord } from "./records.ts";
import type { World } from "./world.ts";

/** A question about one direction of new connections; answers to allowed connections always pass. */
export interface ReachQuery {
  /** An interface ID, or an IP address: one of an interface of the account, or of a stranger. */
  readonly from: string;
  readonly to: string;
  /** `tcp`, `udp`, `icmp`, or a protocol number. */
  readonly protocol: string;
  /** The target's port; not looked at where the protocol has none. */
  readonly port: number;
}

/** Whether the security groups let the connection through, and the rules (or the lack of them) that decide it. */
export interface ReachAnswer {
  readonly allowed: boolean;
  readonly because: string;
}

/** One end: an interface with its groups, or an address that the account does not own. */
interface End {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly networkInterface: InterfaceRecord | undefined;
}

/**
 * May `from` open a connection to `to`? The union of the source's groups must allow it as egress, and the union of the
 * target's groups as ingress; of an address outside of the account only the other end is asked.
 * See https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
 */
export function reach(world: World, query: ReachQuery): ReachAnswer {
  const from = endOf(world, query.from);
  if (!from) return unknownEnd(query.from);
  const to = endOf(world, query.to, from.networkInterface?.vpcId);
  if (!to) return unknownEnd(query.to);
  const [source, target] = [from.networkInterface, to.networkInterface];
  if (source && source === target) return { allowed: true, because: "Source and target are the same interface." };
  if (source && target && source.vpcId !== target.vpcId) {
    return { allowed: false, because: `${from.name} is in ${source.vpcId}, ${to.name} in ${target.vpcId}.` };
  }
  const egress = source && allowing(world, source, to, query, true);
  if (source && !egress) return { allowed: false, because: lacks("egress", from, source, to, query) };
  const ingress = target && allowing(world, target, from, query, false);
  if (target && !ingress) return { allowed: false, because: lacks("ingress", to, target, from, query) };
  const rules = [egress, ingress].flatMap((rule) =>
    rule ? `${rule.egress ? "egress" : "ingress"} ${rule.id} of ${rule.groupId}` : [],
  );
  return { allowed: true, because: `Allowed by ${rules.join(" and ") || "nothing that the account owns"}.` };
}

function endOf(world: World, name: string, vpcId?: string): End | undefined {
  const address = parseAddress(name);
  const networkInterface = address
    ? (interfaceByAddress(world, name, vpcId) ?? interfaceByAddress(world, name))
    : world.interfaces.get(name);
  if (!address && !networkInterface) return undefined;
  const texts = networkInterface ? [...networkInterface.addresses, ...networkInterface.ipv6Addresses] : [];
  const addresses = address ? [address] : texts.flatMap((text) => parseAddress(text) ?? []);
  return { name, addresses, networkInterface };
}

function allowing(
  world: World,
  owner: InterfaceRecord,
  peer: End,
  query: ReachQuery,
  egress: boolean,
): RuleRecord | undefined {
  for (const groupId of owner.groupIds) {
    for (const rule of world.groups.get(groupId)?.rules.values() ?? []) {
      if (rule.egress === egress && coversPort(rule, query) && coversPeer(rule, peer)) return rule;
    }
  }
  return undefined;
}

function coversPort(rule: RuleRecord, query: ReachQuery): boolean {
  if (rule.protocol === "-1") return true;
  const protocol = protocolName(query.protocol);
  if (rule.protocol !== protocol) return false;
  const hasPorts = protocol === "tcp" || protocol === "udp";
  return !hasPorts || (query.port >= rule.fromPort && query.port <= rule.toPort);
}

function coversPeer({ peer }: RuleRecord, end: End): boolean {
  switch (peer.kind) {
    case "ipv4":
    case "ipv6":
      return end.addresses.some((address) => cidrContains(peer.cidr, address));
    case "group":
      return end.networkInterface?.groupIds.includes(peer.groupId) ?? false;
    case "prefix-list":
      return false;
  }
}

function unknownEnd(name: string): ReachAnswer {
  return { allowed: false, because: `${name} is neither an interface nor an IP address.` };
}

function lacks(
  direction: "egress" | "ingress",
  owner: End,
  { groupIds }: InterfaceRecord,
  peer: End,
  { protocol, port }: ReachQuery,
): string {
  const preposition = direction === "egress" ? "to" : "from";
  return `No ${direction} rule of ${groupIds.join(", ")} on ${owner.name} allows ${protocol} ${port} ${preposition} ${peer.name}.`;
}
