import { backoffMilliseconds, createPauses, type ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import { type QueueName, type QueueProbe, queueNames } from "../ports/queues.ts";

export interface QueueWatchOptions {
  readonly probe: QueueProbe;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Knows which of the queues answer. */
export interface QueueWatch {
  start(): void;
  /** The queues that have not answered once since the start; each with the reason, as far as it is known. */
  neverReached(): readonly string[];
  /** The queues that did not answer the last time. */
  unreachable(): readonly string[];
  stop(): void;
}

/** A queue that answers is looked at so often. */
const everyMilliseconds = 30_000;
const backoff = { firstMilliseconds: 500, mostMilliseconds: 15_000 };

/** Looks at each queue in the background, also on a replica that does not lead: it must be able to lead at any time. */
export const createQueueWatch = (options: QueueWatchOptions): QueueWatch => {
  const { probe, clock, random, log, metrics } = options;
  const pauses = createPauses(clock);
  const reached = new Set<QueueName>();
  const problems = new Map<QueueName, string>();

  const look = async (queue: QueueName): Promise<boolean> => {
    try {
      await probe(queue);
      if (problems.delete(queue)) log("info", "A queue can be reached again.", { queue });
      reached.add(queue);
    } catch (problem) {
      problems.set(queue, textOf(problem));
    }
    const isReached = !problems.has(queue);
    metrics.set("trunkline_queue_reachable", { queue }, isReached ? 1 : 0);
    return isReached;
  };

  const follow = async (queue: QueueName): Promise<void> => {
    let failures = 0;
    while (!pauses.ended) {
      failures = (await look(queue)) ? 0 : failures + 1;
      if (failures > 0) log("warn", "A queue cannot be reached.", { queue, problem: problems.get(queue), failures });
      const pause = failures > 0 ? backoffMilliseconds(failures, random, backoff) : everyMilliseconds;
      await pauses.pause(pause);
    }
  };

  const tell = (queue: QueueName): string => `${queue} (${problems.get(queue) ?? "no answer yet"})`;
  return {
    start: () => {
      for (const queue of queueNames) void follow(queue);
    },
    neverReached: () => queueNames.filter((queue) => !reached.has(queue)).map(tell),
    unreachable: () => queueNames.filter((queue) => problems.has(queue)).map(tell),
    stop: () => pauses.end(),
  };
};
