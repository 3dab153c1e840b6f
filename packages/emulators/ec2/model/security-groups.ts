import type {
  CreateSecurityGroupRequest,
  CreateSecurityGroupResult,
  DeleteSecurityGroupRequest,
  DeleteSecurityGroupResult,
  DescribeSecurityGroupsRequest,
  DescribeSecurityGroupsResult,
  SecurityGroup,
} from "@aws-sdk/client-ec2";
import { dependencyViolation, Ec2Error, invalidValue, required } from "./errors.ts";
import { compileFilters, type FilterTable } from "./filters.ts";
import { wellFormed } from "./ids.ts";
import { page, rowsOf } from "./paging.ts";
import { differentNetworks, peerText, permissionViews } from "./permissions.ts";
import type { GroupRecord, RuleRecord } from "./records.ts";
import { addRule } from "./security-group-rules.ts";
import { type Tags, tagSet, tagsFor } from "./tags.ts";
import { known, lookUp, type World } from "./world.ts";

const NAME_LENGTH_MAX = 255;

/** Makes a group with the rules that EC2 gives: egress to everywhere, and for the default group ingress from itself. */
export function addGroup(
  world: World,
  wish: { readonly name: string; readonly description: string; readonly vpcId: string; readonly tags: Tags },
): GroupRecord {
  const group = world.groups.insert({ ...wish, id: world.ids.next("sg"), rules: new Map() });
  const everything = { protocol: "-1", fromPort: -1, toPort: -1, description: undefined };
  addRule(world, group, true, { ...everything, peer: { kind: "ipv4", cidr: EVERYWHERE_IPV4 } });
  if (known(world.vpcs, wish.vpcId).ipv6Cidr) {
    addRule(world, group, true, { ...everything, peer: { kind: "ipv6", cidr: EVERYWHERE_IPV6 } });
  }
  if (wish.name === "default") {
    addRule(world, group, false, { ...everything, peer: { kind: "group", groupId: group.id } });
  }
  return group;
}

const EVERYWHERE_IPV4 = { family: 4, base: 0n, prefixLength: 0 } as const;
const EVERYWHERE_IPV6 = { family: 6, base: 0n, prefixLength: 0 } as const;

/** Removes a group and its rules. */
export function removeGroup(world: World, groupId: string): void {
  for (const ruleId of world.groups.get(groupId)?.rules.keys() ?? []) world.rules.remove(ruleId);
  world.groups.remove(groupId);
}

/**
 * The groups that an interface in `vpcId` shall have: without any, the VPC's default group; each must exist in the VPC,
 * and there may not be more than the quota allows.
 */
export function groupsForInterface(world: World, vpcId: string, wanted: readonly string[] | undefined): string[] {
  const groupIds = [...new Set(wanted ?? [])];
  if (groupIds.length === 0) return [known(world.vpcs, vpcId).defaultGroupId];
  if (groupIds.length > world.config.quotas.groupsPerInterfaceMax) {
    throw new Ec2Error(
      "SecurityGroupsPerInterfaceLimitExceeded",
      "The maximum number of security groups per interface has been reached.",
    );
  }
  for (const id of groupIds) {
    const group = world.groups.referenced(wellFormed("group", id));
    if (!group) {
      throw new Ec2Error("InvalidSecurityGroupID.NotFound", `The securityGroup ID '${id}' does not exist`);
    }
    if (group.vpcId !== vpcId) throw differentNetworks();
  }
  return groupIds;
}

/** `CreateSecurityGroup`. There is no default VPC, so a VPC must be named. */
export function createSecurityGroup(world: World, input: CreateSecurityGroupRequest): CreateSecurityGroupResult {
  const name = required(input.GroupName, "GroupName");
  const description = required(input.Description, "GroupDescription");
  if (input.VpcId === undefined) throw new Ec2Error("VPCIdNotSpecified", "No default VPC for this user");
  const vpc = lookUp(world.vpcs, "vpc", input.VpcId);
  if (name.length > NAME_LENGTH_MAX || description.length > NAME_LENGTH_MAX || name.startsWith("sg-")) {
    throw invalidValue(`Value (${name}) for parameter GroupName is invalid.`);
  }
  if (name === "default") {
    throw new Ec2Error("InvalidGroup.Reserved", "The security group name 'default' is reserved");
  }
  for (const other of world.groups.values()) {
    if (other.vpcId === vpc.id && other.name === name) {
      throw new Ec2Error("InvalidGroup.Duplicate", `The security group '${name}' already exists for VPC '${vpc.id}'`);
    }
  }
  const tags = tagsFor("security-group", input.TagSpecifications);
  const group = addGroup(world, { name, description, vpcId: vpc.id, tags });
  return { GroupId: group.id, SecurityGroupArn: groupArn(world, group.id), Tags: tagSet(group.tags) };
}

/** `DescribeSecurityGroups`. */
export function describeSecurityGroups(
  world: World,
  input: DescribeSecurityGroupsRequest,
): DescribeSecurityGroupsResult {
  const [name] = input.GroupNames ?? [];
  if (name !== undefined) {
    throw new Ec2Error("InvalidGroup.NotFound", `The security group '${name}' does not exist in default VPC 'null'`);
  }
  const matches = compileFilters(input.Filters, FILTERS(world));
  const rows = rowsOf(world.groups, "group", input.GroupIds).filter((row) => matches(row.record));
  const { records, nextToken } = page(rows, input);
  return { SecurityGroups: records.map((group) => groupView(world, group)), NextToken: nextToken };
}

/** `DeleteSecurityGroup`: only one that no interface has and no rule of another group names. */
export function deleteSecurityGroup(world: World, input: DeleteSecurityGroupRequest): DeleteSecurityGroupResult {
  if (input.GroupId === undefined && input.GroupName !== undefined) {
    throw new Ec2Error("InvalidGroup.NotFound", `The security group '${input.GroupName}' does not exist`);
  }
  const group = lookUp(world.groups, "group", required(input.GroupId, "GroupId"));
  if (known(world.vpcs, group.vpcId).defaultGroupId === group.id) {
    throw new Ec2Error(
      "CannotDelete",
      `the specified group: "${group.id}" name: "${group.name}" cannot be deleted by a user`,
    );
  }
  for (const networkInterface of world.interfaces.values()) {
    if (networkInterface.groupIds.includes(group.id)) throw dependencyViolation("security group", group.id);
  }
  for (const { groupId, peer } of world.rules.values()) {
    if (groupId !== group.id && peer.kind === "group" && peer.groupId === group.id) {
      throw dependencyViolation("security group", group.id);
    }
  }
  removeGroup(world, group.id);
  return { Return: true, GroupId: group.id };
}

const FILTERS = (world: World): FilterTable<GroupRecord> => ({
  "group-id": (group) => [group.id],
  "group-name": (group) => [group.name],
  description: (group) => [group.description],
  "vpc-id": (group) => [group.vpcId],
  "owner-id": () => [world.account],
  ...permissionFilters(world, "ip-permission", false),
  ...permissionFilters(world, "egress.ip-permission", true),
});

function permissionFilters(world: World, prefix: string, egress: boolean): FilterTable<GroupRecord> {
  const each =
    <V>(read: (rule: RuleRecord) => V) =>
    (group: GroupRecord) =>
      [...group.rules.values()].filter((rule) => rule.egress === egress).map(read);
  const peerOf = (kind: RuleRecord["peer"]["kind"]) =>
    each((rule) => (rule.peer.kind === kind ? peerText(rule.peer) : undefined));
  return {
    [`${prefix}.cidr`]: peerOf("ipv4"),
    [`${prefix}.ipv6-cidr`]: peerOf("ipv6"),
    [`${prefix}.group-id`]: peerOf("group"),
    [`${prefix}.prefix-list-id`]: peerOf("prefix-list"),
    [`${prefix}.group-name`]: each((rule) =>
      rule.peer.kind === "group" ? world.groups.get(rule.peer.groupId)?.name : undefined,
    ),
    [`${prefix}.user-id`]: each((rule) => (rule.peer.kind === "group" ? world.account : undefined)),
    [`${prefix}.protocol`]: each((rule) => rule.protocol),
    [`${prefix}.from-port`]: each((rule) => rule.fromPort),
    [`${prefix}.to-port`]: each((rule) => rule.toPort),
  };
}

function groupArn(world: World, groupId: string): string {
  return `arn:aws:ec2:${world.region}:${world.account}:security-group/${groupId}`;
}

/** A security group as the API shows it. */
export function groupView(world: World, group: GroupRecord): SecurityGroup {
  const rules = [...group.rules.values()];
  return {
    GroupId: group.id,
    GroupName: group.name,
    Description: group.description,
    VpcId: group.vpcId,
    OwnerId: world.account,
    SecurityGroupArn: groupArn(world, group.id),
    IpPermissions: permissionViews(
      world,
      rules.filter((rule) => !rule.egress),
    ),
    IpPermissionsEgress: permissionViews(
      world,
      rules.filter((rule) => rule.egress),
    ),
    Tags: tagSet(group.tags),
  };
}
