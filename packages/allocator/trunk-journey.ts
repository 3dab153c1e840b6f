import {
  type Ec2Action,
  type Ec2Failure,
  type Ec2Result,
  type InstanceFacts,
  type NodeObserved,
  type NodeTrunkProblem,
  nodeLookAt,
  putTrunk,
  type TrunkRecord,
} from "@trunkline/core";
import { reportCall } from "./calls.ts";
import type { Dependencies } from "./dependencies.ts";
import { type Purse, takeToken } from "./tokens.ts";
import { commitTo, inTurn, reloadView, type View } from "./view.ts";

/** Repeats of one call that EC2 throttled or failed. */
const repeatsMax = 3;
/** A call that ran out of repeats or tokens is tried again so soon, milliseconds. */
const laterMilliseconds = 2_000;

export interface Journey {
  readonly dependencies: Dependencies;
  readonly view: View;
  readonly purse: Purse;
  readonly node: NodeObserved | undefined;
  instance: InstanceFacts | undefined;
}

/** Whether to go on with the next step; else somebody's message will. */
export type Onward = "onward" | "rest";

/** The failure of a call that could not be made or did not succeed. */
export type Called<Value> = { readonly value: Value } | { readonly failure?: Ec2Failure; readonly lookAt: number };

/** Makes one call with its tokens, and repeats it when that may help. */
export const called = async <Value>(
  { dependencies, purse }: Journey,
  action: Ec2Action,
  call: () => Promise<Ec2Result<Value>>,
): Promise<Called<Value>> => {
  const later = (): number => dependencies.clock.now() + laterMilliseconds;
  for (let repeats = 0; repeats < repeatsMax; repeats += 1) {
    const denied = await takeToken(dependencies, purse, action);
    if (denied !== undefined) return { lookAt: denied };
    const result = await call();
    await reportCall(dependencies, action, result);
    if (result.ok) return { value: result.value };
    const { failure } = result;
    if (failure.remedy !== "throttled" && failure.remedy !== "repeat") return { failure, lookAt: later() };
  }
  return { lookAt: later() };
};

/** How often a write is repeated on what others have written meanwhile. */
export const conflictsMax = 5;

/**
 * Writes down what the step has changed. A conflict is no answer: while the trunk is still at the same step, what others wrote is loaded and
 * the change made to it; else that step is somebody else's, whose message goes on. What meets others too often is looked at again (P08).
 */
export const write = async (
  { dependencies, view }: Journey,
  from: TrunkRecord | undefined,
  next: Omit<TrunkRecord, "version">,
): Promise<Onward> => {
  const node = { kind: "cluster-node", cluster: next.cluster, instanceId: next.instanceId, version: 1 } as const;
  if (from === undefined) {
    const writes = [putTrunk(next, from), { kind: "put", record: node, expect: [] } as const];
    return (await inTurn(view, () => commitTo(dependencies, view, writes))) === "committed" ? "onward" : "rest";
  }
  const change = changeOf(from, next);
  let current = from;
  for (let conflicts = 0; conflicts < conflictsMax; conflicts += 1) {
    const writes = [putTrunk({ ...current, ...change }, current)];
    if ((await inTurn(view, () => commitTo(dependencies, view, writes))) === "committed") return "onward";
    await reloadView(dependencies, view);
    const { trunk } = view.partition;
    if (trunk === undefined || !isSameStep(trunk, from)) return "rest";
    current = trunk;
  }
  const now = dependencies.clock.now();
  await dependencies.outbox.send([
    nodeLookAt(current, Math.max(now + laterMilliseconds, current.stepDeadline ?? now), now),
  ]);
  return "rest";
};

const changeOf = (from: TrunkRecord, next: Omit<TrunkRecord, "version">): Partial<Omit<TrunkRecord, "version">> => {
  const entries = Object.entries({ ...next, version: from.version });
  return Object.fromEntries(entries.filter(([name, value]) => from[name as keyof TrunkRecord] !== value));
};

const isSameStep = (left: TrunkRecord, right: TrunkRecord): boolean =>
  left.status === right.status &&
  left.generation === right.generation &&
  left.trunkEniId === right.trunkEniId &&
  left.stepDeadline === right.stepDeadline;

/** What is wrong with a trunk, as its node is told. */
export type TrunkProblem = Pick<NodeTrunkProblem, "reason" | "detail" | "action">;

export const tell = async (
  { dependencies, view }: Journey,
  node: Pick<TrunkRecord, "nodeName" | "nodeUid">,
  problem: TrunkProblem,
): Promise<void> => {
  const { nodeName, nodeUid } = node;
  const body = { type: "NodeTrunkProblem", instanceId: view.instanceId, nodeName, nodeUid, ...problem } as const;
  await dependencies.outbox.send([{ to: "outcomes", cluster: view.cluster, body }]);
};

/** Leaves the trunk as it is, tells a new problem once, and sends the message that will look again. */
export const rest = async (
  journey: Journey,
  trunk: TrunkRecord,
  lookAt: number,
  problem?: TrunkProblem,
): Promise<Onward> => {
  const { dependencies, view } = journey;
  const now = dependencies.clock.now();
  // The same refusal of another action is another problem.
  const text = problem && [problem.detail, problem.action ?? []].flat().join(": ");
  const next = { ...trunk, stepDeadline: lookAt, problem: text ?? trunk.problem };
  if ((await write(journey, trunk, next)) === "rest") return "rest";
  if (problem !== undefined && text !== trunk.problem) {
    await tell(journey, trunk, problem);
  }
  await dependencies.outbox.send([nodeLookAt({ ...trunk, cluster: view.cluster }, lookAt, now)]);
  return "rest";
};

/** Refusals that a new trunk meets while EC2 does not yet show everywhere what was just made or changed. */
const soonRemedies: readonly Ec2Failure["remedy"][] = ["short-retry", "look-again", "not-found"];

/** What to do when a call did not succeed: a refusal is told to the node and tried again slowly, unless a young trunk need only wait a moment. */
export const restAfter = (
  journey: Journey,
  trunk: TrunkRecord,
  { failure, lookAt }: { readonly failure?: Ec2Failure; readonly lookAt: number },
): Promise<Onward> => {
  const { clock, settings } = journey.dependencies;
  const slowly = clock.now() + settings.slotRetrySeconds * 1_000;
  const isYoung = trunk.createdAt + settings.notFoundGraceSeconds * 1_000 > clock.now();
  if (failure === undefined || (isYoung && soonRemedies.includes(failure.remedy))) return rest(journey, trunk, lookAt);
  const action = failure.code === "UnauthorizedOperation" ? failure.action : undefined;
  return rest(journey, trunk, slowly, { reason: "TrunkENICreationFailed", detail: failure.code, action });
};

export const deadline = ({ dependencies }: Journey): number =>
  dependencies.clock.now() + dependencies.settings.stepDeadlineSeconds * 1_000;
