import type { ApiUsers, Clock, KubernetesObject } from "../ports.ts";
import { isStatusError } from "../ports.ts";
import { nameOf, timestamp } from "./objects.ts";
import { createWorkQueue } from "./work-queue.ts";

/** What is to be told about an object. */
export interface Occurrence {
  about: KubernetesObject;
  type: "Normal" | "Warning";
  reason: string;
  message: string;
  /** Who tells it, such as `kubelet`. */
  component: string;
  host?: string;
  /** Occurrences with the same text here are one event with a count; the message itself when absent. */
  aggregateBy?: string;
  /** The part that is concerned, such as `spec.containers{nginx}`. */
  fieldPath?: string;
}

/** Writes core/v1 events. Telling never fails and never waits. */
export interface Recorder {
  tell(occurrence: Occurrence): void;
  stop(): Promise<void>;
}

/** What tells events and needs no more. */
export type Tell = (occurrence: Occurrence) => void;

interface Entry {
  name: string;
  namespace: string;
  occurrence: Occurrence;
  firstTimestamp: string;
  lastTimestamp: string;
  count: number;
  created: boolean;
}

/** Events that are remembered for counting; older ones begin a new event, as with the real recorder. */
const ENTRIES_MAX = 8_192;
const EVENTS_NAMESPACE_OF_CLUSTER_SCOPED = "default";

function aggregateKey({ about, type, reason, message, component, aggregateBy }: Occurrence): string {
  return [about.kind, about.metadata.uid, type, reason, component, aggregateBy ?? message].join("\n");
}

function toEvent(entry: Entry): KubernetesObject {
  const { about, component, host, fieldPath, type, reason, message } = entry.occurrence;
  const { namespace, uid, resourceVersion } = about.metadata;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: entry.name, namespace: entry.namespace },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      ...(namespace !== undefined && { namespace }),
      name: nameOf(about),
      // `kubectl describe node` looks for the node's name here, and kubelet writes it so.
      uid: about.kind === "Node" ? nameOf(about) : uid,
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(fieldPath !== undefined && { fieldPath }),
    },
    reason,
    message,
    type,
    source: { component, ...(host !== undefined && { host }) },
    firstTimestamp: entry.firstTimestamp,
    lastTimestamp: entry.lastTimestamp,
    count: entry.count,
    reportingComponent: component,
    reportingInstance: host ?? "",
  };
}

/** Makes a recorder that counts repeats on the first event, as `kubectl describe` shows them (`x5 over 10s`). */
export function createRecorder(api: ApiUsers, clock: Clock, onError: (error: unknown) => void): Recorder {
  const access = api.as("system:kube-controller-manager");
  const entries = new Map<string, Entry>();
  let serial = 0;

  async function write(key: string): Promise<void> {
    const entry = entries.get(key);
    if (entry === undefined) return;
    try {
      if (!entry.created) {
        entry.created = true;
        await access.create(toEvent(entry));
        return;
      }
      const { lastTimestamp, count } = entry;
      const ref = { group: "", resource: "events", namespace: entry.namespace, name: entry.name };
      await access.patch(ref, { type: "merge", body: { lastTimestamp, count, message: entry.occurrence.message } });
    } catch (error) {
      // Events are best effort: the namespace may be going, or somebody deleted the event.
      entries.delete(key);
      if (!isStatusError(error)) throw error;
    }
  }

  const queue = createWorkQueue({ clock, concurrency: 16, reconcile: write, onError });

  function tell(occurrence: Occurrence): void {
    const key = aggregateKey(occurrence);
    const now = timestamp(clock.now());
    const known = entries.get(key);
    entries.delete(key);
    if (known !== undefined) {
      entries.set(key, { ...known, occurrence, lastTimestamp: now, count: known.count + 1 });
    } else {
      serial += 1;
      // The real recorder takes nanoseconds in hexadecimal, so that events sort by name in the order of their time.
      const suffix = (BigInt(clock.now()) * 1_000_000n + BigInt(serial % 1_000_000)).toString(16);
      const namespace = occurrence.about.metadata.namespace ?? EVENTS_NAMESPACE_OF_CLUSTER_SCOPED;
      const name = `${nameOf(occurrence.about)}.${suffix}`;
      entries.set(key, {
        name,
        namespace,
        occurrence,
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
        created: false,
      });
      if (entries.size > ENTRIES_MAX) entries.delete(entries.keys().next().value ?? "");
    }
    queue.add(key);
  }

  return { tell, stop: () => queue.stop() };
}
