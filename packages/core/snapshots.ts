import { type Context, type Draft, decideStep } from "./decision.ts";
import { cool, endOmitted } from "./ends.ts";
import type { NodeSnapshot, PodEni, PodFacts } from "./events.ts";
import { type AssociationId, branded, compareVersions, type EniId, type ResourceVersion, type VlanId } from "./ids.ts";
import { isEnding, moveToOwnRecord } from "./moving.ts";
import { askForSnapshot, type Circumstances, observePod } from "./observed.ts";
import { branchAt, holdsSlot, isPlaced } from "./partition.ts";
import type { AssociatedBranch, BranchRecord, CoolingBranch, TrunkRecord } from "./records.ts";
import { endRecord } from "./tombstones.ts";
import type { Write } from "./transaction.ts";
import { isVlanTaken, vlanIdMax, withVlans } from "./vlans.ts";
import { type Candidate, intentTime } from "./waiting.ts";
import { putBranch, putTrunk, type Unversioned } from "./writes.ts";

/**
 * Compares a node with all of its pods (P10). The annotation of a living pod decides who owns an ENI; what no pod wants or holds any more ends;
 * pods without an annotation are served or told again. While the trunk's ENI is not known, nothing tells whose an annotation's ENI is: then
 * another snapshot is asked for.
 *
 * @returns pods that are to be served now
 */
export const compareSnapshot = (
  draft: Draft,
  context: Context,
  snapshot: NodeSnapshot,
  circumstances: Circumstances,
): readonly Candidate[] => {
  const { trunk } = draft.partition;
  if (trunk === undefined) return [];
  if (circumstances.sentAt + context.settings.snapshotVoidSeconds * 1_000 < context.now) {
    draft.notes.push({
      message: "A snapshot that is too old was dropped.",
      fields: { instanceId: snapshot.instanceId },
    });
    return [];
  }
  if (trunk.trunkEniId !== undefined) compareBranches(draft, context, snapshot, circumstances);
  else askForSnapshot(draft, context, snapshot);
  const wanting = snapshot.pods.filter(({ annotation }) => annotation === undefined);
  return wanting.flatMap((pod) => {
    const { incarnation, instanceId, nodeName, nodeUid } = snapshot;
    const observed = { type: "PodObserved" as const, incarnation, instanceId, nodeName, nodeUid, pod };
    return observePod(draft, context, observed, { ...circumstances, receiveCount: 1 }) ?? [];
  });
};

/** Takes what annotations name, and ends what no pod has any more. */
const compareBranches = (draft: Draft, context: Context, snapshot: NodeSnapshot, { sentAt }: Circumstances): void => {
  for (const pod of snapshot.pods) {
    const { annotation = [] } = pod;
    const { listVersion } = snapshot;
    for (const [index, eni] of annotation.entries()) {
      adopt(draft, context, pod, { index, eni, all: annotation.length, listVersion });
    }
  }
  const living = new Set<string>(snapshot.pods.map(({ podUid }) => podUid));
  const annotated = new Set(snapshot.pods.flatMap(({ annotation }) => annotation?.map(({ eniId }) => eniId) ?? []));
  for (const branch of draft.partition.branches) {
    const isNamed = "eni" in branch && branch.eni !== undefined && annotated.has(branch.eni.eniId);
    if (!living.has(branch.owner) && !isNamed) omit(draft, context, branch, { snapshot, sentAt });
  }
  noteSnapshot(draft, sentAt);
};

/** A snapshot that came is known to the reaper, and ends the rebuilding of a trunk whose records were lost (P12, P24). */
const noteSnapshot = (draft: Draft, sentAt: number): void => {
  const trunk = draft.partition.trunk as TrunkRecord;
  if (trunk.status === "gone" || (trunk.lastSnapshotAt ?? 0) >= sentAt) return;
  decideStep(draft, {
    writes: [putTrunk({ ...trunk, lastSnapshotAt: sentAt, rebuilding: undefined, notFoundSince: undefined }, trunk)],
  });
};

interface Named {
  readonly index: number;
  /** How many ENIs the annotation names. */
  readonly all: number;
  readonly eni: PodEni;
  readonly listVersion: ResourceVersion;
}

/** Takes an ENI for the pod whose annotation names it, in one transaction, from no record or from a cooling one. */
const adopt = (draft: Draft, context: Context, pod: PodFacts, named: Named): void => {
  const record = branchAt(draft.partition, pod.podUid, named.index);
  const holder = draft.partition.branches.find((branch) => "eni" in branch && branch.eni?.eniId === named.eni.eniId);
  if (holder !== undefined && holder === record && holder.status === "associated") return;
  if (record?.status === "gone" && compareVersions(pod.resourceVersion, record.podVersion) <= 0) return;
  // A list from before the pod's end proves nothing about it (P09).
  if (holder?.status === "cooling" && compareVersions(named.listVersion, holder.podVersion) < 0) return;
  const trunk = draft.partition.trunk as TrunkRecord;
  if (!isFree(draft, named, holder) || (holder !== undefined && holder.status !== "cooling")) {
    const fields = { instanceId: draft.partition.instanceId, podUid: pod.podUid, eniId: named.eni.eniId };
    draft.notes.push({ message: "A pod's annotation names an ENI that is another's or on its way out.", fields });
    return;
  }
  if (record !== undefined && record !== holder && !makeWay(draft, context, record)) return;
  const from = branchAt(draft.partition, pod.podUid, named.index);
  const vlanId = branded<VlanId>(named.eni.vlanId);
  const next = adopted(pod, named, { holder, from, trunk, context });
  const sighting = { kind: "sighting", eniId: branded<EniId>(named.eni.eniId) } as const;
  const writes: Write[] = [putBranch(next, from), { kind: "delete", key: sighting, expect: [] }];
  if (holder !== undefined && holder !== from) writes.push(endRecord(holder, context));
  if (holder === undefined) writes.push(putTrunk(withBranch(draft, trunk, vlanId), trunk));
  decideStep(draft, { writes });
};

/** Whether the annotation's VLAN ID can be that of its ENI: in range, and no other branch has it. */
const isFree = (draft: Draft, { eni }: Named, holder: BranchRecord | undefined): boolean =>
  eni.vlanId >= 1 &&
  eni.vlanId <= vlanIdMax &&
  (holder !== undefined ||
    !draft.partition.branches.some((branch) => isPlaced(branch) && branch.vlanId === eni.vlanId));

const withBranch = (draft: Draft, trunk: TrunkRecord, vlanId: VlanId): TrunkRecord => ({
  ...trunk,
  vlans: withVlans(trunk.vlans, [vlanId]),
  held: isVlanTaken(trunk.vlans, vlanId)
    ? Math.max(trunk.held, draft.partition.branches.filter(holdsSlot).length + 1)
    : trunk.held + 1,
});

interface Adoption {
  readonly holder: CoolingBranch | undefined;
  readonly from: BranchRecord | undefined;
  readonly trunk: TrunkRecord;
  readonly context: Context;
}

/** Without a record nobody knows the ENI's groups: an empty set equals no request, so that such an ENI is never reused (P05). */
const adopted = (
  pod: PodFacts,
  { index, eni, all }: Named,
  { holder, from, trunk, context }: Adoption,
): Unversioned<AssociatedBranch> => ({
  kind: "branch",
  instanceId: trunk.instanceId,
  owner: pod.podUid,
  index,
  status: "associated",
  generation: from?.generation ?? 0,
  createdAt: intentTime(from, context.now),
  podVersion: pod.resourceVersion,
  namespace: pod.namespace,
  name: pod.name,
  enis: all,
  request: holder?.request ?? {
    requestVersion: 1,
    subnetId: trunk.subnetId,
    securityGroups: [],
    ipv6: eni.ipv6Addr !== "",
  },
  trunkEniId: holder?.trunkEniId ?? (trunk.trunkEniId as EniId),
  vlanId: branded<VlanId>(eni.vlanId),
  eni: { eniId: branded<EniId>(eni.eniId), mac: eni.ifAddress, privateIp: eni.privateIp, ipv6: eni.ipv6Addr },
  associationId: branded<AssociationId>(eni.associationID),
  associatedAt: context.now,
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

interface Omission {
  readonly snapshot: NodeSnapshot;
  readonly sentAt: number;
}

/** A branch that the snapshot does not show: ended, when its record is not newer than the list, or after two omissions. */
const omit = (draft: Draft, context: Context, branch: BranchRecord, { snapshot, sentAt }: Omission): void => {
  const isOlder = compareVersions(branch.podVersion, snapshot.listVersion) <= 0;
  switch (branch.status) {
    case "waiting":
    case "claimed":
    case "created":
    case "releasing":
      if (isOlder) endOmitted(draft, context, branch);
      return;
    case "associated":
      if (isOlder || wasOmittedBefore(branch, context, sentAt)) {
        cool(draft, context, branch, { resourceVersion: branch.podVersion, unconfirmed: true });
      } else if (branch.omittedAt === undefined && sentAt > branch.associatedAt) {
        decideStep(draft, { writes: [putBranch({ ...branch, omittedAt: sentAt }, branch)] });
      }
      return;
    case "cooling":
      if (branch.unconfirmed && sentAt >= branch.coolingSince + context.settings.outcomeDeadSeconds * 1_000) {
        decideStep(draft, { writes: [putBranch({ ...branch, unconfirmed: false }, branch)] });
      }
      return;
    case "gone":
      return;
  }
};

/** Two snapshots, both sent after the record's last observation and far enough apart, omit it: then versions do not matter (P10). */
const wasOmittedBefore = (branch: AssociatedBranch, context: Context, sentAt: number): boolean =>
  branch.omittedAt !== undefined &&
  branch.omittedAt > branch.associatedAt &&
  sentAt - branch.omittedAt >= context.settings.omissionGapSeconds * 1_000;

/** The trunk's pods belong to another incarnation: everything cools in full, and nothing is claimed before a snapshot has come (P09, P24). */
export const reincarnate = (draft: Draft, context: Context, incarnation: TrunkRecord["incarnation"]): void => {
  const { trunk, branches } = draft.partition;
  if (trunk === undefined || trunk.incarnation === incarnation) return;
  for (const branch of branches.filter((found) => isPlaced(found) || found.status === "waiting")) {
    if (branch.status === "associated") {
      cool(draft, context, branch, { resourceVersion: branded("0"), unconfirmed: true });
    } else if (branch.status !== "cooling") endOmitted(draft, context, branch);
  }
  decideStep(draft, { writes: [putTrunk({ ...trunk, incarnation, nodeVersion: undefined, rebuilding: true }, trunk)] });
};
