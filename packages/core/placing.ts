import { cutChoice, reusableBranches } from "./cooling.ts";
import { type Ask, type BranchWork, type Context, type Draft, decideStep, grantFor } from "./decision.ts";
import type { VlanId } from "./ids.ts";
import { assignedOutcome } from "./messages-out.ts";
import { branchAt, holdsSlot, withWrites } from "./partition.ts";
import type { BranchRecord, BranchRequest, ClaimedBranch, CoolingBranch, GoneBranch, TrunkRecord } from "./records.ts";
import { branchRequest, isRefusal } from "./requests.ts";
import type { Write } from "./transaction.ts";
import { freeVlans, withVlans } from "./vlans.ts";
import { type Candidate, defer, intentTime, wishOf } from "./waiting.ts";
import { checkTrunk, deleteBranch, putBranch, putTrunk, type Unversioned } from "./writes.ts";

/** Branches of one claim transaction: DynamoDB takes 100 writes, one of them is the trunk (P04). */
export const branchesPerClaimMax = 99;

/** What is left of a trunk while candidates are served. */
interface Room {
  readonly trunk: TrunkRecord;
  held: number;
  /** Free VLAN IDs in the order in which they are given out. */
  readonly vlans: VlanId[];
  /** Slots that candidates miss, and slots that cuts and releases under way will give back (P20). */
  slotsMissed: number;
  slotsComing: number;
  readonly claims: {
    readonly branch: Unversioned<ClaimedBranch>;
    readonly from: BranchRecord | undefined;
    readonly ask: string;
  }[];
}

/** How soon a node that cannot take pods is tried again when nobody makes room before, milliseconds. */
const roomRetryMilliseconds = 120_000;

/**
 * Serves the candidates in their order: a cooled branch with the same request costs no call (P05), a free slot is claimed (P04), else a
 * cooling branch is cut (P20), else the pod waits (P15). All claims make one transaction.
 */
export const placeAll = (draft: Draft, context: Context, candidates: readonly Candidate[]): void => {
  const { trunk } = draft.partition;
  if (trunk === undefined || trunk.status !== "ready" || !trunk.wanted || trunk.rebuilding === true) {
    for (const candidate of candidates) deferForTrunk(draft, context, candidate);
    return;
  }
  const room = roomOf(draft, trunk);
  for (const candidate of candidates) place(draft, context, candidate, room);
  claimAll(draft, room);
};

const deferForTrunk = (draft: Draft, context: Context, candidate: Candidate): void => {
  defer(draft, context, candidate, {
    reason: "trunk-not-ready",
    wakeAt: context.now + roomRetryMilliseconds,
    detail: "the node's trunk interface is not ready",
  });
};

const roomOf = (draft: Draft, trunk: TrunkRecord): Room => ({
  trunk,
  held: trunk.held,
  vlans: [...freeVlans(trunk.vlans, trunk.lastVlan)],
  slotsMissed: 0,
  slotsComing: draft.partition.branches.filter((branch) => branch.status === "releasing" && holdsSlot(branch)).length,
  claims: [],
});

const place = (draft: Draft, context: Context, candidate: Candidate, room: Room): void => {
  const request = branchRequest(candidate, room.trunk, context.limits, context.settings);
  if (isRefusal(request)) {
    defer(draft, context, candidate, {
      reason: "refused",
      wakeAt: context.now + context.settings.refusalRetrySeconds * 1_000,
      detail: request.detail,
      problem: request.code,
    });
    return;
  }
  const cooled = reusableBranches(draft.partition, room.trunk, request, context.now);
  if (context.settings.reuseIdleSeconds > 0 && cooled.length >= candidate.enis) {
    reuse(draft, context, candidate, cooled.slice(0, candidate.enis));
    return;
  }
  if (pausedUntil(context, request) > context.now) {
    defer(draft, context, candidate, {
      reason: "subnet-full",
      wakeAt: pausedUntil(context, request),
      detail: `the subnet ${request.subnetId} has no free address`,
    });
    return;
  }
  const slotsFree = room.trunk.branchesMax - room.held;
  if (slotsFree < candidate.enis || room.vlans.length < candidate.enis) {
    makeRoom(draft, context, candidate, room);
    return;
  }
  claim(draft, context, candidate, request, room);
};

const pausedUntil = (context: Context, request: BranchRequest): number => context.probes.get(request.subnetId) ?? 0;

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

const reuse = (draft: Draft, context: Context, candidate: Candidate, cooled: readonly CoolingBranch[]): void => {
  const { trunk } = draft.partition;
  const writes: Write[] = [checkTrunk(trunk as TrunkRecord)];
  for (const [index, old] of cooled.entries()) {
    const from = branchAt(draft.partition, candidate.podUid, index);
    writes.push(endRecord(old, context));
    writes.push(
      putBranch(
        {
          kind: "branch",
          instanceId: old.instanceId,
          owner: candidate.podUid,
          index,
          status: "associated",
          generation: from?.generation ?? 0,
          createdAt: intentTime(from, context.now),
          podVersion: candidate.podVersion,
          namespace: candidate.namespace,
          name: candidate.name,
          enis: candidate.enis,
          request: old.request,
          trunkEniId: old.trunkEniId,
          vlanId: old.vlanId,
          eni: old.eni,
          associationId: old.associationId,
          associatedAt: context.now,
        },
        from,
      ),
    );
  }
  decideStep(draft, { writes, envelopes: assignedOutcome(withWrites(draft.partition, writes), candidate.podUid) });
};

/** The ask for all tokens that one pod's ENIs need. */
const branchAsk = (context: Context, candidate: Candidate): Ask => ({
  key: `branch:${candidate.podUid}`,
  request: {
    cluster: context.cluster,
    unit: { CreateNetworkInterface: 1, AssociateTrunkInterface: 1 },
    units: candidate.enis,
    priority: "pod",
    tag: candidate.record?.status === "waiting" ? candidate.record.pacerTag : undefined,
  },
});

const claim = (draft: Draft, context: Context, candidate: Candidate, request: BranchRequest, room: Room): void => {
  if (room.claims.length + candidate.enis > branchesPerClaimMax) {
    defer(draft, context, candidate, {
      reason: "rate-limit",
      wakeAt: context.now + 1_000,
      detail: "the batch is full",
    });
    return;
  }
  const ask = branchAsk(context, candidate);
  const grant = grantFor(draft, context, ask);
  if (grant.granted < candidate.enis) {
    defer(draft, context, candidate, {
      reason: "rate-limit",
      wakeAt: grant.wakeAt,
      detail: "the EC2 API rate of the account is used up",
      pacerTag: grant.tag,
    });
    return;
  }
  room.held += candidate.enis;
  for (const [index, vlanId] of room.vlans.splice(0, candidate.enis).entries()) {
    const from = branchAt(draft.partition, candidate.podUid, index);
    const branch: Unversioned<ClaimedBranch> = {
      kind: "branch",
      instanceId: draft.partition.instanceId,
      owner: candidate.podUid,
      index,
      status: "claimed",
      generation: from?.generation ?? 0,
      createdAt: intentTime(from, context.now),
      podVersion: candidate.podVersion,
      namespace: candidate.namespace,
      name: candidate.name,
      enis: candidate.enis,
      request,
      trunkEniId: room.trunk.trunkEniId as ClaimedBranch["trunkEniId"],
      vlanId,
      stepDeadline: context.now + context.settings.stepDeadlineSeconds * 1_000,
      wish: index === 0 && candidate.record?.status === "waiting" ? wishOf(candidate.record) : undefined,
    };
    room.claims.push({ branch, from, ask: ask.key });
  }
};

const claimAll = (draft: Draft, room: Room): void => {
  const { trunk, claims, held } = room;
  const last = claims.at(-1);
  if (last === undefined) return;
  const vlans = withVlans(
    trunk.vlans,
    claims.map(({ branch }) => branch.vlanId),
  );
  const work = claims.map(
    ({ branch, ask }): BranchWork => ({ kind: "branch", owner: branch.owner, index: branch.index, ask, fresh: true }),
  );
  decideStep(draft, {
    writes: [
      putTrunk({ ...trunk, held, vlans, lastVlan: last.branch.vlanId }, trunk),
      ...claims.map(({ branch, from }) => putBranch(branch, from)),
    ],
    work,
  });
};

/** Cuts as many cooling branches as the candidate misses slots and no cut under way will give, and lets it wait (P20). */
const makeRoom = (draft: Draft, context: Context, candidate: Candidate, room: Room): void => {
  room.slotsMissed += candidate.enis;
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
  const vlansFull = room.vlans.length === 0;
  defer(draft, context, candidate, {
    reason: vlansFull && room.trunk.branchesMax > room.held ? "vlan-ids-cooling" : "node-full",
    wakeAt: Math.min(wakeAt, nextCooled(draft, context)),
    detail: vlansFull
      ? "every VLAN ID of the node is taken"
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
  const { coolUntil, coolingSince: _since, unconfirmed: _unconfirmed, ...rest } = branch;
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
