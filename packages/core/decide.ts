import { type Context, type Decision, type Draft, decideStep, emptyDraft } from "./decision.ts";
import { endPod } from "./ends.ts";
import type {
  BranchLook,
  InstanceStateChanged,
  NodeGone,
  NodeLook,
  NodeObserved,
  NodeSnapshot,
  PodEvent,
} from "./events.ts";
import { changeInstance } from "./instances.ts";
import { lookAtBranch } from "./looks.ts";
import { strandBranches } from "./lost-trunks.ts";
import type { Origin } from "./messages-out.ts";
import { endNode, lookAtNode, observeNode } from "./nodes.ts";
import { type Circumstances, observePod } from "./observed.ts";
import { placeAll } from "./placing.ts";
import type { Partition, WaitingBranch } from "./records.ts";
import { compareSnapshot, reincarnate } from "./snapshots.ts";
import { tombstone } from "./tombstones.ts";
import { type Candidate, candidateOf, mayBeServed } from "./waiting.ts";
import { putBranch } from "./writes.ts";

/** An event of one instance, with what its queue tells about it. */
export type Arrival = Circumstances & {
  readonly event: PodEvent | NodeObserved | NodeGone | NodeSnapshot | NodeLook | BranchLook | InstanceStateChanged;
};

/**
 * Decides about all events of one instance at once: ends first, since they make room; then everybody who wants ENIs, those who wait for
 * room in the order in which they came (P16); then the branches whose time has come, so that a waiting pod is given a cooled branch before
 * it is torn down. Total and pure.
 */
export const decide = (partition: Partition, arrivals: readonly Arrival[], context: Context): Decision => {
  const draft = emptyDraft(partition);
  const refused = refusal(partition, context);
  if (refused !== undefined) {
    return { steps: [], asks: [], notes: [{ message: refused, fields: { instanceId: partition.instanceId } }] };
  }
  dropForeign(draft, context);
  if (context.registration !== undefined) reincarnate(draft, context, context.registration.incarnation);
  strandBranches(draft, context);
  for (const { event, receiveCount } of arrivals) {
    if (event.type === "InstanceStateChanged") changeInstance(draft, context, event);
    if (event.type === "NodeObserved") observeNode(draft, context, event);
    if (event.type === "NodeGone") endNode(draft, event);
    if (event.type === "PodGone") endPod(draft, context, event, receiveCount > 1);
  }
  const observed = arrivals.flatMap(({ event, ...circumstances }) => {
    if (event.type === "PodObserved") return observePod(draft, context, event, circumstances) ?? [];
    return event.type === "NodeSnapshot" ? compareSnapshot(draft, context, event, circumstances) : [];
  });
  const isLookedAt = arrivals.some(({ event }) => event.type === "NodeLook");
  placeAll(draft, context, queueOf(draft, observed, isLookedAt));
  for (const { look, isRedelivered } of looksOf(arrivals)) lookAtBranch(draft, context, look, isRedelivered);
  for (const { event, receiveCount } of arrivals) {
    if (event.type === "NodeLook") lookAtNode(draft, context, receiveCount > 1);
  }
  return { steps: draft.steps, asks: draft.asks, notes: draft.notes };
};

/** The branches to look at, each once: a branch that was cut has a look from its pod's end and one from the cut, due together. */
const looksOf = (arrivals: readonly Arrival[]): readonly { look: BranchLook; isRedelivered: boolean }[] => {
  const looks = new Map<string, { look: BranchLook; isRedelivered: boolean }>();
  for (const { event, receiveCount } of arrivals) {
    if (event.type !== "BranchLook") continue;
    const key = `${event.owner}#${event.index}`;
    looks.set(key, { look: event, isRedelivered: receiveCount > 1 || looks.get(key)?.isRedelivered === true });
  }
  return [...looks.values()];
};

/** An instance belongs to one cluster; a message about another cluster's instance changes nothing (S11). */
const refusal = ({ trunk }: Partition, context: Context): string | undefined => {
  if (trunk === undefined) return undefined;
  return trunk.cluster === context.cluster ? undefined : "A message about another cluster's instance was dropped.";
};

/** Pods that another cluster had on the node before its trunk told whose it is: nobody serves them (S11). */
const dropForeign = (draft: Draft, context: Context): void => {
  const { trunk, branches } = draft.partition;
  if (trunk === undefined) return;
  for (const branch of branches) {
    if (branch.status !== "waiting" || branch.cluster === trunk.cluster) continue;
    decideStep(draft, { writes: [putBranch(tombstone(branch, context), branch)] });
  }
};

/** Who is served, in order: those who waited longest first, then the new ones. One candidate per pod. */
const queueOf = (draft: Draft, observed: readonly Candidate[], isLookedAt: boolean): readonly Candidate[] => {
  const latest = new Map(observed.map((candidate) => [candidate.podUid, candidate]));
  const { trunk } = draft.partition;
  const waiting = trunk?.status === "ready" ? waitersOf(draft.partition, trunk, isLookedAt) : [];
  const pulled = waiting.filter(({ podUid }) => !latest.has(podUid));
  return [...latest.values(), ...pulled].toSorted((left, right) => sinceOf(left) - sinceOf(right));
};

const waitersOf = (partition: Partition, origin: Origin, isLookedAt: boolean): readonly Candidate[] =>
  partition.branches
    .filter((branch): branch is WaitingBranch => branch.status === "waiting" && mayBeServed(branch, isLookedAt))
    .map((waiting) => candidateOf(waiting, origin, false));

const sinceOf = (candidate: Candidate): number =>
  candidate.record?.status === "waiting" ? candidate.record.since : Number.POSITIVE_INFINITY;
