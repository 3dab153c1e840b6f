import { type Context, type Draft, decideStep } from "./decision.ts";
import { isUnproven } from "./partition.ts";
import type { AssociatedBranch, BranchRecord, CoolingBranch, Partition, TrunkRecord } from "./records.ts";

/** A branch whose ENI should be associated in EC2. */
export type HeldBranch = AssociatedBranch | CoolingBranch;

/** Branches of the node's trunk ENI as it is now; those of a lost one are only deleted (P13). */
export const heldBranches = ({ trunk, branches }: Partition): readonly HeldBranch[] =>
  trunk?.status !== "ready"
    ? []
    : branches
        .filter((branch: BranchRecord): branch is HeldBranch => ["associated", "cooling"].includes(branch.status))
        .filter((branch) => branch.trunkEniId === trunk.trunkEniId);

/** Branches that only annotations tell of (P10). */
export const unprovenBranches = (partition: Partition): readonly HeldBranch[] =>
  heldBranches(partition).filter(isUnproven);

/**
 * When EC2 is to be asked about a node's unproven branches, epoch milliseconds. Undefined: all are judged for now. Without an answer it is not asked
 * again before a grace time is over, whoever wants to know.
 */
export const proofDueAt = (partition: Partition, { settings }: Pick<Context, "settings">): number | undefined => {
  const graceMilliseconds = settings.notFoundGraceSeconds * 1_000;
  const times = unprovenBranches(partition)
    .filter(({ doubt }) => doubt?.confirmed !== true)
    .map(({ doubt, associatedAt }) => (doubt === undefined ? associatedAt : doubt.since + graceMilliseconds));
  if (times.length === 0) return undefined;
  const { proofFailedAt } = partition.trunk as TrunkRecord;
  return Math.max(Math.min(...times), proofFailedAt === undefined ? 0 : proofFailedAt + graceMilliseconds);
};

/** Lets EC2 be asked about the unproven branches, when it is time. */
export const proveDue = (draft: Draft, context: Context): void => {
  if ((proofDueAt(draft.partition, context) ?? Number.POSITIVE_INFINITY) <= context.now) prove(draft);
};

/** Lets EC2 be asked after a list has shown a node's pods: also about what it did not show before, because somebody may have mended it. */
export const proveListed = (draft: Draft, context: Context): void => {
  const isOpen = unprovenBranches(draft.partition).length > 0;
  if (isOpen && (proofDueAt(draft.partition, context) ?? 0) <= context.now) prove(draft);
};

/** One question is about all branches of the node, so that a decision asks it once. */
const prove = (draft: Draft): void => {
  const isAsked = draft.steps.some(({ work }) => work.some(({ kind }) => kind === "proof"));
  if (!isAsked) decideStep(draft, { work: [{ kind: "proof" }] });
};
