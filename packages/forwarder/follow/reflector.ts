import { type KubernetesApi, withQuery } from "../ports/api.ts";
import { backoffMilliseconds, createPauses, type ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";
import { listAll } from "./list.ts";

/** What every kept object has. */
export interface Kept {
  readonly uid: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
}

/** What has changed in the copy. `gone` carries the last state and the version at which the object was known to be gone. */
export type Change<Object extends Kept> =
  | { readonly type: "seen"; readonly object: Object; readonly previous?: Object | undefined }
  | {
      readonly type: "gone";
      readonly object: Object;
      readonly how: "deleted" | "absent-from-list";
      readonly version: string;
    };

export interface ReflectorOptions<Object extends Kept> {
  readonly api: KubernetesApi;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
  /** Such as `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** A cluster may lack this type: then it has no objects. Any other type that is not found is a failure, lest pods be lost. */
  readonly isOptional?: boolean;
  readonly project: (raw: unknown) => Object;
  readonly onChange: (change: Change<Object>) => void;
}

/** A copy of a collection that follows the API server. */
export interface Reflector<Object extends Kept> {
  start(): void;
  stop(): void;
  /** True once the first list has arrived, or the type is known to be missing. */
  isSynced(): boolean;
  get(namespace: string, name: string): Object | undefined;
  values(): IterableIterator<Object>;
}

/** A server sends a bookmark about once a minute; a stream that is silent for longer may be dead without saying so. */
const silenceMilliseconds = 120_000;
/** Asked of the server, so that watches end evenly; up to twice as long by jitter. */
const watchSeconds = 240;
/** A watch that ends sooner counts as a failure, so that a server that closes at once is not asked in a tight loop. */
const livelyMilliseconds = 1_000;
/** How often a type that the cluster does not have is looked for. */
const missingTypeMilliseconds = 5_000;
const backoff = { firstMilliseconds: 100, mostMilliseconds: 15_000 };

type WatchEnd = "expired" | "failed" | "closed";

/** How a watch ended, and whether it worked before. */
interface WatchResult {
  readonly end: WatchEnd;
  readonly lively: boolean;
}

/**
 * Follows one collection: a paged list, then watches from its version with bookmarks. A version that is too old means a
 * new list; anything else that ends a watch means the next one, after a back-off with jitter. An object that was replaced
 * under its name is gone first, and then another one is seen.
 */
export const createReflector = <Object extends Kept>(options: ReflectorOptions<Object>): Reflector<Object> => {
  const { api, clock, random, log, path, query = {}, isOptional = false, project, onChange } = options;
  const pauses = createPauses(clock);
  let objects = new Map<string, Object>();
  let version: string | undefined;
  let synced = false;
  let closeWatch: () => void = () => {};

  const seen = (object: Object): void => {
    const key = keyOf(object);
    const previous = objects.get(key);
    objects.set(key, object);
    if (previous !== undefined && previous.uid !== object.uid) {
      onChange({ type: "gone", object: previous, how: "absent-from-list", version: object.resourceVersion });
      onChange({ type: "seen", object });
    } else if (previous?.resourceVersion !== object.resourceVersion) {
      onChange({ type: "seen", object, previous });
    }
  };

  const replace = (listed: readonly Object[], listVersion: string): void => {
    const before = objects;
    objects = new Map(before);
    const kept = new Set(listed.map(keyOf));
    for (const [key, object] of before) {
      if (kept.has(key)) continue;
      objects.delete(key);
      onChange({ type: "gone", object, how: "absent-from-list", version: listVersion });
    }
    for (const object of listed) seen(object);
  };

  /** Whether the type is there. */
  const list = async (): Promise<boolean> => {
    const listing = await listAll(api, path, query, project);
    if (pauses.ended) return true;
    if (listing.ok) {
      replace(listing.objects, listing.version);
      version = listing.version;
    } else if (listing.status === 404 && isOptional) {
      replace([], "0");
    } else {
      throw new Error(`listing ${path} failed: ${listing.problem}`);
    }
    synced = true;
    return listing.ok;
  };

  const take = (type: string, raw: unknown): WatchEnd | undefined => {
    if (type === "ERROR") return (raw as { code?: number } | null)?.code === 410 ? "expired" : "failed";
    if (type === "BOOKMARK") {
      version = (raw as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion ?? version;
      return undefined;
    }
    const object = project(raw);
    version = object.resourceVersion;
    if (type !== "DELETED") {
      seen(object);
    } else if (objects.delete(keyOf(object))) {
      onChange({ type: "gone", object, how: "deleted", version: object.resourceVersion });
    }
    return undefined;
  };

  const watch = (from: string): Promise<WatchResult> =>
    new Promise((resolve) => {
      const startedAt = clock.monotonic();
      const finish = (end: WatchEnd): void => {
        cancelSilence();
        close();
        closeWatch = () => {};
        resolve({ end, lively: clock.monotonic() - startedAt >= livelyMilliseconds });
      };
      const listenOn = () => clock.after(silenceMilliseconds, () => finish("failed"));
      let cancelSilence = listenOn();
      const close = api.watch(
        withQuery(path, {
          ...query,
          watch: "true",
          allowWatchBookmarks: "true",
          resourceVersion: from,
          timeoutSeconds: Math.round(watchSeconds * (1 + random())),
        }),
        {
          event: (type, raw) => {
            cancelSilence();
            cancelSilence = listenOn();
            const end = take(type, raw);
            if (end !== undefined) finish(end);
          },
          ended: (status) => finish(status === 410 ? "expired" : status === undefined ? "closed" : "failed"),
        },
      );
      closeWatch = () => finish("closed");
    });

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!pauses.ended) {
      try {
        if (version === undefined && !(await list())) {
          await pauses.pause(missingTypeMilliseconds);
          continue;
        }
        if (pauses.ended || version === undefined) continue;
        const { end, lively } = await watch(version);
        if (end === "expired") version = undefined;
        failures = lively ? (end === "closed" ? 0 : 1) : failures + 1;
      } catch (problem) {
        version = undefined;
        failures += 1;
        log("warn", "A list of the API server failed; it is tried again.", {
          path,
          problem: textOf(problem),
          failures,
        });
      }
      if (failures > 0) await pauses.pause(backoffMilliseconds(failures, random, backoff));
    }
  };

  return {
    start: () => void run(),
    stop: () => {
      pauses.end();
      closeWatch();
    },
    isSynced: () => synced,
    get: (namespace, name) => objects.get(`${namespace}/${name}`),
    values: () => objects.values(),
  };
};

const keyOf = (object: Kept): string => `${object.namespace}/${object.name}`;
