import { cutChoice } from "./cooling.ts";
import { type Context, type Draft, decideStep, grantFor } from "./decision.ts";
import type { CoolingBranch } from "./records.ts";
import { type Room, roomRetryMilliseconds } from "./room.ts";
import { type Candidate, defer } from "./waiting.ts";
import { putBranch } from "./writes.ts";

/** Cuts as many cooling branches as the candidate misses slots and no cut under way will give, and lets it wait (P20). */
export const makeRoom = (draft: Draft, context: Context, candidate: Candidate, room: Room): void => {
  room.slotsMissed += Math.max(1, candidate.enis - Math.max(0, room.trunk.branchesMax - room.held));
  let wakeAt = context.now + roomRetryMilliseconds;
  while (room.slotsComing < room.slotsMissed) {
    const [oldest] = cutChoice(draft.partition, room.vlans.length - room.slotsComing, context.now);
    if (oldest === undefined) break;
    const grant = cut(draft, context, oldest);
    if (grant !== undefined) {
      wakeAt = grant;
      break;
    }
    room.slotsComing += 1;
  }
  const cooledAt = nextCooled(draft, context);
  // Slots could be made, but a branch that cools keeps its VLAN ID: types with 107 and 120 branches have few to spare.
  const lacksVlans = room.vlans.length < candidate.enis && cooledAt < Number.POSITIVE_INFINITY;
  defer(draft, context, candidate, {
    reason: lacksVlans ? "vlan-ids-cooling" : "node-full",
    wakeAt: Math.min(wakeAt, cooledAt),
    detail: lacksVlans
      ? "every free VLAN ID of the node still cools down"
      : `all ${room.trunk.branchesMax} branch ENIs of the node are held`,
  });
};

/** When the next cooling branch of the node has cooled. */
const nextCooled = (draft: Draft, context: Context): number =>
  Math.min(
    ...draft.partition.branches
      .filter((branch) => branch.status === "cooling")
      .map((branch) => branch.coolUntil)
      .filter((time) => time > context.now),
  );

/** Cuts a branch, or tells when there will be a token for it. */
const cut = (draft: Draft, context: Context, branch: CoolingBranch): number | undefined => {
  const key = `release:${branch.owner}#${branch.index}`;
  const cooled = branch.coolUntil <= context.now;
  const grant = grantFor(draft, context, {
    key,
    request: {
      cluster: context.cluster,
      unit: { DisassociateTrunkInterface: 1, ...(cooled ? { DeleteNetworkInterface: 1 } : {}) },
      units: 1,
      priority: "pod",
    },
  });
  if (grant.granted < 1) return grant.wakeAt;
  release(draft, context, branch, key);
  return undefined;
};

/** Commits the teardown of a cooling branch and lets its calls begin (P01). */
export const release = (draft: Draft, context: Context, branch: CoolingBranch, ask: string): void => {
  const { coolUntil, coolingSince: _since, unconfirmed: _unconfirmed, doubt: _doubt, ...rest } = branch;
  decideStep(draft, {
    writes: [
      putBranch(
        {
          ...rest,
          status: "releasing",
          holdsSlot: true,
          deleteNotBefore: coolUntil,
          stepDeadline: context.now + context.settings.stepDeadlineSeconds * 1_000,
        },
        branch,
      ),
    ],
    work: [{ kind: "branch", owner: branch.owner, index: branch.index, ask, fresh: false }],
  });
};
