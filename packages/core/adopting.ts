import { type Context, type Draft, decideStep } from "./decision.ts";
import { cool } from "./ends.ts";
import type { PodEni, PodFacts } from "./events.ts";
import { type AssociationId, branded, compareVersions, type EniId, type ResourceVersion, type VlanId } from "./ids.ts";
import { isEnding, moveToOwnRecord } from "./moving.ts";
import { branchAt, branchesOf, holdsSlot, isPlaced } from "./partition.ts";
import type { AssociatedBranch, BranchRecord, CoolingBranch, TrunkRecord } from "./records.ts";
import { endRecord } from "./tombstones.ts";
import type { Write } from "./transaction.ts";
import { isVlanTaken, vlanIdMax, withVlans } from "./vlans.ts";
import { intentTime } from "./waiting.ts";
import { putBranch, putTrunk, type Unversioned } from "./writes.ts";

/** One ENI of a living pod's annotation. */
export interface Named {
  readonly index: number;
  /** How many ENIs the annotation names. */
  readonly all: number;
  readonly eni: PodEni;
  /** Of the list that shows the pod. */
  readonly listVersion: ResourceVersion;
}

/** What became of an ENI that an annotation names. */
export type Adoption =
  /** The pod's record names it, or the list is older than the pod's end. */
  | "settled"
  /** A step of the same pod must end first. */
  | "later"
  /** It, or its VLAN ID, is not the pod's to have, though the pod lives with it. */
  | "stray";

/**
 * Takes an ENI for the pod whose annotation names it, in one transaction (P10): from a cooling record, which knows the ENI; or from no record.
 * Then only the annotation tells of it, which anybody may have written: its VLAN ID is taken at once, and EC2 is asked before any call is made for it.
 */
export const adopt = (draft: Draft, context: Context, pod: PodFacts, named: Named): Adoption => {
  const record = branchAt(draft.partition, pod.podUid, named.index);
  const holder = draft.partition.branches.find((branch) => "eni" in branch && branch.eni?.eniId === named.eni.eniId);
  if (hasEnded(draft, pod)) return "settled";
  if (holder === undefined)
    return isFree(draft, named) ? take(draft, context, pod, { named, holder, record }) : "stray";
  const fits = isPlaced(holder) && holder.vlanId === named.eni.vlanId ? "settled" : "stray";
  if (holder === record && holder.status === "associated") return fits;
  // A list from before the pod's end proves nothing about it (P09).
  if (isEnding(holder) && compareVersions(named.listVersion, holder.podVersion) < 0) return "settled";
  if (holder.status !== "cooling") return "stray";
  const taken = take(draft, context, pod, { named, holder, record });
  return taken === "settled" ? fits : taken;
};

/** Whether the pod is known to have ended since: whoever never saw it left one tombstone, however many ENIs it had (P03). */
const hasEnded = ({ partition }: Draft, { podUid, resourceVersion }: PodFacts): boolean =>
  branchesOf(partition, podUid).some(
    (branch) => branch.status === "gone" && compareVersions(resourceVersion, branch.podVersion) <= 0,
  );

/** Whether the annotation's VLAN ID can be that of its ENI: in range, and no other branch has it. */
const isFree = (draft: Draft, { eni }: Named): boolean =>
  eni.vlanId >= 1 &&
  eni.vlanId <= vlanIdMax &&
  !draft.partition.branches.some((branch) => isPlaced(branch) && branch.vlanId === eni.vlanId);

interface Found {
  readonly named: Named;
  readonly holder: CoolingBranch | undefined;
  readonly record: BranchRecord | undefined;
}

const take = (draft: Draft, context: Context, pod: PodFacts, found: Found): Adoption => {
  const { named, holder, record } = found;
  const trunk = draft.partition.trunk as TrunkRecord;
  if (record !== undefined && record !== holder && !makeWay(draft, context, record)) return "later";
  const from = branchAt(draft.partition, pod.podUid, named.index);
  const next: Unversioned<AssociatedBranch> = {
    ...(holder === undefined ? asAnnotated(named, trunk) : asRecorded(holder)),
    kind: "branch",
    instanceId: trunk.instanceId,
    owner: pod.podUid,
    index: named.index,
    status: "associated",
    generation: from?.generation ?? 0,
    createdAt: intentTime(from, context.now),
    podVersion: pod.resourceVersion,
    namespace: pod.namespace,
    name: pod.name,
    enis: named.all,
    associatedAt: context.now,
  };
  const sighting = { kind: "sighting", eniId: next.eni.eniId } as const;
  const writes: Write[] = [putBranch(next, from), { kind: "delete", key: sighting, expect: [] }];
  if (holder !== undefined && holder !== from) writes.push(endRecord(holder, context));
  if (holder === undefined) {
    const now = draft.partition.trunk as TrunkRecord;
    writes.push(putTrunk(withBranch(draft, now, next.vlanId), now));
  }
  decideStep(draft, { writes });
  return "settled";
};

type OnVlan = Pick<
  AssociatedBranch,
  "request" | "trunkEniId" | "vlanId" | "eni" | "associationId" | "unproven" | "doubt"
>;

const asRecorded = ({ request, trunkEniId, vlanId, eni, associationId, unproven, doubt }: CoolingBranch): OnVlan => ({
  request,
  trunkEniId,
  vlanId,
  eni,
  associationId,
  unproven,
  // What was found while it cooled was told to nobody: the next look tells it to the pod.
  doubt: doubt && { ...doubt, confirmed: false },
});

/** Without a record nobody knows the ENI's groups: an empty set equals no request, so that such an ENI is never reused (P05). */
const asAnnotated = ({ eni }: Named, trunk: TrunkRecord): OnVlan => ({
  request: { requestVersion: 1, subnetId: trunk.subnetId, securityGroups: [], ipv6: eni.ipv6Addr !== "" },
  trunkEniId: trunk.trunkEniId as EniId,
  vlanId: branded<VlanId>(eni.vlanId),
  eni: { eniId: branded<EniId>(eni.eniId), mac: eni.ifAddress, privateIp: eni.privateIp, ipv6: eni.ipv6Addr },
  // Old controllers did not write it.
  associationId: eni.associationID === "" ? undefined : branded<AssociationId>(eni.associationID),
  unproven: true,
});

const withBranch = (draft: Draft, trunk: TrunkRecord, vlanId: VlanId): TrunkRecord => ({
  ...trunk,
  vlans: withVlans(trunk.vlans, [vlanId]),
  held: isVlanTaken(trunk.vlans, vlanId)
    ? Math.max(trunk.held, draft.partition.branches.filter(holdsSlot).length + 1)
    : trunk.held + 1,
});

/** Another ENI in the pod's record moves to a record of its own and cools (P10). False: its step must end first. */
const makeWay = (draft: Draft, context: Context, record: BranchRecord): boolean => {
  if (record.status === "associated") {
    cool(draft, context, record, { resourceVersion: record.podVersion, unconfirmed: true });
  }
  const now = branchAt(draft.partition, record.owner, record.index) as BranchRecord;
  if (isEnding(now)) moveToOwnRecord(draft, context, now);
  return isEnding(now) || !isPlaced(now);
};
