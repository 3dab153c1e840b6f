import type { Context } from "./decision.ts";
import type { BranchRecord, GoneBranch } from "./records.ts";
import type { Write } from "./transaction.ts";
import { deleteBranch, putBranch, type Unversioned } from "./writes.ts";

/** The tombstone that a branch leaves whose pod has ended; none where no pod owned it. */
export const endRecord = (branch: BranchRecord, context: Context): Write =>
  branch.owner.startsWith("eni-") ? deleteBranch(branch) : putBranch(tombstone(branch, context), branch);

/** What stays of a pod's record (P03). */
export const tombstone = (
  branch: Pick<BranchRecord, "instanceId" | "owner" | "index" | "generation" | "createdAt" | "podVersion">,
  context: Context,
): Unversioned<GoneBranch> => ({
  kind: "branch",
  instanceId: branch.instanceId,
  owner: branch.owner,
  index: branch.index,
  status: "gone",
  generation: branch.generation,
  createdAt: branch.createdAt,
  podVersion: branch.podVersion,
  expiresAt: context.now + context.settings.tombstoneSeconds * 1_000,
});
