import { createHash } from "node:crypto";
import { type EventText, eventComponent } from "@trunkline/kubernetes";
import { isPassing, isSuccess, type KubernetesApi } from "../ports/api.ts";
import { backoffMilliseconds, createPauses, type ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";

/** What an event is about. */
export interface Involved {
  readonly kind: "Pod" | "Node";
  /** Empty for nodes. */
  readonly namespace: string;
  readonly name: string;
  /** For a node its name, which is what `kubectl describe node` looks for. */
  readonly uid: string;
}

/** Writes events of core/v1. Never fails: an event that cannot be written is logged. */
export interface Recorder {
  record(involved: Involved, text: EventText): void;
  stop(): void;
}

export interface RecorderOptions {
  readonly api: KubernetesApi;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
}

interface Entry {
  readonly involved: Involved;
  readonly text: EventText;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Together with a dot and 16 digits the 253 characters that a name may have. */
const nameLengthMax = 236;
const pendingMax = 5_000;
const writersMax = 4;
const triesMax = 4;
const backoff = { firstMilliseconds: 200, mostMilliseconds: 5_000 };

/**
 * Writes events in the background, a few at a time. An event's name follows from what it says, so that a repeat raises the
 * count of the first one, also after a restart of the forwarder.
 */
export const createRecorder = ({ api, clock, random, log }: RecorderOptions): Recorder => {
  const pauses = createPauses(clock);
  const pending: Entry[] = [];
  let writers = 0;

  const write = async (entry: Entry): Promise<void> => {
    for (let attempt = 1; attempt <= triesMax && !pauses.ended; attempt += 1) {
      const problem = await tryWrite(api, entry).catch(textOf);
      if (problem === undefined) return;
      if (attempt === triesMax) {
        log("warn", "An event was not written.", { reason: entry.text.reason, object: entry.involved.name, problem });
      } else {
        await pauses.pause(backoffMilliseconds(attempt, random, backoff));
      }
    }
  };

  const work = async (): Promise<void> => {
    writers += 1;
    for (let entry = pending.shift(); entry !== undefined && !pauses.ended; entry = pending.shift()) await write(entry);
    writers -= 1;
  };

  return {
    record: (involved, text) => {
      if (pending.length >= pendingMax) {
        log("warn", "Too many events are waiting: one is dropped.", { reason: text.reason, object: involved.name });
        return;
      }
      pending.push({ involved, text, at: clock.now() });
      if (writers < writersMax) void work();
    },
    stop: () => pauses.end(),
  };
};

/** Undefined when written or refused for good, else the problem that may pass. */
const tryWrite = async (api: KubernetesApi, entry: Entry): Promise<string | undefined> => {
  const { involved } = entry;
  const namespace = involved.namespace || "default";
  const path = `/api/v1/namespaces/${namespace}/events`;
  const event = newEvent(entry, namespace);
  const created = await api.request({ method: "POST", path, body: event });
  if (created.status !== 409) return isPassing(created) ? `HTTP status ${created.status}` : undefined;
  const existing = await api.request({ method: "GET", path: `${path}/${event.metadata.name}` });
  if (!isSuccess(existing)) return `HTTP status ${existing.status}`;
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
  return isSuccess(patched) ? undefined : `HTTP status ${patched.status}`;
};

/** See https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/. */
const newEvent = ({ involved, text, at }: Entry, namespace: string) => {
  const time = new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
  const identity = [involved.kind, involved.uid, text.type, text.reason, text.message].join("\n");
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: {
      namespace,
      name: `${involved.name.slice(0, nameLengthMax)}.${createHash("sha256").update(identity).digest("hex").slice(0, 16)}`,
    },
    involvedObject: {
      apiVersion: "v1",
      kind: involved.kind,
      name: involved.name,
      uid: involved.uid,
      ...(involved.namespace === "" ? {} : { namespace: involved.namespace }),
    },
    ...text,
    source: { component: eventComponent },
    reportingComponent: eventComponent,
    reportingInstance: "",
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
};

/** A pod as an event names it. */
export const involvedPod = (pod: { namespace: string; name: string; uid: string }): Involved => ({
  kind: "Pod",
  namespace: pod.namespace,
  name: pod.name,
  uid: pod.uid,
});

/** A node as an event names it. */
export const involvedNode = (nodeName: string): Involved => ({
  kind: "Node",
  namespace: "",
  name: nodeName,
  uid: nodeName,
});
