import { coolUntil } from "./cooling.ts";
import { type Context, type Draft, decideStep } from "./decision.ts";
import { branchLookAt } from "./messages-out.ts";
import type { BranchRecord, CoolingBranch, ReleasingBranch } from "./records.ts";
import { deleteBranch, putBranch } from "./writes.ts";

/** A branch on its way out whose ENI is known. */
export type NamedEnding = CoolingBranch | (ReleasingBranch & { readonly eni: CoolingBranch["eni"] });

/** Whether a branch is on its way out and can be told by its ENI. */
export const isEnding = (branch: BranchRecord): branch is NamedEnding =>
  branch.status === "cooling" || (branch.status === "releasing" && branch.eni !== undefined);

/**
 * Gives an ENI whose pod lives on without it a record under its own ID. The pod's wish stays with the pod. Whoever told the pod's end was
 * mistaken, and an outcome that names this ENI may still become its annotation: so only a snapshot confirms that it has cooled (P11).
 */
export const moveToOwnRecord = (draft: Draft, context: Context, branch: NamedEnding): void => {
  const moved = { ...(branch.status === "cooling" ? guarded(branch, context) : withoutWish(branch)), index: 0 };
  const lookAt = moved.status === "cooling" ? moved.coolUntil : Math.max(moved.deleteNotBefore, context.now);
  decideStep(draft, {
    writes: [putBranch(moved, undefined), deleteBranch(branch)],
    envelopes: [branchLookAt(moved, lookAt, context.now)],
  });
};

const guarded = (branch: CoolingBranch, context: Context): CoolingBranch => {
  const { now, settings, registration } = context;
  const until = coolUntil(now, {}, registration, settings) + settings.outcomeDeadSeconds * 1_000;
  return {
    ...branch,
    owner: branch.eni.eniId,
    coolingSince: now,
    coolUntil: Math.max(branch.coolUntil, until),
    unconfirmed: true,
  };
};

const withoutWish = (branch: Exclude<NamedEnding, CoolingBranch>): Exclude<NamedEnding, CoolingBranch> => ({
  ...branch,
  owner: branch.eni.eniId,
  wish: undefined,
});
