import { areGroupsWanted, hasCooled } from "./cooling.ts";
import { type Context, type Draft, decideStep } from "./decision.ts";
import type { BranchLook, NodeGone, NodeObserved } from "./events.ts";
import { compareVersions } from "./ids.ts";
import { lookAtBranch } from "./looks.ts";
import { doubtEndsAt } from "./lost-trunks.ts";
import { chainCopy, nodeLookAt, trunkReadyOutcome } from "./messages-out.ts";
import { takeOver } from "./observed.ts";
import { proveDue } from "./proof-times.ts";
import type { BranchRecord, TrunkRecord } from "./records.ts";
import { eniConfigText } from "./trunks.ts";
import { isOverdue } from "./waiting.ts";
import { putTrunk } from "./writes.ts";

/** Statuses in which the trunk is on its way and some worker is at its next step. */
const underWay: readonly TrunkRecord["status"][] = ["requested", "waiting-for-slot", "created", "attached"];

/** Whether the trunk is on its way to ready. */
export const isTrunkUnderWay = (trunk: TrunkRecord): boolean => underWay.includes(trunk.status);

/**
 * Looks at a node: carries its trunk on when nobody is at it, and sends what an interrupted worker may not have sent for branches that are
 * overdue (P08). Pods that wait for room are served by every decision.
 */
export const lookAtNode = (draft: Draft, context: Context, redelivered: boolean): void => {
  const { trunk } = draft.partition;
  if (trunk === undefined) return;
  if (trunk.status === "ready" && redelivered) tellReady(draft, context, trunk);
  if (isTrunkUnderWay(trunk)) carryTrunk(draft, context, trunk);
  proveDue(draft, context);
  if ((doubtEndsAt(trunk, context) ?? Number.POSITIVE_INFINITY) <= context.now) {
    decideStep(draft, { work: [{ kind: "trunk" }] });
  }
  for (const branch of draft.partition.branches) {
    switch (branch.status) {
      case "waiting":
        if (isOverdue(branch, context.now)) decideStep(draft, { envelopes: [chainCopy(branch, trunk, context)] });
        break;
      case "claimed":
      case "created":
        if (branch.stepDeadline <= context.now) takeOver(draft, context, branch);
        break;
      case "cooling":
        if (
          hasCooled(branch, context.now) &&
          !areGroupsWanted(branch.request.securityGroups, trunk, context.registration)
        ) {
          lookAtBranch(draft, context, look(branch), false);
        }
        break;
      case "releasing":
        if (Math.max(branch.stepDeadline, branch.deleteNotBefore) <= context.now) {
          lookAtBranch(draft, context, look(branch), false);
        }
        break;
      case "associated":
      case "gone":
        break;
    }
  }
};

const look = ({ instanceId, owner, index }: BranchRecord): BranchLook => ({
  type: "BranchLook",
  instanceId,
  owner,
  index,
});

/** The trunk's next step, unless its worker still has time; from then on its time is ours (P08). */
export const carryTrunk = (draft: Draft, context: Context, trunk: TrunkRecord): void => {
  if (trunk.stepDeadline !== undefined && trunk.stepDeadline > context.now) {
    decideStep(draft, { envelopes: [nodeLookAt(trunk, trunk.stepDeadline, context.now)] });
    return;
  }
  const stepDeadline = context.now + context.settings.stepDeadlineSeconds * 1_000;
  decideStep(draft, { writes: [putTrunk({ ...trunk, stepDeadline }, trunk)], work: [{ kind: "trunk" }] });
};

/** Tells a node again that its trunk is ready. */
export const tellReady = (draft: Draft, context: Context, trunk: TrunkRecord): void => {
  decideStep(draft, { envelopes: [trunkReadyOutcome(trunk, context.settings.backendVersion)] });
};

/**
 * A node is seen. Without a trunk record EC2 is looked at before anything is created (P13); with one, what the node now asks for is written
 * down, and what an earlier message may not have reached is told or carried on.
 */
export const observeNode = (draft: Draft, context: Context, event: NodeObserved): void => {
  const { trunk } = draft.partition;
  if (trunk === undefined) {
    if (event.wantsTrunk) decideStep(draft, { work: [{ kind: "trunk", node: event }] });
    return;
  }
  const now = withObservation(trunk, event);
  if (now !== trunk) decideStep(draft, { writes: [putTrunk(now, trunk)] });
  if (!now.wanted) return;
  if (isConfiguredAnew(trunk, event)) decideStep(draft, { work: [{ kind: "trunk", node: event }] });
  if (trunk.status === "ready") tellReady(draft, context, now);
  else if (trunk.status === "unsupported" || trunk.status === "refused") {
    decideStep(draft, { work: [{ kind: "trunk", node: event }] });
  } else if (isTrunkUnderWay(trunk)) carryTrunk(draft, context, now);
};

/**
 * The trunk as its node asks for it now, with the version that its write gives it. Messages overtake each other: an older observation changes
 * nothing (S12).
 */
const withObservation = (trunk: TrunkRecord, event: NodeObserved): TrunkRecord => {
  const { nodeName, nodeUid, resourceVersion: nodeVersion, wantsTrunk: wanted } = event;
  if (trunk.nodeVersion !== undefined && compareVersions(nodeVersion, trunk.nodeVersion) < 0) return trunk;
  const now = { ...trunk, nodeName, nodeUid, nodeVersion, wanted, version: trunk.version + 1 };
  const isSame = (["nodeName", "nodeUid", "nodeVersion", "wanted"] as const).every(
    (field) => now[field] === trunk[field],
  );
  return isSame ? trunk : now;
};

/** Whether the node's ENIConfig says something else than when the trunk's subnet and groups were looked up. */
const isConfiguredAnew = (trunk: TrunkRecord, event: NodeObserved): boolean =>
  (trunk.status === "ready" || isTrunkUnderWay(trunk)) &&
  (trunk.nodeVersion === undefined || compareVersions(event.resourceVersion, trunk.nodeVersion) >= 0) &&
  (trunk.eniConfig ?? "") !== eniConfigText(event);

/** A Node object is deleted: its pods' ends release, not this (P12). Another Node's UID changes nothing. */
export const endNode = (draft: Draft, event: NodeGone): void => {
  const { trunk } = draft.partition;
  if (trunk === undefined || trunk.nodeUid !== event.nodeUid || !trunk.wanted) return;
  decideStep(draft, { writes: [putTrunk({ ...trunk, wanted: false }, trunk)] });
};
