import {
  type BranchRecord,
  branded,
  holdsSlot,
  isPlaced,
  isVlanTaken,
  type TrunkRecord,
  type VlanId,
  vlanIdMax,
} from "@trunkline/core";
import type { Truth } from "./truth.ts";

/** One sentence for each ENI, association, record or VLAN bit that has no counterpart. */
export function branchDisagreements(truth: Truth): readonly string[] {
  return [...records(truth), ...enis(truth), ...associations(truth), ...truth.trunks.flatMap((t) => trunk(t, truth))];
}

const eniOf = (branch: BranchRecord): string | undefined => ("eni" in branch ? branch.eni?.eniId : undefined);

const titleOf = ({ owner, index }: BranchRecord): string => `the branch ${owner}#${index}`;

/** At rest a branch is a living pod's, cools down for reuse, or is gone. */
function records({ branches, pods, enis }: Truth): readonly string[] {
  const living = new Set(pods.filter(({ isTerminal }) => !isTerminal).map(({ uid }) => uid));
  const known = new Set(enis.map(({ eniId }) => eniId));
  return branches.flatMap((branch) => {
    const title = titleOf(branch);
    switch (branch.status) {
      case "gone":
        return [];
      case "associated":
        return living.has(branch.owner) ? [] : [`${title} is associated and its pod does not live`];
      case "cooling":
        return known.has(branch.eni.eniId) ? [] : [`${title} cools down, and EC2 does not have its ENI`];
      default:
        return [`${title} is still ${branch.status}`];
    }
  });
}

/** Every ENI of ours is in exactly one record: a trunk's or a branch's. */
function enis({ enis: found, branches, trunks }: Truth): readonly string[] {
  return found.flatMap(({ eniId, isTrunk, attachedTo }) => {
    if (!isTrunk) {
      const holders = branches.filter((branch) => isPlaced(branch) && eniOf(branch) === eniId);
      return holders.length === 1 ? [] : [`the branch ENI ${eniId} is in ${holders.length} records`];
    }
    const holder = trunks.find(({ trunkEniId, status }) => trunkEniId === eniId && status !== "gone");
    if (holder === undefined) return [`the trunk ENI ${eniId} is in no record`];
    const isInPlace = attachedTo?.instanceId === holder.instanceId && attachedTo.deviceIndex === holder.deviceIndex;
    return isInPlace ? [] : [`the trunk ENI ${eniId} is not attached where its record says`];
  });
}

function associations({ associations: found, branches }: Truth): readonly string[] {
  const placed = branches.filter(isPlaced);
  return found.flatMap(({ associationId, branchEniId, trunkEniId, vlanId }) => {
    const holder = placed.find((branch) => "associationId" in branch && branch.associationId === associationId);
    if (holder === undefined) return [`the association ${associationId} is in no record`];
    const agrees =
      eniOf(holder) === branchEniId && holder.trunkEniId === trunkEniId && Number(holder.vlanId) === vlanId;
    return agrees ? [] : [`the association ${associationId} differs from ${titleOf(holder)}`];
  });
}

/** VLAN bits and held slots are those of the branches. */
function trunk(record: TrunkRecord, { branches, instanceIds, enis: found }: Truth): readonly string[] {
  const { instanceId, status, held } = record;
  const title = `the trunk of ${instanceId}`;
  if (status === "gone") return instanceIds.includes(instanceId) ? [`${title} is gone and the instance is not`] : [];
  if (!instanceIds.includes(instanceId)) return [`${title} is ${status} and the instance is gone`];
  const own = branches.filter((branch) => branch.instanceId === instanceId).filter(isPlaced);
  const vlans = own.map((branch) => Number(branch.vlanId)).sort((left, right) => left - right);
  const slots = own.filter(holdsSlot).length;
  const bits = Array.from({ length: vlanIdMax }, (_, bit) => bit + 1).filter((vlanId) =>
    isVlanTaken(record.vlans, branded<VlanId>(vlanId)),
  );
  return [
    ...(status === "ready" ? [] : [`${title} is ${status}`]),
    ...(found.some(({ eniId }) => eniId === record.trunkEniId) ? [] : [`${title} has an ENI that EC2 does not have`]),
    ...(bits.join() === vlans.join() ? [] : [`${title} has the VLAN bits ${bits} and branches at ${vlans}`]),
    ...(slots === held ? [] : [`${title} counts ${held} slots and ${slots} branches hold one`]),
  ];
}
