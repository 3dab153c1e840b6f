import { keepUntil } from "./cooling.ts";
import type { Context } from "./decision.ts";
import { branded, type PodUid } from "./ids.ts";
import { doubtEndsAt } from "./lost-trunks.ts";
import { branchLookAt, chainCopy, nodeLookAt } from "./messages-out.ts";
import { isTrunkUnderWay } from "./nodes.ts";
import { isPlaced, type PlacedBranch } from "./partition.ts";
import type { Envelope } from "./ports.ts";
import { proofDueAt } from "./proof-times.ts";
import type { Partition, TrunkRecord } from "./records.ts";
import type { Write } from "./transaction.ts";
import { isOverdue } from "./waiting.ts";
import { deleteBranch } from "./writes.ts";

/** Work that nobody looked at for so long has lost its message, milliseconds. */
const lostAfterMilliseconds = 60_000;
/** Tombstones of one node that one sweep removes; a busy node ends about as many pods between two sweeps at most. */
export const tombstonesPerSweepMax = 100;

/** When a branch's own message should have come. Undefined: it rests, and needs none. */
const dueAt = (branch: PlacedBranch, trunk: TrunkRecord, context: Context): number | undefined => {
  switch (branch.status) {
    case "claimed":
    case "created":
      return branch.stepDeadline;
    case "cooling":
      return keepUntil(branch, trunk, context.registration, context.settings);
    case "releasing":
      return Math.max(branch.stepDeadline, branch.deleteNotBefore);
    case "associated":
      return undefined;
  }
};

/** Messages for everything in a partition that is overdue: the reaper finds what has none (P08). */
export const overdueMessages = (partition: Partition, context: Context): readonly Envelope[] => {
  const { trunk } = partition;
  const { now } = context;
  if (trunk === undefined) return [];
  const trunkDueAt = isTrunkUnderWay(trunk) ? (trunk.stepDeadline ?? 0) : doubtEndsAt(trunk, context);
  const isTrunkOverdue = trunkDueAt !== undefined && trunkDueAt + lostAfterMilliseconds < now;
  const proofAt = proofDueAt(partition, context);
  const isProofOverdue = proofAt !== undefined && proofAt + lostAfterMilliseconds < now;
  return [
    ...(isTrunkOverdue || isProofOverdue ? [nodeLookAt(trunk, now, now)] : []),
    ...partition.branches.flatMap((branch) => {
      if (branch.status === "waiting") return isOverdue(branch, now) ? [chainCopy(branch, trunk, context)] : [];
      if (!isPlaced(branch)) return [];
      const due = dueAt(branch, trunk, context);
      return due !== undefined && due + lostAfterMilliseconds < now ? [branchLookAt(branch, now, now)] : [];
    }),
  ];
};

/** Whether the forwarder has been silent about a trunk for too long (P12). */
export const isSnapshotOverdue = (trunk: TrunkRecord, { now, settings }: Context): boolean =>
  trunk.status !== "gone" &&
  Math.max(trunk.lastSnapshotAt ?? 0, trunk.createdAt) + settings.snapshotOverdueSeconds * 1_000 < now;

/** Asks the forwarder which of a silent trunk's pods are still there (P12). */
export const podsQuestion = ({ instanceId, branches, trunk }: Partition): readonly Envelope[] => {
  const owners = branches.filter((branch) => isPlaced(branch) && !branch.owner.startsWith("eni-"));
  const podUids = [...new Set(owners.map(({ owner }) => branded<PodUid>(owner)))];
  if (trunk === undefined || podUids.length === 0) return [];
  return [{ to: "outcomes", cluster: trunk.cluster, body: { type: "PodsQuestioned", instanceId, podUids } }];
};

/** Whether nothing is left to do for an instance that has ended. */
export const isFinished = ({ trunk, branches }: Partition): boolean =>
  trunk?.status === "gone" && branches.every((branch) => branch.status === "gone");

/**
 * Removes tombstones whose time is past, the oldest first, each on the condition that no newer version of its pod has revived it (P03).
 * DynamoDB's own expiry comes days late, and every load of the partition would read them until then.
 */
export const expiredTombstones = ({ branches }: Partition, now: number): readonly Write[] =>
  branches
    .filter((branch) => branch.status === "gone")
    .filter(({ expiresAt }) => expiresAt <= now)
    .toSorted((left, right) => left.expiresAt - right.expiresAt)
    .slice(0, tombstonesPerSweepMax)
    .map(deleteBranch);
