import { keepUntil } from "./cooling.ts";
import { release } from "./cutting.ts";
import { type Context, type Draft, decideStep, grantFor } from "./decision.ts";
import { endUnproven } from "./ends.ts";
import type { BranchLook } from "./events.ts";
import { assignedOutcome, branchLookAt } from "./messages-out.ts";
import { askForSnapshot, takeOver } from "./observed.ts";
import { branchAt } from "./partition.ts";
import { proveDue } from "./proof-times.ts";
import type { CoolingBranch, ReleasingBranch } from "./records.ts";

/** An unconfirmed branch whose time is past is looked at again so soon, milliseconds. */
const unconfirmedRetryMilliseconds = 60_000;

/** Looks at a branch whose time may have come, or whose step may be overdue (P08, P21, P22). */
export const lookAtBranch = (draft: Draft, context: Context, look: BranchLook, redelivered: boolean): void => {
  const branch = branchAt(draft.partition, look.owner, look.index);
  switch (branch?.status) {
    case undefined:
    case "waiting":
    case "gone":
      return;
    case "claimed":
    case "created":
      if (branch.stepDeadline <= context.now) takeOver(draft, context, branch);
      else decideStep(draft, { envelopes: [branchLookAt(branch, branch.stepDeadline, context.now)] });
      return;
    case "associated":
      if (redelivered) decideStep(draft, { envelopes: assignedOutcome(draft.partition, branch.owner) });
      return;
    case "cooling":
      lookAtCooling(draft, context, branch);
      return;
    case "releasing":
      lookAtReleasing(draft, context, branch);
      return;
  }
};

const lookAtCooling = (draft: Draft, context: Context, branch: CoolingBranch): void => {
  const { now } = context;
  const kept = keepUntil(branch, draft.partition.trunk, context.registration, context.settings);
  const again = (at: number): void => {
    decideStep(draft, { envelopes: [branchLookAt(branch, at, now)] });
  };
  if (branch.coolUntil > now) {
    again(branch.coolUntil);
    return;
  }
  if (branch.unconfirmed) {
    askForSnapshot(draft, context, branch);
    again(now + unconfirmedRetryMilliseconds);
    return;
  }
  if (kept > now) {
    again(kept);
    return;
  }
  if (branch.unproven === true) {
    if (branch.doubt?.confirmed === true) {
      endUnproven(draft, context, branch);
      return;
    }
    proveDue(draft, context);
    again(now + unconfirmedRetryMilliseconds);
    return;
  }
  const key = `release:${branch.owner}#${branch.index}`;
  const grant = grantFor(draft, context, {
    key,
    request: {
      cluster: context.cluster,
      unit: { DisassociateTrunkInterface: 1, DeleteNetworkInterface: 1 },
      units: 1,
      priority: "clean-up",
    },
  });
  if (grant.granted < 1) {
    again(grant.wakeAt);
    return;
  }
  release(draft, context, branch, key);
};

/**
 * A teardown under way is repeated once it is overdue, without a write: its calls are harmless when they run twice, and the commits that
 * follow them are not.
 */
const lookAtReleasing = (draft: Draft, context: Context, branch: ReleasingBranch): void => {
  const { now } = context;
  const resting = branch.associationId === undefined && branch.deleteNotBefore > now;
  const due = resting ? branch.deleteNotBefore : branch.stepDeadline;
  if (due > now) {
    decideStep(draft, { envelopes: [branchLookAt(branch, due, now)] });
    return;
  }
  const { owner, index } = branch;
  const ask = `delete:${owner}#${index}`;
  const grant = grantFor(draft, context, {
    key: ask,
    request: {
      cluster: context.cluster,
      unit:
        branch.associationId === undefined
          ? { DeleteNetworkInterface: 1 }
          : { DisassociateTrunkInterface: 1, DeleteNetworkInterface: 1 },
      units: 1,
      priority: "clean-up",
    },
  });
  if (grant.granted < 1) decideStep(draft, { envelopes: [branchLookAt(branch, grant.wakeAt, now)] });
  else decideStep(draft, { work: [{ kind: "branch", owner, index, ask, fresh: false }] });
};
