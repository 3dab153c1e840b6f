/**
 * The versioned store under the API server, in place of etcd and the watch cache: one revision for everything, and per
 * collection a bounded history from which watches resume and paged lists stay consistent. Pure and synchronous.
 */

import type { KubernetesObject, WatchEvent } from "../../ports.ts";

/** One change with the state before it. */
export interface Change extends WatchEvent {
  revision: number;
  previous: KubernetesObject | undefined;
}

/** Tells a watcher each change of its collection. */
export type ChangeListener = (change: Change) => void;

interface Collection {
  objects: Map<string, KubernetesObject>;
  /** Keys in the order of lists; absent when a key came or went since it was last needed. */
  sortedKeys: string[] | undefined;
  history: Change[];
  /** Changes up to this revision are no longer in the history. */
  forgottenRevision: number;
  listeners: Set<ChangeListener>;
}

/** `namespace/name`, or `/name` for what lives in the cluster. Lists are ordered by it, as etcd orders its keys. */
export function storeKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ""}/${name}`;
}

function keyOf(object: KubernetesObject): string {
  return storeKey(object.metadata.namespace, object.metadata.name ?? "");
}

/** Objects in it are shared with all readers and are never changed in place. */
export class Store {
  readonly #collections = new Map<string, Collection>();
  readonly #historyMax: number;
  readonly #pending: { held: Collection; listeners: ChangeListener[]; change: Change }[] = [];
  #dispatching = false;
  #revision = 1;

  /** `historyMax`: how many changes a collection remembers. */
  constructor(options: { historyMax: number }) {
    this.#historyMax = options.historyMax;
  }

  /** The revision of the latest change anywhere. */
  get revision(): number {
    return this.#revision;
  }

  get(collection: string, namespace: string | undefined, name: string): KubernetesObject | undefined {
    return this.#collection(collection).objects.get(storeKey(namespace, name));
  }

  /** All objects of the collection, or of one namespace of it, in key order. */
  list(collection: string, namespace?: string): KubernetesObject[] {
    const held = this.#collection(collection);
    held.sortedKeys ??= [...held.objects.keys()].sort();
    const prefix = namespace === undefined ? "" : `${namespace}/`;
    const keys = namespace === undefined ? held.sortedKeys : held.sortedKeys.filter((key) => key.startsWith(prefix));
    return keys.flatMap((key) => held.objects.get(key) ?? []);
  }

  /** What {@link list} answered at an earlier revision, or `expired` when the history does not reach back to it. */
  listAt(collection: string, namespace: string | undefined, revision: number): KubernetesObject[] | "expired" {
    const later = this.since(collection, revision);
    if (later === "expired") return "expired";
    if (later.length === 0) return this.list(collection, namespace);
    const objects = new Map(this.list(collection).map((object) => [keyOf(object), object]));
    for (const change of later.toReversed()) {
      if (change.previous === undefined) objects.delete(keyOf(change.object));
      else objects.set(keyOf(change.object), change.previous);
    }
    return [...objects.keys()]
      .sort()
      .flatMap((key) => objects.get(key) ?? [])
      .filter((object) => namespace === undefined || object.metadata.namespace === namespace);
  }

  /** The changes after a revision, or `expired` when some of them are forgotten. */
  since(collection: string, revision: number): readonly Change[] | "expired" {
    const { history, forgottenRevision } = this.#collection(collection);
    if (revision < forgottenRevision) return "expired";
    let first = history.length;
    while (first > 0 && (history[first - 1]?.revision ?? 0) > revision) first -= 1;
    return history.slice(first);
  }

  /** The oldest revision from which a watch of the collection can resume. */
  oldestRevision(collection: string): number {
    return this.#collection(collection).forgottenRevision;
  }

  /** Stores the object under a new revision and returns it as stored. */
  put(collection: string, object: KubernetesObject): KubernetesObject {
    const held = this.#collection(collection);
    const stored = this.#revised(object);
    const key = keyOf(stored);
    const previous = held.objects.get(key);
    if (previous === undefined) held.sortedKeys = undefined;
    held.objects.set(key, stored);
    this.#record(held, { type: previous === undefined ? "ADDED" : "MODIFIED", object: stored, previous });
    return stored;
  }

  /** Removes the object; `last` is what the `DELETED` event shows. */
  remove(collection: string, last: KubernetesObject): KubernetesObject {
    const held = this.#collection(collection);
    const gone = this.#revised(last);
    const previous = held.objects.get(keyOf(last));
    held.objects.delete(keyOf(last));
    held.sortedKeys = undefined;
    this.#record(held, { type: "DELETED", object: gone, previous });
    return gone;
  }

  /** Tells every later change of the collection, in order, until the returned function is called. */
  watch(collection: string, listener: ChangeListener): () => void {
    const { listeners } = this.#collection(collection);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Forgets the history of every collection, so that each resumed watch finds itself too old. */
  forgetHistory(): void {
    this.#revision += 1;
    for (const held of this.#collections.values()) {
      held.history = [];
      held.forgottenRevision = this.#revision;
    }
  }

  #collection(name: string): Collection {
    let held = this.#collections.get(name);
    if (held === undefined) {
      held = { objects: new Map(), sortedKeys: [], history: [], forgottenRevision: 0, listeners: new Set() };
      this.#collections.set(name, held);
    }
    return held;
  }

  #revised(object: KubernetesObject): KubernetesObject {
    this.#revision += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#revision) } };
  }

  #record(held: Collection, event: Omit<Change, "revision">): void {
    const change: Change = { ...event, revision: this.#revision };
    held.history.push(change);
    // Forgetting in blocks keeps the cost of a change constant.
    if (held.history.length > this.#historyMax * 1.25) {
      const forgotten = held.history.splice(0, held.history.length - this.#historyMax);
      held.forgottenRevision = forgotten.at(-1)?.revision ?? held.forgottenRevision;
    }
    this.#pending.push({ held, listeners: [...held.listeners], change });
    this.#dispatch();
  }

  /** A listener may cause the next change; the queue keeps the order the same for every listener. */
  #dispatch(): void {
    if (this.#dispatching) return;
    this.#dispatching = true;
    try {
      for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
        for (const listener of next.listeners) if (next.held.listeners.has(listener)) listener(next.change);
      }
    } finally {
      this.#dispatching = false;
    }
  }
}
