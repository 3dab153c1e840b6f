import type { EventText } from "@trunkline/kubernetes";
import { type ApiAnswer, isPassing, isSuccess, type KubernetesApi, refusalOf } from "../ports/api.ts";
import { backoffMilliseconds, createPauses, type ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";
import { type Metrics, noMetrics } from "../ports/metrics.ts";
import { eventNameOf, eventsPathOf, type Involved, newEvent } from "./event-object.ts";

export { type Involved, involvedCniNode, involvedNode, involvedPod, involvedPolicy } from "./event-object.ts";

/** Writes events of core/v1. Never fails: an event that cannot be written is logged. */
export interface Recorder {
  record(involved: Involved, text: EventText): void;
  /** Resolves when nothing waits to be written any more, or after the time. */
  drain(milliseconds: number): Promise<void>;
  stop(): void;
}

export interface RecorderOptions {
  readonly api: KubernetesApi;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics?: Metrics;
}

interface Entry {
  readonly involved: Involved;
  readonly text: EventText;
  /** Epoch milliseconds. */
  readonly at: number;
}

const pendingMax = 5_000;
const writersMax = 4;
const triesMax = 4;
const backoff = { firstMilliseconds: 200, mostMilliseconds: 5_000 };
/** The same event again within this time is no news. */
const quietMilliseconds = 60_000;
/** Events whose time is remembered; those that were told first are forgotten. */
const toldMax = 20_000;
/** What one object may have at once, and how long until it may have one more; as generous at once as client-go. */
const eventsAtOnceMax = 25;
const eventMilliseconds = 60_000;
const objectsMax = 5_000;
const drainPollMilliseconds = 10;

/**
 * Writes events in the background, a few at a time. An event's name follows from what it says, so that a repeat raises the
 * count of the first one, also by another replica; an event that is told once stays as it is. An object that has had too
 * many events gets no more than one a minute, however they differ.
 */
export const createRecorder = ({ api, clock, random, log, metrics = noMetrics }: RecorderOptions): Recorder => {
  const pauses = createPauses(clock);
  const pending: Entry[] = [];
  const told = new Map<string, number>();
  const shares = new Map<string, { used: number; at: number }>();
  let writers = 0;

  const count = (result: "written" | "failed" | "dropped"): void =>
    metrics.count("trunkline_kubernetes_events_total", { result });

  const write = async (entry: Entry): Promise<void> => {
    for (let attempt = 1; attempt <= triesMax && !pauses.ended; attempt += 1) {
      const problem = await tryWrite(api, entry).catch(
        (thrown: unknown): Problem => ({ isPassing: true, text: textOf(thrown) }),
      );
      if (problem === undefined) {
        count("written");
        return;
      }
      if (!problem.isPassing || attempt === triesMax) {
        const { reason } = entry.text;
        count("failed");
        log("warn", "An event was not written.", { reason, object: entry.involved.name, problem: problem.text });
        return;
      }
      await pauses.pause(backoffMilliseconds(attempt, random, backoff));
    }
  };

  const work = async (): Promise<void> => {
    writers += 1;
    for (let entry = pending.shift(); entry !== undefined && !pauses.ended; entry = pending.shift()) await write(entry);
    writers -= 1;
  };

  const isNews = (involved: Involved, text: EventText): boolean => {
    const identity = `${involved.namespace}/${eventNameOf(involved, text)}`;
    const before = told.get(identity);
    const now = clock.monotonic();
    if (before !== undefined && (text.isOnce === true || now - before < quietMilliseconds)) return false;
    remember(told, identity, now, toldMax);
    return true;
  };

  const takesShare = ({ kind, uid, name }: Involved): boolean => {
    const key = `${kind} ${uid}`;
    const now = clock.monotonic();
    const before = shares.get(key) ?? { used: 0, at: now };
    const used = Math.max(0, before.used - (now - before.at) / eventMilliseconds);
    if (used > eventsAtOnceMax - 1) {
      count("dropped");
      log("debug", "An object has too many events: one is dropped.", { kind, object: name });
      return false;
    }
    remember(shares, key, { used: used + 1, at: now }, objectsMax);
    return true;
  };

  return {
    record: (involved, text) => {
      if (!isNews(involved, text) || !takesShare(involved)) return;
      if (pending.length >= pendingMax) {
        count("dropped");
        log("warn", "Too many events are waiting: one is dropped.", { reason: text.reason, object: involved.name });
        return;
      }
      pending.push({ involved, text, at: clock.now() });
      if (writers < writersMax) void work();
    },
    drain: async (milliseconds) => {
      const endsAt = clock.monotonic() + milliseconds;
      while (writers > 0 && !pauses.ended && clock.monotonic() < endsAt) await pauses.pause(drainPollMilliseconds);
    },
    stop: () => pauses.end(),
  };
};

/** Sets a value as the newest of a map that keeps so many. */
const remember = <Value>(map: Map<string, Value>, key: string, value: Value, most: number): void => {
  map.delete(key);
  const [oldest] = map.size >= most ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
  map.set(key, value);
};

interface Problem {
  readonly isPassing: boolean;
  readonly text: string;
}

const problemOf = (answer: ApiAnswer): Problem | undefined =>
  isSuccess(answer) ? undefined : { isPassing: isPassing(answer), text: refusalOf(answer) };

/** A refusal of what is under another writer's hand, or has just expired: it makes sense to begin again. */
const beginAgain = (answer: ApiAnswer): Problem | undefined => {
  const problem = problemOf(answer);
  return problem === undefined ? undefined : { ...problem, isPassing: problem.isPassing || isMoved(answer) };
};
const isMoved = ({ status }: ApiAnswer): boolean => status === 404 || status === 409;

/**
 * Undefined when the event is there. What the API server refuses for good is not tried again: a namespace that is being
 * deleted takes no events (403), nor does one that is gone (404).
 */
const tryWrite = async (api: KubernetesApi, { involved, text, at }: Entry): Promise<Problem | undefined> => {
  const path = eventsPathOf(involved);
  const event = newEvent(involved, text, at);
  const created = await api.request({ method: "POST", path, body: event });
  if (created.status !== 409) return problemOf(created);
  if (text.isOnce === true) return undefined;
  const existing = await api.request({ method: "GET", path: `${path}/${event.metadata.name}` });
  if (!isSuccess(existing)) return beginAgain(existing);
  const { count = 1, metadata } = existing.body as { count?: number; metadata?: { resourceVersion?: string } };
  const patched = await api.request({
    method: "PATCH",
    path: `${path}/${event.metadata.name}`,
    contentType: "application/merge-patch+json",
    body: {
      metadata: { resourceVersion: metadata?.resourceVersion },
      count: count + 1,
      lastTimestamp: event.lastTimestamp,
    },
  });
  return beginAgain(patched);
};
