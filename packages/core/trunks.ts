import type { Context } from "./decision.ts";
import type { NodeObserved } from "./events.ts";
import { branded, type ClusterName, type SecurityGroupId } from "./ids.ts";
import type { InstanceLimits } from "./instance-limits.ts";
import type { NodeTrunkProblem } from "./outcomes.ts";
import type { EniFacts, InstanceFacts, Intent, SubnetFacts } from "./ports.ts";
import type { TrunkRecord } from "./records.ts";
import { noVlans, withVlans } from "./vlans.ts";
import type { Unversioned } from "./writes.ts";

/** Why a node gets no trunk. */
export interface TrunkRefusal {
  readonly status: "refused" | "unsupported";
  readonly reason: NodeTrunkProblem["reason"];
  readonly detail: string;
}

/**
 * Whether an instance may have a trunk of this cluster, judged by what EC2 shows of it and not by what a message says.
 *
 * @returns undefined when nothing speaks against it
 */
export const refuseInstance = (
  instanceId: string,
  instance: InstanceFacts | undefined,
  limits: InstanceLimits | "unknown",
  cluster: ClusterName,
): TrunkRefusal | undefined => {
  const refused = (detail: string): TrunkRefusal => ({ status: "refused", reason: "NodeTrunkFailedInit", detail });
  if (instance === undefined || instance.state === "terminated" || instance.state === "shutting-down") {
    return refused(`the instance ${instanceId} does not exist in this account and Region`);
  }
  if (!instance.clusters.includes(cluster)) {
    return refused(`the instance ${instanceId} lacks the tag kubernetes.io/cluster/${cluster}`);
  }
  const unsupported = (detail: string): TrunkRefusal => ({ status: "unsupported", reason: "Unsupported", detail });
  if (limits === "unknown") {
    return unsupported(
      `The instance type ${instance.instanceType} is not supported yet by the vpc resource controller`,
    );
  }
  if (!limits.trunking) {
    return unsupported(
      `The instance type ${instance.instanceType} is not supported for trunk interface (Security Group for Pods)`,
    );
  }
  return undefined;
};

/** What is known of a node when its trunk is first asked for. */
export interface TrunkFacts {
  readonly node: NodeObserved;
  readonly instance: InstanceFacts;
  readonly subnet: SubnetFacts;
  readonly limits: InstanceLimits;
}

const sortedGroups = (groups: readonly string[]): readonly SecurityGroupId[] =>
  [...new Set(groups)].toSorted().map((group) => branded<SecurityGroupId>(group));

/** Where a node's branches are created: its own subnet, or the ENIConfig's (custom networking). */
export const branchSubnetId = (node: NodeObserved, instance: InstanceFacts): string =>
  node.eniConfig?.subnetId ?? instance.subnetId;

/** What a node's ENIConfig says, as a text that is equal exactly while it says the same. */
export const eniConfigText = ({ eniConfig }: Pick<NodeObserved, "eniConfig">): string =>
  eniConfig === undefined ? "" : [eniConfig.subnetId, ...sortedGroups(eniConfig.securityGroups)].join();

/** Subnet and groups of a node's branches. */
const networkOf = ({ node, instance, subnet }: TrunkFacts) => {
  const ownGroups = node.eniConfig?.securityGroups ?? [];
  return {
    subnetId: subnet.subnetId,
    subnetCidr: subnet.cidr,
    // The CNI plugin knows no IPv6 with custom networking.
    subnetV6Cidr: node.eniConfig === undefined ? subnet.ipv6Cidr : "",
    securityGroups: sortedGroups(ownGroups.length > 0 ? ownGroups : instance.securityGroups),
    eniConfig: eniConfigText(node),
  };
};

/**
 * The trunk of a node whose ENIConfig has changed: its branches are created in the new subnet with the new groups from now on. The trunk ENI
 * stays where it is, and so do the branches that are there.
 */
export const movedTrunk = (trunk: TrunkRecord, facts: TrunkFacts): TrunkRecord => {
  const { subnetId, subnetCidr, subnetV6Cidr } = trunk;
  const network = networkOf(facts);
  const formerSubnet = network.subnetId === subnetId ? trunk.formerSubnet : { subnetId, subnetCidr, subnetV6Cidr };
  return { ...trunk, ...network, formerSubnet };
};

/** The record of a trunk that is asked for: intent before effect (P01). */
export const requestedTrunk = (facts: TrunkFacts, context: Context): Unversioned<TrunkRecord> => {
  const { node, instance, limits } = facts;
  return {
    kind: "trunk",
    instanceId: instance.instanceId,
    cluster: context.cluster,
    incarnation: node.incarnation,
    status: "requested",
    nodeName: node.nodeName,
    nodeUid: node.nodeUid,
    nodeVersion: node.resourceVersion,
    wanted: node.wantsTrunk,
    instanceType: instance.instanceType,
    vpcId: instance.vpcId,
    ...networkOf(facts),
    generation: 0,
    branchesMax: limits.branchesMax,
    vlans: noVlans,
    held: 0,
    createdAt: context.now,
    stepDeadline: context.now + context.settings.stepDeadlineSeconds * 1_000,
  };
};

/** The intent of a trunk's ENI. */
export const trunkIntent = (trunk: TrunkRecord): Intent => ({
  cluster: trunk.cluster,
  instanceId: trunk.instanceId,
  owner: trunk.instanceId,
  index: 0,
  createdAt: trunk.createdAt,
  generation: trunk.generation,
});

/** The highest free device index of network card 0: the CNI plugin takes the low ones. Undefined: none is free. */
export const freeDeviceIndex = (instance: InstanceFacts, limits: InstanceLimits): number | undefined => {
  for (let index = limits.defaultCardInterfaces - 1; index > 0; index -= 1) {
    if (!instance.deviceIndexes.includes(index)) return index;
  }
  return undefined;
};

/** What a node is told whose trunk finds no place: no device index of network card 0 is free, or the instance has all the interfaces it takes. */
export const noSlotText = (limits: InstanceLimits, instance: InstanceFacts): string => {
  const { interfaces, defaultCardInterfaces, networkCards } = limits;
  const isCardFull = freeDeviceIndex(instance, limits) === undefined;
  const attached = isCardFull
    ? `${instance.deviceIndexes.length} of ${defaultCardInterfaces} attached`
    : `${instance.interfacesAttached} of ${interfaces} attached`;
  const where = isCardFull && networkCards > 1 ? " to network card 0" : "";
  return `waiting for a free network interface (${attached}${where})`;
};

/**
 * The trunk ENI to go on with, of those that carry our tags and name the instance (P13): the attached one, else the one of our own intent, else
 * any that is free. Never create a second one beside it. One that was given up for lost comes back only when it is attached again.
 */
export const adoptableTrunk = (trunk: TrunkRecord, found: readonly EniFacts[]): EniFacts | undefined => {
  const ours = found.filter((eni) => eni.interfaceType === "trunk" && eni.cluster === trunk.cluster);
  const attached = ours.find((eni) => eni.attachment?.instanceId === trunk.instanceId);
  const own = ours.find(
    (eni) => eni.intent?.createdAt === trunk.createdAt && eni.intent.generation === trunk.generation,
  );
  return attached ?? own ?? ours.find((eni) => eni.attachment === undefined && eni.eniId !== trunk.lostEniId);
};

/**
 * What the tags of a trunk's branches tell when the trunk has no record: their VLAN IDs are taken, and nothing is claimed before a snapshot has
 * told whose they are (P13, P24).
 */
export const rebuiltFrom = (branches: readonly EniFacts[]): Pick<TrunkRecord, "vlans" | "held" | "rebuilding"> => ({
  vlans: withVlans(
    noVlans,
    branches.flatMap(({ vlanId }) => vlanId ?? []),
  ),
  held: branches.filter(({ status }) => status !== "available").length,
  rebuilding: branches.length > 0 ? true : undefined,
});
