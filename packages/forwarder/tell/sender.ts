import type { NodeEvent, PodEvent } from "@trunkline/core";
import { backoffMilliseconds, createPauses, type ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";
import { type Metrics, noMetrics } from "../ports/metrics.ts";
import { batchBytesMax, batchMax, type EventQueue, type Queues } from "../ports/queues.ts";

/** What the forwarder tells the functions. */
export type ForwarderEvent = PodEvent | Exclude<NodeEvent, { type: "NodeLook" }>;

export interface Sender {
  /**
   * Sends in the background, in batches. A newer wish of the same pod or node replaces one that still waits, since each
   * carries the whole wish.
   *
   * @param validMilliseconds an event that waits longer is dropped: a snapshot must be sent within 10 s of its list (P10).
   */
  send(event: ForwarderEvent, validMilliseconds?: number): void;
  /** Resolves when nothing waits any more, when it is stopped, or after the time; to how many events wait or are on their way. */
  drain(milliseconds: number): Promise<number>;
  /** Sends nothing more; answers what has not been sent. */
  stop(): Unsent;
}

/** Which pods and nodes a sender has left untold, in their turn. What is still true of them is for the next one to find out. */
export type Unsent = readonly string[];

export interface SenderOptions {
  readonly queues: Pick<Queues, "send">;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly serialise: (event: ForwarderEvent) => string;
  /** What the sender before left: it goes first, lest terms that are too short for everything never get to the last. */
  readonly unsentBefore?: Unsent;
}

interface Waiting {
  readonly key: string;
  readonly type: ForwarderEvent["type"];
  readonly body: string;
  readonly bytes: number;
  /** On the monotonic clock. */
  readonly voidAt: number;
}

const waitingMax = 50_000;
const drainPollMilliseconds = 10;
const batchesAtOnceMax = 4;
/** Events come in bursts: a moment's wait fills a batch. */
const lingerMilliseconds = 4;
const backoff = { firstMilliseconds: 100, mostMilliseconds: 10_000 };

/** Buffers events and sends them until SQS has accepted them. Nothing is lost while it lives and the buffer is not full. */
export const createSender = (options: SenderOptions): Sender => {
  const lanes: Record<EventQueue, Lane> = {
    "pod-events": createLane("pod-events", options),
    "node-events": createLane("node-events", options),
  };
  const pauses = createPauses(options.clock);
  return {
    send: (event, validMilliseconds = Number.POSITIVE_INFINITY) => {
      const body = options.serialise(event);
      const bytes = Buffer.byteLength(body);
      if (bytes > batchBytesMax) {
        options.log("error", "An event is too large for a message.", { type: event.type, bytes });
        options.metrics?.count("trunkline_events_total", { type: event.type, result: "dropped" });
        return;
      }
      const voidAt = options.clock.monotonic() + validMilliseconds;
      lanes[queueOf(event)].add({ key: keyOf(event), type: event.type, body, bytes, voidAt });
    },
    drain: async (milliseconds) => {
      const endsAt = options.clock.monotonic() + milliseconds;
      const left = () => Object.values(lanes).reduce((sum, lane) => sum + lane.left(), 0);
      while (left() > 0 && !pauses.ended && options.clock.monotonic() < endsAt)
        await pauses.pause(drainPollMilliseconds);
      return left();
    },
    stop: () => {
      pauses.end();
      return Object.values(lanes).flatMap((lane) => lane.stop());
    },
  };
};

interface Lane {
  add(waiting: Waiting): void;
  /** Events that wait or are on their way. */
  left(): number;
  stop(): Unsent;
}

const createLane = (queue: EventQueue, options: SenderOptions): Lane => {
  const { queues, clock, random, log, metrics = noMetrics } = options;
  const pauses = createPauses(clock);
  const waiting = new Map<string, Waiting>();
  /** Keys whose turn comes before that of all others; one that is reached once and does not wait has lost it. */
  const first = new Set(options.unsentBefore);
  const underWay = new Set<Waiting>();
  let sending = 0;
  let failures = 0;
  let isPlanned = false;

  const count = ({ type }: Waiting, result: string): void => {
    metrics.count("trunkline_events_total", { type, result });
    metrics.set("trunkline_events_waiting", { queue }, underWay.size + waiting.size);
  };

  const inTurn = function* (): Generator<Waiting> {
    for (const key of first) {
      const entry = waiting.get(key);
      if (entry === undefined) first.delete(key);
      else yield entry;
    }
    yield* waiting.values();
  };

  /** The next that fit into one message batch; what is void by now is dropped. */
  const takeBatch = (): Waiting[] => {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (const entry of inTurn()) {
      if (batch.length === batchMax || bytes + entry.bytes > batchBytesMax) break;
      waiting.delete(entry.key);
      if (entry.voidAt < clock.monotonic()) {
        count(entry, "expired");
        continue;
      }
      batch.push(entry);
      bytes += entry.bytes;
    }
    return batch;
  };

  const sendBatch = async (batch: readonly Waiting[]): Promise<void> => {
    const accepted = await queues
      .send(
        queue,
        batch.map((entry) => entry.body),
      )
      .catch((problem: unknown) => {
        log("warn", "Events were not sent; they are sent again.", { queue, problem: textOf(problem), failures });
        return [] as readonly boolean[];
      });
    const rest = batch.filter((entry, index) => accepted[index] !== true && !waiting.has(entry.key));
    failures = rest.length === 0 && accepted.length > 0 ? 0 : failures + 1;
    for (const entry of rest) waiting.set(entry.key, entry);
    for (const entry of batch) underWay.delete(entry);
    for (const [index, entry] of batch.entries()) {
      if (accepted[index] === true) count(entry, "sent");
      else count(entry, rest.includes(entry) ? "failed" : "replaced");
    }
    if (failures > 0) await pauses.pause(backoffMilliseconds(failures, random, backoff));
  };

  const plan = (): void => {
    if (isPlanned || pauses.ended || sending >= batchesAtOnceMax || waiting.size === 0) return;
    isPlanned = true;
    clock.after(waiting.size >= batchMax ? 0 : lingerMilliseconds, () => {
      isPlanned = false;
      if (!pauses.ended) void pump();
    });
  };

  const pump = async (): Promise<void> => {
    const batch = takeBatch();
    if (batch.length > 0) {
      sending += 1;
      for (const entry of batch) underWay.add(entry);
      plan();
      await sendBatch(batch);
      sending -= 1;
    }
    plan();
  };

  return {
    add: (entry) => {
      const replaced = waiting.get(entry.key);
      if (replaced === undefined && waiting.size >= waitingMax) {
        log("error", "Too many events are waiting: one is dropped; a snapshot will tell it again.", { queue });
        count(entry, "dropped");
        return;
      }
      waiting.delete(entry.key);
      waiting.set(entry.key, entry);
      if (replaced !== undefined) count(replaced, "replaced");
      metrics.set("trunkline_events_waiting", { queue }, underWay.size + waiting.size);
      plan();
    },
    left: () => underWay.size + waiting.size,
    stop: () => {
      pauses.end();
      // Whatever waits is told again by the next leader, and is no concern of this one.
      metrics.set("trunkline_events_waiting", { queue }, 0);
      return [...new Set([...inTurn(), ...underWay].map(({ key }) => key))];
    },
  };
};

const queueOf = (event: ForwarderEvent): EventQueue => {
  switch (event.type) {
    case "PodObserved":
    case "PodGone":
      return "pod-events";
    case "NodeObserved":
    case "NodeGone":
    case "NodeSnapshot":
    case "ClusterRegistered":
      return "node-events";
  }
};

/** Events with the same key replace each other while they wait. */
const keyOf = (event: ForwarderEvent): string => {
  switch (event.type) {
    case "PodObserved":
      return `${event.type} ${event.pod.podUid}`;
    case "PodGone":
      return `${event.type} ${event.podUid}`;
    case "NodeObserved":
    case "NodeGone":
    case "NodeSnapshot":
      return `${event.type} ${event.instanceId}`;
    case "ClusterRegistered":
      return event.type;
  }
};
