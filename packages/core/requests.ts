import { branded, type SecurityGroupId } from "./ids.ts";
import type { BranchRequest, TrunkRecord } from "./records.ts";
import type { ClusterLimits, Settings } from "./settings.ts";

/** A pod that asks for more ENIs is refused (P04). */
export const enisPerPodMax = 16;

/** Why a wish cannot be met as it is. */
export interface Refusal {
  readonly code: string;
  readonly detail: string;
}

/** What a pod asks for. */
export interface Asked {
  readonly enis: number;
  /** Empty: the trunk's groups. */
  readonly securityGroups: readonly string[];
}

/**
 * The request of a pod's branch ENIs, or why the pod is refused. Groups are sorted and never empty: EC2 would take the VPC's default
 * group for none.
 */
export const branchRequest = (
  asked: Asked,
  trunk: TrunkRecord,
  limits: ClusterLimits,
  settings: Settings,
): BranchRequest | Refusal => {
  if (asked.enis > enisPerPodMax) {
    return {
      code: "TooManyNetworkInterfaces",
      detail: `the pod asks for ${asked.enis} branch ENIs; at most ${enisPerPodMax} are given to one pod`,
    };
  }
  if (asked.enis > trunk.branchesMax) {
    return {
      code: "TooManyNetworkInterfaces",
      detail: `the pod asks for ${asked.enis} branch ENIs; ${trunk.instanceType} has ${trunk.branchesMax}`,
    };
  }
  const wanted = asked.securityGroups.length > 0 ? asked.securityGroups : trunk.securityGroups;
  const securityGroups = [...new Set(wanted)].toSorted().map((group) => branded<SecurityGroupId>(group));
  if (securityGroups.length === 0) {
    return { code: "NoSecurityGroup", detail: "neither a policy nor the node names a security group" };
  }
  if (securityGroups.length > settings.groupsPerEniMax) {
    return {
      code: "SecurityGroupsPerInterfaceLimitExceeded",
      detail:
        `the pod's policies name ${securityGroups.length} security groups; an interface takes ${settings.groupsPerEniMax}: ` +
        "name fewer, or have the account's quota raised",
    };
  }
  const foreign = securityGroups.find((group) => limits.securityGroups?.includes(group) === false);
  if (foreign !== undefined) {
    return { code: "SecurityGroupNotAllowed", detail: `the cluster may not use the security group ${foreign}` };
  }
  if (limits.subnets?.includes(trunk.subnetId) === false) {
    return { code: "SubnetNotAllowed", detail: `the cluster may not use the subnet ${trunk.subnetId}` };
  }
  return { requestVersion: 1, subnetId: trunk.subnetId, securityGroups, ipv6: trunk.subnetV6Cidr !== "" };
};

/** Tells a refusal from a request. */
export const isRefusal = (answer: BranchRequest | Refusal): answer is Refusal => "code" in answer;

/**
 * Why a request cannot be met because of a group that does not exist, in EC2's own words, or belongs to another VPC than the node. EC2 answers the
 * latter with `UnauthorizedOperation` too, which says nothing about the cluster (P19).
 *
 * @param found those of the request's groups that exist
 */
export const groupRefusal = (
  { securityGroups }: Pick<BranchRequest, "securityGroups">,
  { vpcId }: Pick<TrunkRecord, "vpcId">,
  found: readonly { readonly groupId: SecurityGroupId; readonly vpcId: string }[],
): Refusal | undefined => {
  for (const id of securityGroups) {
    const group = found.find(({ groupId }) => groupId === id);
    if (group === undefined) {
      return { code: "InvalidSecurityGroupID.NotFound", detail: `The securityGroup ID '${id}' does not exist` };
    }
    if (group.vpcId !== vpcId) {
      return {
        code: "SecurityGroupNotInVpc",
        detail: `the security group ${id} belongs to ${group.vpcId}, the node to ${vpcId}`,
      };
    }
  }
  return undefined;
};
