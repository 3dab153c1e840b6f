import type { ApiAccess, CollectionRef, KubernetesObject, WatchEvent } from "../ports.ts";
import { keyOf, uidOf } from "./objects.ts";

/** One change of a cached object. `previous` is absent for the first sight of it. */
export interface Change<T> {
  type: WatchEvent["type"];
  object: T;
  previous: T | undefined;
}

/**
 * A cache of one collection. The API server tells changes synchronously, so the cache always shows what has been
 * written, and a controller never has to expect its own writes.
 */
export interface Informer<T extends KubernetesObject> {
  get(key: string): T | undefined;
  byUid(uid: string): T | undefined;
  all(): IterableIterator<T>;
  /** The objects for which the index function gave this value. */
  indexed(value: string): T[];
  /** Listeners run in the order in which they were added, after the cache has changed. They must not throw. */
  onChange(listener: (change: Change<T>) => void): void;
}

/** Holds the caches of one control plane and ends their watches together. */
export interface Informers {
  watch<T extends KubernetesObject>(collection: CollectionRef, indexBy?: (object: T) => string[]): Informer<T>;
  /** Begins to watch, once all listeners are there. */
  start(): void;
  stop(): void;
}

interface Cache<T extends KubernetesObject> extends Informer<T> {
  apply(event: WatchEvent): void;
}

function createCache<T extends KubernetesObject>(indexBy: (object: T) => string[]): Cache<T> {
  const byKey = new Map<string, T>();
  const byUid = new Map<string, T>();
  const index = new Map<string, Map<string, T>>();
  const listeners: ((change: Change<T>) => void)[] = [];

  function unindex(object: T): void {
    for (const value of indexBy(object)) {
      const entries = index.get(value);
      entries?.delete(uidOf(object));
      if (entries?.size === 0) index.delete(value);
    }
  }

  function enindex(object: T): void {
    for (const value of indexBy(object)) {
      const entries = index.get(value) ?? new Map<string, T>();
      index.set(value, entries.set(uidOf(object), object));
    }
  }

  return {
    get: (key) => byKey.get(key),
    byUid: (uid) => byUid.get(uid),
    all: () => byKey.values(),
    indexed: (value) => [...(index.get(value)?.values() ?? [])],
    onChange: (listener) => void listeners.push(listener),
    apply(event) {
      const object = event.object as T;
      const previous = byUid.get(uidOf(object));
      if (previous !== undefined) unindex(previous);
      if (event.type === "DELETED") {
        byUid.delete(uidOf(object));
        if (byKey.get(keyOf(object))?.metadata.uid === object.metadata.uid) byKey.delete(keyOf(object));
      } else {
        byUid.set(uidOf(object), object);
        byKey.set(keyOf(object), object);
        enindex(object);
      }
      for (const listener of listeners) listener({ type: event.type, object, previous });
    },
  };
}

/** Makes the caches of one control plane. Nothing is watched before `start`. */
export function createInformers(api: ApiAccess): Informers {
  const starts: (() => () => void)[] = [];
  const stops: (() => void)[] = [];
  return {
    watch<T extends KubernetesObject>(collection: CollectionRef, indexBy: (object: T) => string[] = () => []) {
      const cache = createCache<T>(indexBy);
      starts.push(() => api.watch(collection, (event) => cache.apply(event)));
      return cache;
    },
    start() {
      for (const start of starts) stops.push(start());
    },
    stop() {
      for (const stop of stops.splice(0)) stop();
    },
  };
}
