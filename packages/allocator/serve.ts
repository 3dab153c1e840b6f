import {
  type Arrival,
  type ClusterName,
  type Decision,
  decide,
  type Envelope,
  freeVlans,
  type InstanceId,
  type Step,
  takenVlans,
  type Work,
  waitsForRoom,
} from "@trunkline/core";
import { carryBranch } from "./branch.ts";
import { defer } from "./copies.ts";
import type { Dependencies } from "./dependencies.ts";
import { parallel } from "./parallel.ts";
import { proveBranches } from "./proofs.ts";
import { emptyPurse, type Purse, purseOf } from "./tokens.ts";
import { carryTrunk } from "./trunk.ts";
import { commitTo, contextOf, inTurn, openView, reloadView, touchesTrunk, type View } from "./view.ts";

/** Loads and decisions for one node in one invocation: conflicts, and room that was made on the way. */
const roundsMax = 5;
/** Times that a decision is made again because it needs further tokens. */
const asksMax = 3;
/** Nodes of a batch that are served at the same time. */
const nodesAtOnce = 16;
/** Branches of a node whose calls run at the same time. */
const branchesAtOnce = 32;

/** An arrival with the message that brought it. */
export type Message = Arrival & { readonly messageId: string };

/** What a batch brings for one node. */
export interface Job {
  readonly instanceId: InstanceId;
  /** The queue's cluster; our own messages carry none, theirs is the trunk's. */
  readonly cluster: ClusterName | undefined;
  readonly messages: readonly Message[];
}

/** A job under way. */
interface Course {
  readonly job: Job;
  arrivals: readonly Message[];
  view: View | undefined;
  readonly purses: Map<string, Purse>;
  isDone: boolean;
  hasFailed: boolean;
}

/** Groups a batch by instance, so that one claim serves all pods of a node (P04). */
export const jobsOf = (
  messages: readonly (Message & { readonly cluster?: ClusterName | undefined })[],
): readonly Job[] => {
  const groups = Map.groupBy(messages, ({ cluster, event }) => `${cluster ?? ""}/${event.instanceId}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ instanceId: first.event.instanceId, cluster: first.cluster, messages: group }];
  });
};

/**
 * The one loop behind every function: load → decide → pacer → commit → perform → commit → publish. The tokens of all nodes of a batch are asked
 * for with one write (P17). What meets another worker is loaded and decided again, a few times; then it is deferred.
 *
 * @returns the messages that failed unexpectedly
 */
export const serve = async (dependencies: Dependencies, jobs: readonly Job[]): Promise<readonly string[]> => {
  const courses = jobs.map(
    (job): Course => ({
      job,
      arrivals: job.messages,
      view: undefined,
      purses: new Map(),
      isDone: false,
      hasFailed: false,
    }),
  );
  for (let rounds = 0; rounds < roundsMax; rounds += 1) {
    const active = courses.filter(({ isDone }) => !isDone);
    if (active.length === 0) break;
    await parallel(active, nodesAtOnce, (course) => guarded(dependencies, course, () => look(dependencies, course)));
    const decisions = await decideAll(
      dependencies,
      active.filter(({ isDone }) => !isDone),
    );
    await parallel([...decisions], nodesAtOnce, ([course, decision]) =>
      guarded(dependencies, course, () => follow(dependencies, course, decision)),
    );
  }
  await parallel(
    courses.filter(({ isDone }) => !isDone),
    nodesAtOnce,
    (course) =>
      guarded(dependencies, course, () =>
        defer(dependencies, course.job.cluster ?? course.view?.cluster, course.arrivals),
      ),
  );
  return courses
    .filter(({ hasFailed }) => hasFailed)
    .flatMap(({ job }) => job.messages.map(({ messageId }) => messageId));
};

/** One node's failure is not another's: its messages come again, the others are done. */
const guarded = async (dependencies: Dependencies, course: Course, task: () => Promise<void>): Promise<void> => {
  try {
    await task();
  } catch (error) {
    course.isDone = true;
    course.hasFailed = true;
    const { instanceId, cluster } = course.job;
    const cause = error instanceof Error ? error.message : String(error);
    dependencies.telemetry.note("error", "A node could not be served; its messages come again.", {
      instanceId,
      cluster: cluster ?? course.view?.cluster,
      cause,
    });
  }
};

const look = async (dependencies: Dependencies, course: Course): Promise<void> => {
  const { instanceId, cluster } = course.job;
  if (course.view === undefined) course.view = await openView(dependencies, instanceId, cluster);
  else await reloadView(dependencies, course.view);
  if (course.view === undefined) {
    dependencies.telemetry.note("warn", "A message about an instance without records was dropped.", { instanceId });
    course.isDone = true;
  }
};

/** Decides for all nodes, asking the pacer once for the tokens of all of them, and again only when a decision changes its mind. */
const decideAll = async (
  dependencies: Dependencies,
  courses: readonly Course[],
): Promise<ReadonlyMap<Course, Decision>> => {
  let decisions = new Map<Course, Decision>();
  for (let asks = 0; asks < asksMax; asks += 1) {
    decisions = new Map(courses.flatMap((course) => decideOne(dependencies, course)));
    const open = [...decisions].flatMap(([course, { asks }]) => asks.map((ask) => ({ course, ask })));
    if (open.length === 0) return decisions;
    const grants = await dependencies.pacer.ask(open.map(({ ask }) => ask.request));
    for (const [position, { course, ask }] of open.entries()) {
      const grant = grants[position];
      if (grant === undefined) continue;
      course.view?.grants.set(ask.key, grant);
      course.purses.set(ask.key, purseOf(ask.request, grant));
    }
  }
  return new Map([...decisions].filter(([, { asks }]) => asks.length === 0));
};

const decideOne = (dependencies: Dependencies, course: Course): readonly (readonly [Course, Decision])[] => {
  const { view, arrivals } = course;
  if (view === undefined) return [];
  return [[course, decide(view.partition, arrivals, contextOf(dependencies, view))]];
};

/** Commits a decision step by step, then carries on what it set going. */
const follow = async (dependencies: Dependencies, course: Course, decision: Decision): Promise<void> => {
  const view = course.view as View;
  for (const { message, fields } of decision.notes) dependencies.telemetry.note("warn", message, fields);
  // The view shows what is committed; the decision was made on what it shows, so that each step finds its versions.
  const work: Work[] = [];
  const envelopes: Envelope[] = [];
  let conflict = false;
  let madeRoom = false;
  for (const step of decision.steps) {
    const before = roomOf(view);
    if ((await commitStep(dependencies, view, step)) === "conflict") {
      conflict = true;
      break;
    }
    madeRoom ||= hasMadeRoom(before, roomOf(view));
    work.push(...step.work);
    envelopes.push(...step.envelopes);
  }
  if (envelopes.length > 0) await dependencies.outbox.send(envelopes);
  const before = roomOf(view);
  await parallel(work, branchesAtOnce, (task) => perform(dependencies, course, task));
  if (conflict) return;
  course.arrivals = [];
  madeRoom ||= hasMadeRoom(before, roomOf(view));
  course.isDone = !(madeRoom || decision.steps.some((step) => concernsRoom(step, view)));
};

const commitStep = async (
  dependencies: Dependencies,
  view: View,
  { writes }: Step,
): Promise<"committed" | "conflict"> => {
  if (writes.length === 0) return "committed";
  return touchesTrunk(writes)
    ? inTurn(view, () => commitTo(dependencies, view, writes))
    : commitTo(dependencies, view, writes);
};

const perform = (dependencies: Dependencies, course: Course, work: Work): Promise<void> => {
  const view = course.view as View;
  switch (work.kind) {
    case "branch": {
      const purse = course.purses.get(work.ask) ?? emptyPurse(view.cluster, "pod");
      return carryBranch(dependencies, view, work, purse);
    }
    case "proof":
      return proveBranches(dependencies, view);
    case "trunk":
      return carryTrunk(dependencies, view, work.node, emptyPurse(view.cluster, "pod"));
  }
};

/** What decides whether waiting pods can be served now. */
interface Room {
  readonly isReady: boolean;
  readonly slotsFree: number;
  readonly vlansFree: number;
}

const roomOf = ({ partition: { trunk } }: View): Room => ({
  isReady: trunk?.status === "ready",
  slotsFree: trunk === undefined ? 0 : trunk.branchesMax - trunk.held,
  vlansFree: trunk === undefined ? 0 : freeVlans(takenVlans(trunk)).length,
});

const hasMadeRoom = (before: Room, after: Room): boolean =>
  after.isReady && (!before.isReady || after.slotsFree > before.slotsFree || after.vlansFree > before.vlansFree);

/**
 * Whether a step wrote down that a pod waits for room, or that a branch of a full node may be cut. Somebody else may have done the other half since
 * this worker loaded the node: each looks again after its own write, so that one of them sees both (P16).
 */
const concernsRoom = ({ writes }: Step, { partition: { trunk } }: View): boolean =>
  writes.some((write) => {
    if (write.kind !== "put" || write.record.kind !== "branch") return false;
    if (write.record.status === "waiting") return waitsForRoom(write.record);
    return write.record.status === "cooling" && trunk !== undefined && trunk.held >= trunk.branchesMax;
  });
