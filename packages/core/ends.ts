import { coolUntil } from "./cooling.ts";
import { type Context, type Draft, decideStep } from "./decision.ts";
import type { PodGone } from "./events.ts";
import { compareVersions, type ResourceVersion } from "./ids.ts";
import { branchLookAt } from "./messages-out.ts";
import { branchesOf } from "./partition.ts";
import type {
  AssociatedBranch,
  BranchRecord,
  ClaimedBranch,
  CoolingBranch,
  CreatedBranch,
  ReleasingBranch,
} from "./records.ts";
import { endRecord, tombstone } from "./tombstones.ts";
import { withoutVlans } from "./vlans.ts";
import { putBranch, putTrunk, type Unversioned } from "./writes.ts";

/** How a pod ended, as far as its branches care. */
export interface End {
  readonly resourceVersion: ResourceVersion;
  readonly forcedGraceSeconds?: number | undefined;
}

/**
 * The end of a pod: its associated branches begin to cool, what was under way for it is undone, and its wish is dropped. For a pod that was
 * never seen a tombstone keeps a late observation from allocating (P03).
 */
export const endPod = (draft: Draft, context: Context, gone: PodGone, redelivered: boolean): void => {
  const branches = branchesOf(draft.partition, gone.podUid);
  if (branches.length === 0) {
    const identity = {
      instanceId: draft.partition.instanceId,
      owner: gone.podUid,
      index: 0,
      generation: 0,
      createdAt: context.now,
      podVersion: gone.resourceVersion,
    };
    decideStep(draft, { writes: [putBranch(tombstone(identity, context), undefined)] });
    return;
  }
  for (const branch of branches) {
    if (compareVersions(gone.resourceVersion, branch.podVersion) >= 0)
      endBranch(draft, context, branch, gone, redelivered);
  }
};

const endBranch = (draft: Draft, context: Context, branch: BranchRecord, end: End, redelivered: boolean): void => {
  const podVersion = end.resourceVersion;
  switch (branch.status) {
    case "waiting":
      decideStep(draft, { writes: [putBranch(tombstone({ ...branch, podVersion }, context), branch)] });
      return;
    case "claimed":
    case "created":
      undo(draft, context, { ...branch, podVersion });
      return;
    case "associated":
      cool(draft, context, branch, { ...end, unconfirmed: false });
      return;
    case "cooling":
      if (branch.unconfirmed) confirm(draft, context, branch, end);
      else if (redelivered) decideStep(draft, { envelopes: [branchLookAt(branch, branch.coolUntil, context.now)] });
      return;
    case "releasing":
      if (branch.wish !== undefined) dropWish(draft, context, { ...branch, podVersion });
      else if (redelivered) decideStep(draft, { envelopes: [branchLookAt(branch, branch.stepDeadline, context.now)] });
      return;
    case "gone":
      return;
  }
};

/**
 * The pod of an ENI that was to be replaced has ended: once the ENI is gone, nobody waits again. Its worker may meet this write and stop, so
 * that a look goes on (P08).
 */
const dropWish = (draft: Draft, context: Context, branch: ReleasingBranch): void => {
  const { wish: _wish, ...rest } = branch;
  decideStep(draft, {
    writes: [putBranch(rest, branchAsRead(draft, branch))],
    envelopes: [branchLookAt(branch, branch.stepDeadline, context.now)],
  });
};

/** A wish, or a creation or replacement under way, whose pod is not there any more. */
export const endOmitted = (draft: Draft, context: Context, branch: BranchRecord): void => {
  endBranch(draft, context, branch, { resourceVersion: branch.podVersion }, false);
};

/** Commits the teardown of a branch that never became its pod's (P01, P07). */
export const undo = (draft: Draft, context: Context, branch: ClaimedBranch | CreatedBranch): void => {
  const { wish: _wish, ...rest } = branch;
  const next: Unversioned<BranchRecord> = {
    ...rest,
    status: "releasing",
    holdsSlot: true,
    deleteNotBefore: context.now,
    stepDeadline: context.now + context.settings.stepDeadlineSeconds * 1_000,
  };
  decideStep(draft, {
    writes: [putBranch(next, branchAsRead(draft, branch))],
    work: [
      {
        kind: "branch",
        owner: branch.owner,
        index: branch.index,
        ask: `undo:${branch.owner}#${branch.index}`,
        fresh: false,
      },
    ],
  });
};

const branchAsRead = (draft: Draft, branch: BranchRecord): BranchRecord | undefined =>
  draft.partition.branches.find(({ owner, index }) => owner === branch.owner && index === branch.index);

/** An associated branch begins to cool; the message that ends its cool-down follows. */
export const cool = (
  draft: Draft,
  context: Context,
  branch: AssociatedBranch,
  end: End & { readonly unconfirmed: boolean },
): void => {
  const { now, settings, registration } = context;
  const { omittedAt: _omittedAt, ...rest } = branch;
  // Nobody told this pod's end, so that an outcome may still become its annotation (P11).
  const guard = end.unconfirmed ? settings.outcomeDeadSeconds * 1_000 : 0;
  const until = coolUntil(now, end, registration, settings) + guard;
  decideStep(draft, {
    writes: [
      putBranch(
        {
          ...rest,
          status: "cooling",
          podVersion: end.resourceVersion,
          coolingSince: now,
          coolUntil: until,
          unconfirmed: end.unconfirmed,
        },
        branch,
      ),
    ],
    envelopes: [branchLookAt(branch, until, now)],
  });
};

/**
 * Ends a branch that EC2 did not show as ours, without a call: what only an annotation names is not ours to touch (S08). If it is an ENI of ours
 * after all, the reaper finds it.
 */
export const endUnproven = (draft: Draft, context: Context, branch: AssociatedBranch | CoolingBranch): void => {
  const { trunk } = draft.partition;
  const isOnTrunk = trunk !== undefined && trunk.trunkEniId === branch.trunkEniId;
  const vlans = isOnTrunk ? withoutVlans(trunk.vlans, [branch.vlanId]) : "";
  decideStep(draft, {
    writes: [
      endRecord(branch, context),
      ...(isOnTrunk ? [putTrunk({ ...trunk, vlans, held: Math.max(0, trunk.held - 1) }, trunk)] : []),
    ],
  });
};

const confirm = (draft: Draft, context: Context, branch: CoolingBranch, end: End): void => {
  const { now, settings, registration } = context;
  const until = coolUntil(now, end, registration, settings);
  decideStep(draft, {
    writes: [putBranch({ ...branch, podVersion: end.resourceVersion, coolUntil: until, unconfirmed: false }, branch)],
    envelopes: [branchLookAt(branch, until, now)],
  });
};
