import type {
  AuthorizeSecurityGroupEgressRequest,
  AuthorizeSecurityGroupIngressRequest,
  AuthorizeSecurityGroupIngressResult,
  DescribeSecurityGroupRulesRequest,
  DescribeSecurityGroupRulesResult,
  IpPermission,
  RevokeSecurityGroupEgressRequest,
  RevokeSecurityGroupIngressRequest,
  RevokeSecurityGroupIngressResult,
  SecurityGroupRule,
} from "@aws-sdk/client-ec2";
import { Ec2Error, invalidCombination, invalidValue, required } from "./errors.ts";
import { compileFilters, type FilterTable } from "./filters.ts";
import { notFound, wellFormed } from "./ids.ts";
import { formatCidr } from "./ip.ts";
import { page, rowsOf } from "./paging.ts";
import { type DescribedPermission, parsePermissions, peerText, permissionKey } from "./permissions.ts";
import type { GroupRecord, RuleRecord } from "./records.ts";
import { type Tags, tagSet, tagsFor } from "./tags.ts";
import { lookUp, type World } from "./world.ts";

/** Adds a rule to a group, without looking whether it is there. */
export function addRule(
  world: World,
  group: GroupRecord,
  egress: boolean,
  permission: DescribedPermission,
  tags: Tags = new Map(),
): RuleRecord {
  const rule = { ...permission, id: world.ids.next("sgr"), groupId: group.id, egress, tags };
  group.rules.set(rule.id, rule);
  return world.rules.insert(rule);
}

/** `AuthorizeSecurityGroupIngress`: all of the rules or, when one is refused, none. */
export function authorizeIngress(
  world: World,
  input: AuthorizeSecurityGroupIngressRequest,
): AuthorizeSecurityGroupIngressResult {
  return authorize(world, false, input);
}

/** `AuthorizeSecurityGroupEgress`. */
export function authorizeEgress(
  world: World,
  input: AuthorizeSecurityGroupEgressRequest,
): AuthorizeSecurityGroupIngressResult {
  return authorize(world, true, input);
}

/** `RevokeSecurityGroupIngress`, by permissions or by rule IDs. */
export function revokeIngress(
  world: World,
  input: RevokeSecurityGroupIngressRequest,
): RevokeSecurityGroupIngressResult {
  return revoke(world, false, input);
}

/** `RevokeSecurityGroupEgress`. */
export function revokeEgress(world: World, input: RevokeSecurityGroupEgressRequest): RevokeSecurityGroupIngressResult {
  return revoke(world, true, input);
}

/** `DescribeSecurityGroupRules`. */
export function describeSecurityGroupRules(
  world: World,
  input: DescribeSecurityGroupRulesRequest,
): DescribeSecurityGroupRulesResult {
  const matches = compileFilters(input.Filters, FILTERS);
  const rows = rowsOf(world.rules, "rule", input.SecurityGroupRuleIds).filter((row) => matches(row.record));
  const { records, nextToken } = page(rows, input);
  return { SecurityGroupRules: records.map((rule) => ruleView(world, rule)), NextToken: nextToken };
}

function authorize(
  world: World,
  egress: boolean,
  input: AuthorizeSecurityGroupIngressRequest,
): AuthorizeSecurityGroupIngressResult {
  const group = namedGroup(world, input);
  const wanted = parsePermissions(world, group.vpcId, permissionsOf(input));
  const existing = rulesOf(group, egress);
  const present = new Set(existing.map(permissionKey));
  for (const permission of wanted) {
    if (present.has(permissionKey(permission))) throw duplicate(permission);
  }
  if (new Set(wanted.map(permissionKey)).size < wanted.length) {
    throw invalidValue("The same permission must not appear multiple times");
  }
  if (existing.length + wanted.length > world.config.quotas.rulesPerGroupMax) {
    throw new Ec2Error(
      "RulesPerSecurityGroupLimitExceeded",
      "The maximum number of rules per security group has been reached.",
    );
  }
  const tags = tagsFor("security-group-rule", input.TagSpecifications);
  const rules = wanted.map((permission) => addRule(world, group, egress, permission, new Map(tags)));
  return { Return: true, SecurityGroupRules: rules.map((rule) => ruleView(world, rule)) };
}

function revoke(
  world: World,
  egress: boolean,
  input: RevokeSecurityGroupIngressRequest,
): RevokeSecurityGroupIngressResult {
  const group = namedGroup(world, input);
  const rules = input.SecurityGroupRuleIds?.length
    ? input.SecurityGroupRuleIds.map((id) => ruleById(group, egress, id))
    : rulesByPermission(world, group, egress, permissionsOf(input));
  for (const rule of rules) {
    group.rules.delete(rule.id);
    world.rules.remove(rule.id);
  }
  return {
    Return: true,
    RevokedSecurityGroupRules: rules.map((rule) => {
      const { SecurityGroupRuleId, GroupId, IsEgress, IpProtocol, FromPort, ToPort, CidrIpv4, CidrIpv6 } = ruleView(
        world,
        rule,
      );
      const ReferencedGroupId = rule.peer.kind === "group" ? rule.peer.groupId : undefined;
      return {
        SecurityGroupRuleId,
        GroupId,
        IsEgress,
        IpProtocol,
        FromPort,
        ToPort,
        CidrIpv4,
        CidrIpv6,
        ReferencedGroupId,
      };
    }),
  };
}

function rulesOf(group: GroupRecord, egress: boolean): RuleRecord[] {
  return [...group.rules.values()].filter((rule) => rule.egress === egress);
}

function ruleById(group: GroupRecord, egress: boolean, id: string): RuleRecord {
  const rule = group.rules.get(wellFormed("rule", id));
  if (!rule) throw notFound("rule", id);
  if (rule.egress !== egress) {
    throw invalidValue(`The security group rule '${id}' is not an ${egress ? "egress" : "ingress"} rule.`);
  }
  return rule;
}

function rulesByPermission(
  world: World,
  group: GroupRecord,
  egress: boolean,
  permissions: readonly IpPermission[],
): RuleRecord[] {
  const byKey = new Map(rulesOf(group, egress).map((rule) => [permissionKey(rule), rule]));
  return parsePermissions(world, group.vpcId, permissions).map((permission) => {
    const rule = byKey.get(permissionKey(permission));
    if (rule) return rule;
    throw new Ec2Error("InvalidPermission.NotFound", "The specified rule does not exist in this security group.");
  });
}

function namedGroup(world: World, input: AuthorizeSecurityGroupIngressRequest): GroupRecord {
  if (input.GroupId === undefined && input.GroupName !== undefined) {
    throw new Ec2Error("InvalidGroup.NotFound", `The security group '${input.GroupName}' does not exist`);
  }
  return lookUp(world.groups, "group", required(input.GroupId, "GroupId"));
}

/** The permissions of a request; the older top-level parameters stand for a single one. */
function permissionsOf(input: AuthorizeSecurityGroupIngressRequest): readonly IpPermission[] {
  if (input.IpPermissions?.length) {
    if (input.IpProtocol !== undefined) {
      throw invalidCombination("The parameter 'ipPermissions' may not be used in combination with 'ipProtocol'");
    }
    return input.IpPermissions;
  }
  const { IpProtocol, FromPort, ToPort, CidrIp } = input;
  if (IpProtocol === undefined)
    throw new Ec2Error("MissingParameter", "The request must contain the parameter ipPermissions");
  return [{ IpProtocol, FromPort, ToPort, IpRanges: [{ CidrIp: required(CidrIp, "CidrIp") }] }];
}

function duplicate(permission: DescribedPermission): Ec2Error {
  const { protocol, fromPort, toPort, peer } = permission;
  const ports = protocol === "-1" ? "ALL" : `${protocol.toUpperCase()}, from port: ${fromPort}, to port: ${toPort}`;
  return new Ec2Error(
    "InvalidPermission.Duplicate",
    `the specified rule "peer: ${peerText(peer)}, ${ports}, ALLOW" already exists`,
  );
}

const FILTERS: FilterTable<RuleRecord> = {
  "group-id": (rule) => [rule.groupId],
  "security-group-rule-id": (rule) => [rule.id],
};

function ruleView(world: World, rule: RuleRecord): SecurityGroupRule {
  const { peer } = rule;
  return {
    SecurityGroupRuleId: rule.id,
    SecurityGroupRuleArn: `arn:aws:ec2:${world.region}:${world.account}:security-group-rule/${rule.id}`,
    GroupId: rule.groupId,
    GroupOwnerId: world.account,
    IsEgress: rule.egress,
    IpProtocol: rule.protocol,
    FromPort: rule.fromPort,
    ToPort: rule.toPort,
    ...(peer.kind === "ipv4" && { CidrIpv4: formatCidr(peer.cidr) }),
    ...(peer.kind === "ipv6" && { CidrIpv6: formatCidr(peer.cidr) }),
    ...(peer.kind === "prefix-list" && { PrefixListId: peer.prefixListId }),
    ...(peer.kind === "group" && { ReferencedGroupInfo: { GroupId: peer.groupId, UserId: world.account } }),
    Description: rule.description,
    Tags: tagSet(rule.tags),
  };
}
