import { type Context, type Draft, decideStep } from "./decision.ts";
import type { PodFacts } from "./events.ts";
import { branded, type PodUid, type ResourceVersion } from "./ids.ts";
import { chainCopy, type Origin } from "./messages-out.ts";
import type { Outcome, WaitReason } from "./outcomes.ts";
import { branchAt } from "./partition.ts";
import type { BranchRecord, GoneBranch, WaitingBranch, Wish } from "./records.ts";
import { putBranch } from "./writes.ts";

/** A pod that wants its ENIs now. */
export interface Candidate {
  readonly podUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly enis: number;
  readonly securityGroups: readonly string[];
  readonly podVersion: ResourceVersion;
  readonly origin: Origin;
  /** The pod's record at index 0 as it is now. */
  readonly record: WaitingBranch | GoneBranch | undefined;
  /**
   * Whether a message for this pod is used up by serving it, so that a further deferral needs a copy of its own. False for a pod that
   * somebody else's message serves: its own timer goes on.
   */
  readonly spendsMessage: boolean;
}

/** Overdue by so much, a chain counts as broken and any message for the pod takes it over (P15). */
const overdueMilliseconds = 60_000;

/** Shorter waits are not worth an event. */
const toldAfterMilliseconds = 2_000;

/** Reasons that end when the node has room or a trunk: whoever makes room serves these pods (P16). */
const roomReasons: readonly WaitReason[] = ["trunk-not-ready", "node-full", "vlan-ids-cooling"];

/** Whether a chain should have woken long ago. */
export const isOverdue = (waiting: WaitingBranch, now: number): boolean => waiting.wakeAt + overdueMilliseconds < now;

/** Whether room on the node is what the pod waits for. */
export const waitsForRoom = (waiting: WaitingBranch): boolean => roomReasons.includes(waiting.reason);

/** Whether somebody else's word may end the wait: room on the node, or a look that follows relief elsewhere (P16). */
export const mayBeServed = (waiting: WaitingBranch, isLookedAt: boolean): boolean =>
  waitsForRoom(waiting) || (isLookedAt && (waiting.reason === "subnet-full" || waiting.reason === "eni-quota"));

/** A waiting pod as a candidate for room that somebody else's message found. */
export const candidateOf = (waiting: WaitingBranch, origin: Origin, spendsMessage: boolean): Candidate => ({
  podUid: waiting.owner,
  namespace: waiting.namespace,
  name: waiting.name,
  enis: waiting.enis,
  securityGroups: waiting.securityGroups,
  podVersion: waiting.podVersion,
  origin,
  record: waiting,
  spendsMessage,
});

/** A pod as an observation shows it. */
export const candidateFrom = (
  pod: PodFacts,
  origin: Origin,
  record: WaitingBranch | GoneBranch | undefined,
): Candidate => ({
  podUid: pod.podUid,
  namespace: pod.namespace,
  name: pod.name,
  enis: pod.enis,
  securityGroups: pod.securityGroups,
  podVersion: pod.resourceVersion,
  origin,
  record,
  spendsMessage: true,
});

/** Why and until when a pod is deferred. */
export interface Deferral {
  readonly reason: WaitReason;
  readonly wakeAt: number;
  readonly detail: string;
  readonly pacerTag?: number | undefined;
  /** Code of a refusal; the pod is then told that it failed, not that it waits. */
  readonly problem?: string | undefined;
  readonly action?: string | undefined;
}

/** The wish in a waiting record. */
export const wishOf = (waiting: WaitingBranch): Wish => ({
  securityGroups: waiting.securityGroups,
  reason: waiting.reason,
  since: waiting.since,
  wakeAt: waiting.wakeAt,
  chain: waiting.chain,
  pacerTag: waiting.pacerTag,
  problem: waiting.problem,
  told: waiting.told,
});

/** Whether a deferral deserves an event: a refusal always, a wait when it is more than a moment's. */
export const isWorthTelling = ({ problem, wakeAt }: Deferral, { now }: Context): boolean =>
  problem !== undefined || wakeAt - now >= toldAfterMilliseconds;

/** When an intent is first written: later than any earlier one of the same pod, so that tokens never repeat (P04, P06). */
export const intentTime = (record: BranchRecord | undefined, now: number): number =>
  record === undefined ? now : Math.max(now, record.createdAt + 1);

/** What an outcome tells of a wish. */
export type Deferred = Pick<
  WaitingBranch,
  "owner" | "namespace" | "name" | "instanceId" | "reason" | "problem" | "wakeAt"
>;

/** What a pod is told about its deferral: that it waits, or that it failed. */
export const deferralOutcome = (next: Deferred, deferral: Deferral, context: Context): Outcome => {
  const pod = {
    podUid: branded<PodUid>(next.owner),
    namespace: next.namespace,
    name: next.name,
    instanceId: next.instanceId,
  };
  const { detail, action } = deferral;
  return next.problem === undefined
    ? {
        type: "PodEniDelayed",
        ...pod,
        reason: next.reason,
        waitSeconds: Math.max(0, Math.ceil((next.wakeAt - context.now) / 1_000)),
        detail,
      }
    : { type: "PodEniFailed", ...pod, code: next.problem, detail, action };
};

/**
 * Writes a wish down as waiting and sends the copy that will wake it (P15). A pod that somebody else's message served keeps its own
 * timer, and is written again only when what it waits for has changed.
 */
export const defer = (draft: Draft, context: Context, candidate: Candidate, deferral: Deferral): void => {
  const { now, settings } = context;
  const index0 = branchAt(draft.partition, candidate.podUid, 0);
  const waiting = candidate.record?.status === "waiting" ? candidate.record : undefined;
  const changed = waiting === undefined || waiting.reason !== deferral.reason || waiting.problem !== deferral.problem;
  const ownTimer = waiting === undefined || candidate.spendsMessage || deferral.reason === "rate-limit";
  if (!ownTimer && !changed) return;
  const overdue = waiting !== undefined && isOverdue(waiting, now);
  const since = waiting === undefined || overdue ? now : waiting.since;
  const told = isWorthTelling(deferral, context);
  const next = {
    kind: "branch" as const,
    instanceId: draft.partition.instanceId,
    owner: candidate.podUid,
    index: 0,
    status: "waiting" as const,
    cluster: context.cluster,
    generation: candidate.record?.generation ?? 0,
    createdAt: waiting?.createdAt ?? intentTime(candidate.record, now),
    podVersion: candidate.podVersion,
    namespace: candidate.namespace,
    name: candidate.name,
    enis: candidate.enis,
    securityGroups: candidate.securityGroups,
    reason: deferral.reason,
    since,
    wakeAt: ownTimer ? deferral.wakeAt : waiting.wakeAt,
    chain: (waiting?.chain ?? 0) + (ownTimer ? 1 : 0),
    pacerTag: deferral.pacerTag ?? waiting?.pacerTag,
    problem: deferral.problem,
    told: told || (!changed && waiting.told),
  };
  const write = putBranch(next, index0);
  const record = (write as { record: WaitingBranch }).record;
  const news = told && (changed || !waiting.told);
  const ended = since + settings.waitMaxSeconds * 1_000 < now;
  decideStep(draft, {
    writes: [write],
    envelopes: [
      ...(ownTimer && !ended ? [chainCopy(record, candidate.origin, context)] : []),
      ...(news
        ? [{ to: "outcomes", cluster: context.cluster, body: deferralOutcome(record, deferral, context) } as const]
        : []),
    ],
  });
};
