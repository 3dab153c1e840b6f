import { type Context, type Draft, decideStep } from "./decision.ts";
import { endUnproven } from "./ends.ts";
import type { EniId } from "./ids.ts";
import { branchLookAt } from "./messages-out.ts";
import { branchesOf, isPlaced, isUnproven, type PlacedBranch } from "./partition.ts";
import type { EniFacts } from "./ports.ts";
import type { BranchRecord, Partition, ReleasingBranch, TrunkRecord, Wish } from "./records.ts";
import { roomRetryMilliseconds } from "./room.ts";
import { stranded } from "./stranded.ts";
import { noVlans } from "./vlans.ts";
import { nextWish } from "./wait-again.ts";
import { putBranch, type Unversioned } from "./writes.ts";

/** Whether EC2 shows the trunk ENI on its instance, or on its way there. */
export const isOnInstance = (eni: EniFacts | undefined, trunk: TrunkRecord): boolean =>
  eni?.attachment?.instanceId === trunk.instanceId && ["attaching", "attached"].includes(eni.attachment.status);

/**
 * The trunk with the note that EC2 does not show its ENI in place any more. One sighting proves nothing: EC2's answers come late, so that the
 * ENI is looked for once more when the grace time is over (P13). Undefined: nothing new.
 */
export const doubtedTrunk = (trunk: TrunkRecord | undefined, now: number): TrunkRecord | undefined =>
  trunk?.status === "ready" && trunk.eniMissingSince === undefined ? { ...trunk, eniMissingSince: now } : undefined;

/** When a doubted trunk's ENI is looked for again, epoch milliseconds. Undefined: nobody doubts it. */
export const doubtEndsAt = (trunk: TrunkRecord, { settings }: Pick<Context, "settings">): number | undefined =>
  trunk.status === "ready" && trunk.eniMissingSince !== undefined
    ? trunk.eniMissingSince + settings.notFoundGraceSeconds * 1_000
    : undefined;

/** The next generation of a trunk whose ENI is gone or was detached: nothing of the old one is taken over (P13). */
export const replacedTrunk = (trunk: TrunkRecord, stepDeadline: number): Unversioned<TrunkRecord> => ({
  ...trunk,
  status: "requested",
  generation: trunk.generation + 1,
  lostEniId: trunk.trunkEniId,
  trunkEniId: undefined,
  attachmentId: undefined,
  deviceIndex: undefined,
  eniMissingSince: undefined,
  problem: undefined,
  rebuilding: undefined,
  vlans: noVlans,
  strayVlans: undefined,
  proofFailedAt: undefined,
  held: 0,
  stepDeadline,
});

/**
 * Commits the teardown of every branch of a trunk ENI that was replaced: they are only deleted (P13), and not before the new one is known, because
 * the search for it may find the old one in its place after all. Pods that were not yet told their ENIs wait
 * for the new trunk. Part of every decision, so that a worker that dies on the way leaves nothing behind.
 */
export const strandBranches = (draft: Draft, context: Context): void => {
  const { partition } = draft;
  const { trunk, branches } = partition;
  if (trunk?.lostEniId === undefined || trunk.trunkEniId === undefined || trunk.lostEniId === trunk.trunkEniId) return;
  for (const branch of branches) {
    if (!isPlaced(branch) || branch.status === "releasing" || branch.trunkEniId !== trunk.lostEniId) continue;
    if (isUnproven(branch)) endUnproven(draft, context, branch);
    else {
      const next: Unversioned<ReleasingBranch> = {
        ...stranded(branch, context),
        associationId: branch.status === "associated" || branch.status === "cooling" ? branch.associationId : undefined,
        // Its slot was the old trunk's: the new one gets none back.
        holdsSlot: false,
        wish: wishAfter(partition, branch, context),
      };
      decideStep(draft, {
        writes: [putBranch(next, branch)],
        envelopes: [branchLookAt(branch, context.now, context.now)],
      });
    }
  }
};

/** The wish of a pod that does not have all of its ENIs: it stands in the pod's first record. */
const wishAfter = (
  partition: Partition,
  branch: Exclude<PlacedBranch, ReleasingBranch>,
  context: Context,
): Wish | undefined => {
  if (branch.index > 0 || branch.status === "cooling" || branchesOf(partition, branch.owner).every(isTold))
    return undefined;
  const before = { request: branch.request, wish: "wish" in branch ? branch.wish : undefined };
  return nextWish(
    before,
    {
      reason: "trunk-not-ready",
      wakeAt: context.now + roomRetryMilliseconds,
      detail: "the node's trunk interface is being replaced",
    },
    context,
  );
};

const isTold = ({ status }: BranchRecord): boolean => status === "associated";

/** What a node is told whose trunk ENI is lost. */
export const lostTrunkText = (eniId: EniId): string =>
  `the trunk interface ${eniId} is not attached any more; another one takes its place`;
