import {
  type Advance,
  actionOf,
  advance,
  assignedOutcome,
  type BranchCall,
  type BranchWork,
  branchLookAt,
  type CallResult,
  callOn,
  type Envelope,
  nextCall,
  putBranch,
  type ReleasingBranch,
} from "@trunkline/core";
import { makeCall, reportCall } from "./calls.ts";
import type { Dependencies } from "./dependencies.ts";
import { explained } from "./refusals.ts";
import { spreadWord } from "./relief.ts";
import { type Purse, takeToken } from "./tokens.ts";
import { branchIn, commitTo, contextOf, inTurn, reloadView, touchesTrunk, type View } from "./view.ts";

/** Calls that one worker makes for one branch before it leaves the rest to a later look. */
const callsMax = 12;
/** Repeats of one call that EC2 throttled or failed. */
const repeatsMax = 3;
/** The first repeat of a call waits twice as long, milliseconds. */
const backoffMilliseconds = 50;
/** Commits of one answer that met another worker's. */
const commitsMax = 5;
/** A step that ran out of repeats is looked at again so soon, milliseconds. */
const laterMilliseconds = 2_000;

/** A branch on its way, with what its worker knows. */
interface Journey {
  readonly work: BranchWork;
  readonly purse: Purse;
  /** Whether no call with an unknown end was ever made for this intent. */
  fresh: boolean;
  attempts: number;
  /** A record that goes on without a commit of its own. */
  carried: ReleasingBranch | undefined;
}

/**
 * Carries a branch on, call by call, each followed by its commit, until it rests. Every end leaves either a record at rest or a message that
 * will look at it again (P08).
 */
export const carryBranch = async (
  dependencies: Dependencies,
  view: View,
  work: BranchWork,
  purse: Purse,
): Promise<void> => {
  const journey: Journey = { work, purse, fresh: work.fresh, attempts: 0, carried: undefined };
  let call = callFor(dependencies, view, journey);
  for (let calls = 0; call !== undefined; calls += 1) {
    const denied = calls < callsMax ? await takeToken(dependencies, purse, actionOf(call)) : laterThan(dependencies);
    if (denied !== undefined) {
      await rest(dependencies, view, journey, denied);
      return;
    }
    const answer = await makeCall(dependencies, view, call);
    journey.attempts += 1;
    await reportCall(dependencies, actionOf(call), answer);
    const result = await explained(dependencies, view, call, answer);
    const next = await settle(dependencies, view, journey, call, result);
    await spreadWord(dependencies, view, call, result);
    call = next;
  }
};

const laterThan = ({ clock }: Dependencies): number => clock.now() + laterMilliseconds;

const callFor = ({ clock }: Dependencies, view: View, { work, carried }: Journey): BranchCall | undefined =>
  nextCall(carried ?? branchIn(view, work.owner, work.index), clock.now());

/** Commits what follows from an answer and tells the next call. */
const settle = async (
  dependencies: Dependencies,
  view: View,
  journey: Journey,
  call: BranchCall,
  result: CallResult,
): Promise<BranchCall | undefined> => {
  const step = await conclude(dependencies, view, journey, call, result);
  switch (step?.kind) {
    case undefined:
      return undefined;
    case "commit":
      journey.attempts = 0;
      journey.carried = undefined;
      // A branch that was claimed again has an intent for which nobody has called yet.
      journey.fresh ||= branchIn(view, journey.work.owner, journey.work.index)?.createdAt !== call.record.createdAt;
      return callFor(dependencies, view, journey);
    case "proceed":
      journey.attempts = 0;
      journey.carried = step.record;
      return callFor(dependencies, view, journey);
    case "call":
      return step.call;
    case "repeat":
      // An answer that says nothing about the effect leaves it open whether an ENI exists.
      if (!result.ok && result.failure.remedy === "repeat") journey.fresh = false;
      if (journey.attempts < repeatsMax) {
        await dependencies.clock.sleep(backoffMilliseconds * 2 ** journey.attempts);
        return call;
      }
      await rest(dependencies, view, journey, step.lookAt);
      return undefined;
    case "rest":
      await leaveWord(dependencies, view, step);
      await rest(dependencies, view, journey, step.lookAt);
      return undefined;
  }
};

/** What a branch that rests leaves for others. A conflict is somebody else's word, and this one is not missed. */
const leaveWord = async (
  dependencies: Dependencies,
  view: View,
  { writes, envelopes }: Extract<Advance, { kind: "rest" }>,
): Promise<void> => {
  if (writes !== undefined) {
    if ((await inTurn(view, () => commitTo(dependencies, view, writes))) === "conflict") return;
  }
  if (envelopes !== undefined) await dependencies.outbox.send(envelopes);
};

/** What follows from an answer, committed. Undefined: another worker has carried the branch on. */
const conclude = async (
  dependencies: Dependencies,
  view: View,
  journey: Journey,
  call: BranchCall,
  result: CallResult,
): Promise<Advance | undefined> => {
  const { owner, index } = journey.work;
  for (let commits = 0; commits < commitsMax; commits += 1) {
    const { fresh, attempts } = journey;
    const judge = (): Advance | undefined => {
      const current = callOn(branchIn(view, owner, index), call);
      if (current === undefined) return undefined;
      return advance(view.partition, current, result, { ...contextOf(dependencies, view), fresh, attempts });
    };
    const proposal = judge();
    if (proposal?.kind !== "commit") return proposal;
    const committed = touchesTrunk(proposal.writes)
      ? await inTurn(view, () => commitStep(dependencies, view, judge()))
      : await commitStep(dependencies, view, proposal);
    if (committed !== undefined) return committed;
    await inTurn(view, () => reloadView(dependencies, view));
  }
  await rest(dependencies, view, journey, laterThan(dependencies));
  return undefined;
};

/** Undefined: the commit met another worker's. */
const commitStep = async (
  dependencies: Dependencies,
  view: View,
  step: Advance | undefined,
): Promise<Advance | undefined> => {
  if (step?.kind !== "commit") return step;
  if ((await commitTo(dependencies, view, step.writes)) === "conflict") return undefined;
  const envelopes = [...step.envelopes, ...(await completion(dependencies, view, step.mayComplete))];
  if (envelopes.length > 0) await dependencies.outbox.send(envelopes);
  return step;
};

/** The assignment of a pod with several ENIs, told by whoever finds all of them associated. */
const completion = async (
  { ledger }: Dependencies,
  view: View,
  owner: string | undefined,
): Promise<readonly Envelope[]> => {
  if (owner === undefined || view.told.has(owner)) return [];
  const envelopes = assignedOutcome(await ledger.load(view.instanceId), owner);
  if (envelopes.length === 0 || view.told.has(owner)) return [];
  view.told.add(owner);
  return envelopes;
};

/** Gives the step up until then: whoever gets the message may go on at once (P08). */
const rest = async (dependencies: Dependencies, view: View, { work }: Journey, lookAt: number): Promise<void> => {
  const record = branchIn(view, work.owner, work.index);
  if (record === undefined || !("stepDeadline" in record)) return;
  const now = dependencies.clock.now();
  const stepDeadline = Math.max(now, lookAt);
  if ((await commitTo(dependencies, view, [putBranch({ ...record, stepDeadline }, record)])) === "conflict") return;
  await dependencies.outbox.send([branchLookAt(record, stepDeadline, now)]);
};
