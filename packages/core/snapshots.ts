import { adopt } from "./adopting.ts";
import { type Context, type Draft, decideStep } from "./decision.ts";
import { cool, endOmitted } from "./ends.ts";
import { eniProblemOutcome } from "./eni-problems.ts";
import type { NodeSnapshot, PodEni, PodFacts } from "./events.ts";
import { branded, compareVersions } from "./ids.ts";
import { askForSnapshot, type Circumstances, observePod } from "./observed.ts";
import { branchAt, isPlaced } from "./partition.ts";
import { proveListed } from "./proof-times.ts";
import type { AssociatedBranch, BranchRecord, TrunkRecord } from "./records.ts";
import { isVlanTaken, noVlans, vlanIdKnownAs, withVlans } from "./vlans.ts";
import type { Candidate } from "./waiting.ts";
import { putBranch, putTrunk } from "./writes.ts";

/**
 * Compares a node with all of its pods (P10). The annotation of a living pod decides who owns an ENI; what no pod wants or holds any more ends;
 * pods without an annotation are served or told again. What only an annotation tells of is then asked of EC2. While the trunk's ENI is not known, nothing tells whose an annotation's ENI is: then
 * another snapshot is asked for. An instance that has ended has no pods, whatever a late snapshot tells (P12).
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
  if (trunk === undefined || trunk.status === "gone") return [];
  if (circumstances.sentAt + context.settings.snapshotVoidSeconds * 1_000 < context.now) {
    draft.notes.push({
      message: "A snapshot that is too old was dropped.",
      fields: { instanceId: snapshot.instanceId },
    });
    return [];
  }
  if (trunk.trunkEniId !== undefined) compareBranches(draft, context, snapshot, circumstances);
  else askForSnapshot(draft, context, snapshot);
  const wanting = snapshot.pods.filter(
    (pod) => pod.annotation === undefined && pod.isAnnotationUnreadable !== true && pod.areGroupsUnknown !== true,
  );
  return wanting.flatMap((pod) => {
    const { incarnation, instanceId, nodeName, nodeUid } = snapshot;
    const observed = { type: "PodObserved" as const, incarnation, instanceId, nodeName, nodeUid, pod };
    return observePod(draft, context, observed, { ...circumstances, receiveCount: 1 }) ?? [];
  });
};

/** Takes what annotations name, and ends what no pod has any more. */
const compareBranches = (draft: Draft, context: Context, snapshot: NodeSnapshot, { sentAt }: Circumstances): void => {
  const strays: Stray[] = [];
  for (const pod of snapshot.pods) {
    const { annotation = [] } = pod;
    const { listVersion } = snapshot;
    for (const [index, eni] of annotation.entries()) {
      const adoption = adopt(draft, context, pod, { index, eni, all: annotation.length, listVersion });
      if (adoption !== "settled") strays.push({ pod, eni, isReported: adoption === "stray" });
    }
    if (pod.annotation !== undefined || pod.isAnnotationUnreadable === true) dropWish(draft, context, pod);
  }
  const living = new Set<string>(snapshot.pods.map(({ podUid }) => podUid));
  const annotated = new Set(snapshot.pods.flatMap(({ annotation }) => annotation?.map(({ eniId }) => eniId) ?? []));
  for (const branch of draft.partition.branches) {
    const isNamed = "eni" in branch && branch.eni !== undefined && annotated.has(branch.eni.eniId);
    if (!living.has(branch.owner) && !isNamed) omit(draft, context, branch, { snapshot, sentAt });
  }
  noteSnapshot(draft, sentAt, strays);
  proveListed(draft, context);
};

/** An annotation never changes: a pod that has one, whatever it says, waits for nothing any more. */
const dropWish = (draft: Draft, context: Context, { podUid, resourceVersion }: PodFacts): void => {
  const first = branchAt(draft.partition, podUid, 0);
  if (first?.status !== "waiting" || compareVersions(resourceVersion, first.podVersion) < 0) return;
  endOmitted(draft, context, first);
};

/** An ENI that a living pod's annotation names and no record of that pod holds. */
interface Stray {
  readonly pod: PodFacts;
  readonly eni: PodEni;
  /** False while only a step of the pod's own stands in the way. */
  readonly isReported: boolean;
}

/**
 * A snapshot that came is known to the reaper, and ends the rebuilding of a trunk whose records were lost (P12, P24). The VLAN IDs of strays are
 * given to nobody until a snapshot omits them, and each of their pods is told when its VLAN ID is first seen so.
 */
const noteSnapshot = (draft: Draft, sentAt: number, strays: readonly Stray[]): void => {
  const trunk = draft.partition.trunk as TrunkRecord;
  if ((trunk.lastSnapshotAt ?? 0) >= sentAt) return;
  const vlanIds = strays.map(({ eni }) => vlanIdKnownAs(eni.vlanId));
  const strayVlans = vlanIds.length > 0 ? withVlans(noVlans, vlanIds) : undefined;
  const next = { ...trunk, lastSnapshotAt: sentAt, rebuilding: undefined, notFoundSince: undefined, strayVlans };
  const news = strays.filter(({ eni, isReported }) => isReported && !isStrayKnown(trunk, eni));
  const { cluster, instanceId } = trunk;
  decideStep(draft, {
    writes: [putTrunk(next, trunk)],
    envelopes: news.map(({ pod, eni }) => eniProblemOutcome({ ...pod, cluster, instanceId, eni }, "eni-taken")),
  });
};

const isStrayKnown = ({ strayVlans = noVlans }: TrunkRecord, { vlanId }: PodEni): boolean =>
  isVlanTaken(strayVlans, vlanIdKnownAs(vlanId));

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
