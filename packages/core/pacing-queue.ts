import type { ClusterName } from "./ids.ts";

/**
 * Start-time fair queueing over clusters (P17), as a fluid: the tokens that a bucket earns flow in equal streams to the
 * clusters whose work is not yet paid for. Virtual time is what has flowed to each of them.
 * Source of the idea: Goyal, Vin, Cheng, "Start-time Fair Queueing", 1996, https://doi.org/10.1145/248156.248171
 */
export interface QueueState {
  /** Rises as work is paid for, and never falls. Tokens per cluster. */
  readonly virtualTime: number;
  /** The virtual time at which the bucket was last full. Older start tags are void: nobody had to wait then. */
  readonly since: number;
  /**
   * Tokens that have flowed to the queue and have not been taken: those of clusters whose turn has come and who have
   * not come for it. Below zero while tokens of the next second are promised.
   */
  readonly due: number;
  /** Finish tag of each cluster that has unpaid work, by {@link flowOf}. All are above the virtual time. */
  readonly finishes: Readonly<Record<string, number>>;
}

export const emptyQueue: QueueState = { virtualTime: 0, since: 0, due: 0, finishes: {} };

/**
 * Short name of a cluster in the pacer's record, which has little room: FNV-1a of its name, in base 36. Should two
 * clusters ever share one (1 in 1,000,000 for 100 clusters), they share one turn.
 */
export function flowOf(cluster: ClusterName): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < cluster.length; at += 1) {
    hash = Math.imul(hash ^ cluster.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0).toString(36);
}

/** Tokens that the queue's clusters still wait for. */
export function backlogOf({ virtualTime, finishes }: QueueState): number {
  let backlog = 0;
  for (const finish of Object.values(finishes)) backlog += finish - virtualTime;
  return backlog;
}

/** Tokens that must flow before `flow` has its own up to the tag `finish`, the other clusters' streams included. */
export function workUpTo({ virtualTime, finishes }: QueueState, flow: string, finish: number): number {
  let work = Math.max(0, finish - virtualTime);
  for (const [other, theirs] of Object.entries(finishes)) {
    if (other !== flow) work += Math.max(0, Math.min(theirs, finish) - virtualTime);
  }
  return work;
}

/** Lets tokens flow, in equal streams to all that wait, and tells what is left when nobody waits any more. */
export function serve(queue: QueueState, tokens: number): { readonly queue: QueueState; readonly left: number } {
  if (tokens <= 0) return { queue, left: tokens };
  const waiting = Object.entries(queue.finishes).sort(([, one], [, other]) => one - other);
  let virtualTime = queue.virtualTime;
  let left = tokens;
  let streams = waiting.length;
  for (const [, finish] of waiting) {
    const missing = finish - virtualTime;
    if (left < missing * streams) {
      virtualTime += left / streams;
      left = 0;
      break;
    }
    left -= missing * streams;
    virtualTime = finish;
    streams -= 1;
  }
  const finishes = Object.fromEntries(waiting.slice(waiting.length - streams));
  return { queue: { ...queue, virtualTime, due: queue.due + tokens - left, finishes }, left };
}

/** A full bucket: whoever still waits may go, and the turns begin anew. */
export function relieve({ virtualTime, finishes }: QueueState): QueueState {
  const latest = Math.max(virtualTime, ...Object.values(finishes));
  return { virtualTime: latest, since: latest, due: 0, finishes: {} };
}

/** A request for so many tokens, with the tag that an earlier answer gave it. */
export interface Arrival {
  readonly flow: string;
  readonly tokens: number;
  readonly tag: number | undefined;
  /** No cluster's unpaid work grows beyond this. */
  readonly backlogMax: number;
}

/** A queue after an arrival, with the tags of its request. */
export interface Place {
  readonly queue: QueueState;
  readonly start: number;
  readonly finish: number;
}

/**
 * Gives a request its start tag and keeps its cluster's finish tag. A tag that is presented again keeps its place and
 * its work is not counted twice; one of a record that was lost counts as new. One from before the last relief goes
 * first, because its turn has come, and is counted as new work, because a relief forgets what has flowed.
 */
export function join(queue: QueueState, arrival: Arrival): Place {
  const { virtualTime, since, finishes } = queue;
  const { flow, tokens, tag = Number.POSITIVE_INFINITY, backlogMax } = arrival;
  const last = finishes[flow] ?? virtualTime;
  const isOld = tag < since;
  const start = isOld ? virtualTime : Math.min(tag, last);
  const finish = (isOld ? last : start) + tokens;
  const latest = Math.min(Math.max(last, finish), virtualTime + backlogMax);
  if (latest <= virtualTime) return { queue, start, finish };
  return { queue: { ...queue, finishes: { ...finishes, [flow]: latest } }, start, finish };
}
