import type { ClusterRecord } from "./cluster-records.ts";
import type { PodGone } from "./events.ts";
import type { BranchRequest, CoolingBranch, Partition, TrunkRecord } from "./records.ts";
import type { Settings } from "./settings.ts";

/** No cool-down is longer, whatever a cluster asks for; seconds (P21). */
export const cooldownSecondsMax = 3_600;

/** Kept in reserve after the grace period of a forced deletion, seconds (P21). */
const forcedReserveSeconds = 30;

/** The cluster's cool-down between the floor and the maximum, seconds. */
export const cooldownSecondsOf = (registration: ClusterRecord | undefined, settings: Settings): number =>
  Math.min(
    cooldownSecondsMax,
    Math.max(settings.cooldownFloorSeconds, registration?.cooldownSeconds ?? settings.cooldownSeconds),
  );

/**
 * When a branch whose pod ended now may meet its next pod, epoch milliseconds (P21): the CNI plugin's late teardown must not hit the
 * next pod's VLAN, and a forced deletion lets it come later.
 */
export const coolUntil = (
  now: number,
  end: Pick<PodGone, "forcedGraceSeconds">,
  registration: ClusterRecord | undefined,
  settings: Settings,
): number => {
  const forcedSeconds = end.forcedGraceSeconds === undefined ? 0 : end.forcedGraceSeconds + forcedReserveSeconds;
  const seconds = Math.max(cooldownSecondsOf(registration, settings), Math.min(forcedSeconds, cooldownSecondsMax));
  return now + (seconds + settings.skewSeconds) * 1_000;
};

/** Whether the branch has cooled: its pod's end is confirmed and its time is past (P02: this is no state of its own). */
export const hasCooled = (branch: CoolingBranch, now: number): boolean =>
  !branch.unconfirmed && branch.coolUntil <= now;

/** Whether two sorted sets of groups are the same. */
export const areSameGroups = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((group, position) => group === right[position]);

/**
 * Cooled branches that meet the request exactly: same trunk ENI, subnet and set of groups (P05). The one that cooled last comes first,
 * so that what is not needed any more grows old and goes (P22).
 */
export const reusableBranches = (
  partition: Partition,
  trunk: TrunkRecord,
  request: BranchRequest,
  now: number,
): readonly CoolingBranch[] =>
  partition.branches
    .filter((branch): branch is CoolingBranch => branch.status === "cooling")
    .filter(
      (branch) =>
        hasCooled(branch, now) &&
        branch.unproven !== true &&
        branch.doubt === undefined &&
        branch.trunkEniId === trunk.trunkEniId &&
        branch.request.subnetId === request.subnetId &&
        branch.request.ipv6 === request.ipv6 &&
        areSameGroups(branch.request.securityGroups, request.securityGroups),
    )
    .toSorted((left, right) => right.coolUntil - left.coolUntil);

/**
 * Branches that may be cut to make room, the one that has cooled longest first (P20). A branch that still cools keeps its VLAN ID, so
 * cutting it helps only while another VLAN ID is free, and can only be done by its association; a cooled one gives its own back.
 *
 * @param vlansFree VLAN IDs that nobody holds or is about to take
 */
export const cutChoice = (partition: Partition, vlansFree: number, now: number): readonly CoolingBranch[] => {
  let spare = vlansFree;
  return partition.branches
    .filter((branch): branch is CoolingBranch => branch.status === "cooling")
    .filter((branch) => !branch.unconfirmed && branch.unproven !== true)
    .toSorted((left, right) => left.coolingSince - right.coolingSince)
    .filter((branch) => {
      if (branch.coolUntil <= now) return true;
      if (branch.associationId === undefined) return false;
      spare -= 1;
      return spare >= 0;
    });
};

/**
 * Whether some policies of the cluster still give exactly this set of groups, alone or joined, or the trunk itself has it. An idle
 * branch with another set would pin security groups that nobody wants any more (P22).
 */
export const areGroupsWanted = (
  groups: readonly string[],
  trunk: TrunkRecord,
  registration: ClusterRecord | undefined,
): boolean => {
  if (registration === undefined || areSameGroups(groups, trunk.securityGroups)) return true;
  const joined = new Set(registration.groupSets.filter((set) => set.every((group) => groups.includes(group))).flat());
  return joined.size === new Set(groups).size;
};

/** Until when a cooled branch is kept for the next pod, epoch milliseconds (P22). */
export const keepUntil = (
  branch: CoolingBranch,
  trunk: TrunkRecord | undefined,
  registration: ClusterRecord | undefined,
  settings: Settings,
): number => {
  const kept =
    trunk !== undefined &&
    trunk.status === "ready" &&
    branch.trunkEniId === trunk.trunkEniId &&
    branch.doubt === undefined &&
    branch.unproven !== true &&
    areGroupsWanted(branch.request.securityGroups, trunk, registration);
  return branch.coolUntil + (kept ? settings.reuseIdleSeconds * 1_000 : 0);
};
