import { type Context, type Draft, decideStep } from "./decision.ts";
import { branchLookAt } from "./messages-out.ts";
import type { BranchRecord, CoolingBranch, ReleasingBranch } from "./records.ts";
import { deleteBranch, putBranch } from "./writes.ts";

/** A branch on its way out whose ENI is known. */
export type NamedEnding = CoolingBranch | (ReleasingBranch & { readonly eni: CoolingBranch["eni"] });

/** Whether a branch is on its way out and can be told by its ENI. */
export const isEnding = (branch: BranchRecord): branch is NamedEnding =>
  branch.status === "cooling" || (branch.status === "releasing" && branch.eni !== undefined);

/** Gives an ENI that no pod owns any more a record under its own ID. */
export const moveToOwnRecord = (draft: Draft, context: Context, branch: NamedEnding): void => {
  const moved = { ...branch, owner: branch.eni.eniId, index: 0 };
  const lookAt = branch.status === "cooling" ? branch.coolUntil : Math.max(branch.deleteNotBefore, context.now);
  decideStep(draft, {
    writes: [putBranch(moved, undefined), deleteBranch(branch)],
    envelopes: [branchLookAt(moved, lookAt, context.now)],
  });
};
