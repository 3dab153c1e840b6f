import type { Context } from "./decision.ts";
import { compareVersions } from "./ids.ts";
import { branchLookAt } from "./messages-out.ts";
import { branchAt, branchesOf, isUnproven } from "./partition.ts";
import type {
  AssociatedBranch,
  BranchRecord,
  ClaimedBranch,
  CreatedBranch,
  Partition,
  ReleasingBranch,
  Wish,
} from "./records.ts";
import { stranded } from "./stranded.ts";
import { endRecord } from "./tombstones.ts";
import { type Consequence, type PlacedStep, type Wished, waitAgain } from "./wait-again.ts";
import { putBranch, type Unversioned } from "./writes.ts";

/** A worker that associates an ENI just now has so long until its ENI is deleted all the same, milliseconds. */
const associatingMilliseconds = 2_000;

/** The wish that a branch follows from: its own, or that in the pod's first record. */
export const wishedBefore = (partition: Partition, { request, wish, owner }: PlacedStep): Wished => {
  const first = branchAt(partition, owner, 0);
  return { request, wish: wish ?? (first !== undefined && "wish" in first ? first.wish : undefined) };
};

/** A branch that its pod still counts on, or that goes with its pod's wish. */
type Standing = ClaimedBranch | CreatedBranch | AssociatedBranch | ReleasingBranch;

const isStanding = (branch: BranchRecord): branch is Standing =>
  ["claimed", "created", "associated"].includes(branch.status) ||
  (branch.status === "releasing" && branch.wish !== undefined);

/** Whether another record of the pod shows that the pod has ended: nothing of it waits any more. */
const showsEnd = (branch: BranchRecord, { podVersion }: PlacedStep): boolean =>
  branch.status === "cooling" ||
  (branch.status === "releasing" && branch.wish === undefined) ||
  (branch.status === "gone" && compareVersions(branch.podVersion, podVersion) > 0);

/**
 * The ENIs of a pod stand and fall together: where one is refused, all others go too, so that a pod that waits holds no slot. The last one that
 * is gone writes the pod's wish down (P15); all of these commits change the trunk, so that they see each other. When the pod's end overtakes
 * them, its wish ends too; and a pod whose annotation names an ENI that is not proven has none of ours to give back and waits for nothing.
 */
export const giveBack = (partition: Partition, record: PlacedStep, wish: Wish, context: Context): Consequence => {
  const siblings = branchesOf(partition, record.owner).filter(({ index }) => index !== record.index);
  if (siblings.some((sibling) => showsEnd(sibling, record) || isUnproven(sibling))) {
    return { writes: [endRecord(record, context)], envelopes: [] };
  }
  const standing = siblings.filter(isStanding);
  if (standing.length === 0) return waitAgain(partition, record, wish, context);
  const falling = standing.filter((branch) => branch.status !== "releasing" || isReplaced(branch));
  const fallen = falling.map((branch) => ({ branch, next: fall(branch, wish, context) }));
  return {
    writes: [endRecord(record, context), ...fallen.map(({ branch, next }) => putBranch(next, branch))],
    envelopes: fallen.map(({ next }) => branchLookAt(next, next.stepDeadline, context.now)),
  };
};

/** Whether the branch was to be claimed again once its ENI is gone. */
const isReplaced = ({ wish }: ReleasingBranch): boolean => wish?.reason === "step-under-way";

/** Whoever creates or deletes its ENI just now keeps its time, and goes on with what comes of the call. */
const fall = (branch: Standing, wish: Wish, context: Context): Unversioned<ReleasingBranch> =>
  branch.status === "releasing"
    ? { ...branch, wish }
    : {
        ...stranded(branch, context),
        associationId: branch.status === "associated" ? branch.associationId : undefined,
        stepDeadline: deadlineOf(branch, context),
        wish,
      };

const deadlineOf = (branch: Exclude<Standing, ReleasingBranch>, { now }: Context): number => {
  switch (branch.status) {
    case "claimed":
      return branch.stepDeadline;
    case "created":
      return now + associatingMilliseconds;
    case "associated":
      return now;
  }
};
