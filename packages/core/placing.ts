import { reusableBranches } from "./cooling.ts";
import { makeRoom } from "./cutting.ts";
import { type Ask, type BranchWork, type Context, type Draft, decideStep, grantFor } from "./decision.ts";
import { isEnding, moveToOwnRecord } from "./moving.ts";
import { branchAt, branchesOf, isPlaced } from "./partition.ts";
import type { BranchRequest, ClaimedBranch } from "./records.ts";
import { branchRequest, isRefusal } from "./requests.ts";
import { reuse } from "./reusing.ts";
import { type Room, roomOf, roomRetryMilliseconds } from "./room.ts";
import { withVlans } from "./vlans.ts";
import { type Candidate, type Deferral, defer, intentTime, wishOf } from "./waiting.ts";
import { putBranch, putTrunk, type Unversioned } from "./writes.ts";

/** Branches of one claim transaction: DynamoDB takes 100 writes; one is the trunk, one may be a probe's (P04). */
export const branchesPerClaimMax = 98;

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
  const room = roomOf(draft, context, trunk);
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

const place = (draft: Draft, context: Context, candidate: Candidate, room: Room): void => {
  if (!clearOld(draft, context, candidate)) {
    defer(draft, context, candidate, {
      reason: "step-under-way",
      wakeAt: context.now + context.settings.stepDeadlineSeconds * 1_000,
      detail: "an earlier ENI of the pod is being removed",
    });
    return;
  }
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
  const slotsFree = room.trunk.branchesMax - room.held;
  if (slotsFree < candidate.enis || room.vlans.length < candidate.enis) {
    makeRoom(draft, context, candidate, room);
    return;
  }
  const { gate } = room;
  if (gate.kind === "closed" || (gate.kind === "probe" && room.claims.length > 0)) {
    defer(draft, context, candidate, keepsReason(candidate, gate.deferral));
    return;
  }
  claim(draft, context, candidate, request, room);
};

/**
 * Whether nothing stands in the place of the pod's records. ENIs on their way out move to records of their own; what has no ENI yet must first be
 * undone, or its VLAN ID would be lost with its record (P04).
 */
const clearOld = (draft: Draft, context: Context, { podUid }: Candidate): boolean => {
  for (const branch of branchesOf(draft.partition, podUid)) {
    if (isEnding(branch)) moveToOwnRecord(draft, context, branch);
    else if (isPlaced(branch)) return false;
  }
  return true;
};

/** A pod that waits for the quota, not for an address, is not told otherwise by the gate that both share. */
const keepsReason = ({ record }: Candidate, deferral: Deferral): Deferral =>
  record?.status === "waiting" && record.reason === "eni-quota" && deferral.reason === "subnet-full"
    ? { ...deferral, reason: "eni-quota" }
    : deferral;

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
  const isAsked = context.grants.has(ask.key);
  const grant = (isAsked ? undefined : room.denied) ?? grantFor(draft, context, ask);
  // Tokens for some of its ENIs are enough to begin: they would be lost if the pod waited for all at once, and the rest of its calls ask for
  // theirs one by one, before new work.
  if (grant.granted < 1) {
    room.denied = { ...grant, granted: 0 };
    defer(draft, context, candidate, {
      reason: "rate-limit",
      wakeAt: grant.wakeAt,
      detail: "the EC2 API rate of the account is used up",
      pacerTag: isAsked ? grant.tag : undefined,
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
      ...(room.gate.kind === "probe" ? [room.gate.write] : []),
    ],
    work,
  });
};
