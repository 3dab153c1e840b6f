import { type Context, type Draft, decideStep } from "./decision.ts";
import type { Delivery, PodObserved } from "./events.ts";
import { compareVersions } from "./ids.ts";
import { assignedOutcome, branchLookAt, chainCopy } from "./messages-out.ts";
import { isEnding, moveToOwnRecord } from "./moving.ts";
import { branchAt, branchesOf } from "./partition.ts";
import type {
  BranchRecord,
  ClaimedBranch,
  CoolingBranch,
  CreatedBranch,
  ReleasingBranch,
  WaitingBranch,
} from "./records.ts";
import { type Candidate, candidateFrom, candidateOf, isOverdue } from "./waiting.ts";
import { putBranch, putTrunk } from "./writes.ts";

/** What a delivery tells beside its event. */
export type Circumstances = Pick<Delivery<unknown>, "sentAt" | "receiveCount">;

/**
 * Judges an observation of a pod that wants ENIs. What is under way or done is left to its worker or told again; a pod that is to be
 * served now comes back as a candidate. On an instance that has ended nothing begins: its pods end without a word that could still come (P12).
 */
export const observePod = (
  draft: Draft,
  context: Context,
  event: PodObserved,
  circumstances: Circumstances,
): Candidate | undefined => {
  const { pod } = event;
  if (draft.partition.trunk?.status === "gone") return undefined;
  const branches = branchesOf(draft.partition, pod.podUid);
  const first = branchAt(draft.partition, pod.podUid, 0) ?? branches[0];
  if (event.chain === undefined && isStale(context, circumstances)) {
    askForSnapshot(draft, context, event);
    return undefined;
  }
  if (first === undefined) return candidateFrom(pod, event, undefined);
  const redelivered = circumstances.receiveCount > 1;
  switch (first.status) {
    case "waiting":
      return observeWaiting(draft, context, event, { waiting: first, redelivered });
    case "gone":
      return compareVersions(pod.resourceVersion, first.podVersion) > 0 ? candidateFrom(pod, event, first) : undefined;
    case "claimed":
    case "created":
    case "associated":
      observeUnderWay(draft, context, branches, redelivered);
      return undefined;
    case "cooling":
    case "releasing":
      return observeEnding(draft, context, event, first);
  }
};

const isStale = (context: Context, circumstances: Circumstances): boolean =>
  circumstances.sentAt + context.settings.staleObservationSeconds * 1_000 < context.now;

/** An instance's snapshot is asked for at most once in this time, milliseconds (P03). */
const snapshotAskMilliseconds = 60_000;

/** Asks the forwarder for the instance's snapshot, once a minute at most (P03). */
export const askForSnapshot = (
  draft: Draft,
  context: Context,
  { instanceId }: Pick<PodObserved, "instanceId">,
): void => {
  const { trunk } = draft.partition;
  const askedAt = trunk?.snapshotAskedAt ?? 0;
  if (askedAt + snapshotAskMilliseconds > context.now) return;
  decideStep(draft, {
    writes: trunk === undefined ? [] : [putTrunk({ ...trunk, snapshotAskedAt: context.now }, trunk)],
    envelopes: [{ to: "outcomes", cluster: context.cluster, body: { type: "SnapshotRequested", instanceId } }],
  });
};

interface Found {
  readonly waiting: WaitingBranch;
  readonly redelivered: boolean;
}

/** P15: the current number is served; a lower one is dropped, but a redelivery sends the next copy again. */
const observeWaiting = (
  draft: Draft,
  context: Context,
  event: PodObserved,
  { waiting, redelivered }: Found,
): Candidate | undefined => {
  const number = event.chain ?? 0;
  if (event.chain !== undefined && number >= waiting.chain) return candidateOf(waiting, event, true);
  if (isOverdue(waiting, context.now)) return candidateOf(waiting, event, true);
  if (redelivered && waiting.chain === number + 1) {
    decideStep(draft, { envelopes: [chainCopy(waiting, event, context)] });
    return undefined;
  }
  if (event.chain === undefined && hasOtherWish(event, waiting)) return candidateFrom(event.pod, event, waiting);
  return undefined;
};

const hasOtherWish = ({ pod }: PodObserved, waiting: WaitingBranch): boolean =>
  compareVersions(pod.resourceVersion, waiting.podVersion) > 0 &&
  (pod.enis !== waiting.enis || pod.securityGroups.join() !== waiting.securityGroups.join());

const observeUnderWay = (
  draft: Draft,
  context: Context,
  branches: readonly BranchRecord[],
  redelivered: boolean,
): void => {
  const underWay = branches.filter((branch) => branch.status === "claimed" || branch.status === "created");
  const [first] = branches;
  if (underWay.length === 0 && first !== undefined) {
    decideStep(draft, { envelopes: assignedOutcome(draft.partition, first.owner) });
  }
  for (const branch of underWay) {
    if (branch.stepDeadline <= context.now) takeOver(draft, context, branch);
    else if (redelivered) decideStep(draft, { envelopes: [branchLookAt(branch, branch.stepDeadline, context.now)] });
  }
};

/** Finishes a step whose worker is overdue (P08). Its tokens are asked for call by call. */
export const takeOver = (draft: Draft, context: Context, branch: ClaimedBranch | CreatedBranch): void => {
  const stepDeadline = context.now + context.settings.stepDeadlineSeconds * 1_000;
  const { owner, index } = branch;
  decideStep(draft, {
    writes: [putBranch({ ...branch, stepDeadline }, branch)],
    work: [{ kind: "branch", owner, index, ask: `step:${owner}#${index}`, fresh: false }],
  });
};

/**
 * A pod that lives, though its branch was taken for ended: the branch moves to a record of its own, so that the pod can be served (P10).
 */
const observeEnding = (
  draft: Draft,
  context: Context,
  event: PodObserved,
  first: CoolingBranch | ReleasingBranch,
): Candidate | undefined => {
  if (compareVersions(event.pod.resourceVersion, first.podVersion) <= 0) return undefined;
  const branches = branchesOf(draft.partition, event.pod.podUid);
  if (branches.some((branch) => !isEnding(branch))) return undefined;
  for (const branch of branches.filter(isEnding)) moveToOwnRecord(draft, context, branch);
  return candidateFrom(event.pod, event, undefined);
};
