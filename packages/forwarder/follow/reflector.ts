import type { KubernetesApi } from "../ports/api.ts";
import { backoffMilliseconds, createPauses, type ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";
import { type Metrics, noMetrics } from "../ports/metrics.ts";
import { type Change, createCopy, type Kept } from "./copy.ts";
import { listAll } from "./list.ts";
import { openWatch, type WatchResult } from "./watch.ts";

export type { Change, Kept } from "./copy.ts";

export interface ReflectorOptions<Object extends Kept> {
  readonly api: KubernetesApi;
  readonly clock: ForwarderClock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** Default: nothing is measured. */
  readonly metrics?: Metrics;
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
  /** After this nothing is asked or told any more. */
  stop(): void;
  /** True once the first list has arrived, or the type is known to be missing. */
  isSynced(): boolean;
  get(namespace: string, name: string): Object | undefined;
  values(): IterableIterator<Object>;
  /** How many objects the copy holds. */
  size(): number;
}

/** A watch that ends sooner counts as a failure, so that a server that closes at once is not asked in a tight loop. */
const livelyMilliseconds = 1_000;
/** The same for one that ends in a list, which costs far more. */
const livelyBeforeListMilliseconds = 60_000;
/** After so many watches in a row that told nothing, or nonsense, the state is listed: a server that was restored may count anew. */
const doubtsMax = 2;
/** How often a type that the cluster does not have is looked for. */
const missingTypeMilliseconds = 5_000;
const missingTypeMessage =
  "The API server does not know a type, which counts as empty: install its CustomResourceDefinition.";
const backoff = { firstMilliseconds: 100, mostMilliseconds: 15_000 };
/** The longest wait that a server can ask for. */
const retryAfterSecondsMax = 60;
/** One failure is everyday life and is not logged. */
const failuresUnlogged = 2;

/** What the next round rests on. */
interface Progress {
  /** From where to watch; undefined: list first. */
  version: string | undefined;
  /** Failures in a row. */
  failures: number;
  /** Doubtful watches in a row. */
  doubts: number;
  /** Whether the API server did not know the type at the last list. */
  isMissing: boolean;
  /** The wait before the next round. */
  waitMilliseconds: number;
}

/**
 * Follows one collection: a paged list, then watches from its version with bookmarks. A version that is too old means a
 * new list; anything else that ends a watch means the next one, after a back-off with jitter.
 */
export const createReflector = <Object extends Kept>(options: ReflectorOptions<Object>): Reflector<Object> => {
  const { api, clock, random, log, metrics = noMetrics, path, query = {}, isOptional = false } = options;
  const { project, onChange } = options;
  const collection = path.slice(path.lastIndexOf("/") + 1);
  const pauses = createPauses(clock);
  const progress: Progress = { version: undefined, failures: 0, doubts: 0, isMissing: false, waitMilliseconds: 0 };
  let synced = false;
  let closeWatch: () => void = () => {};
  const copy = createCopy<Object>({
    project,
    onChange: (change) => {
      if (!pauses.ended) onChange(change);
    },
    onUnreadable: (name, problem) =>
      log("error", "An object cannot be read and is left as it was.", { path, name, problem: textOf(problem) }),
  });
  /** A list of many pages ends with the reflector. */
  const lists: Pick<KubernetesApi, "request"> = {
    request: async (request) => {
      if (pauses.ended) throw new Error("stopped");
      return api.request(request);
    },
  };

  const fail = (what: string, problem: string, retryAfterSeconds = 0): void => {
    progress.failures += 1;
    progress.waitMilliseconds =
      Math.min(retryAfterSeconds, retryAfterSecondsMax) * 1_000 +
      backoffMilliseconds(progress.failures, random, backoff);
    if (synced && progress.failures < failuresUnlogged) return;
    log("warn", what, { path, problem, failures: progress.failures });
  };

  const list = async (): Promise<void> => {
    const listing = await listAll(lists, path, query, copy.read);
    if (pauses.ended) return;
    if (listing.ok) {
      copy.replace(listing.objects, listing.version);
      progress.version = listing.version;
      progress.doubts = 0;
      progress.isMissing = false;
      synced = true;
    } else if (listing.status === 404 && isOptional) {
      if (!progress.isMissing) log("warn", missingTypeMessage, { path });
      progress.isMissing = true;
      copy.replace([], "0");
      progress.failures = 0;
      progress.waitMilliseconds = missingTypeMilliseconds;
      synced = true;
    } else {
      fail("A list of the API server failed; it is tried again.", listing.problem, listing.retryAfterSeconds);
    }
  };

  const watch = async (version: string): Promise<void> => {
    const { result, close } = openWatch({ api, clock, random, path, query, version, take: copy.take });
    closeWatch = close;
    const ended = await result;
    closeWatch = () => {};
    if (pauses.ended) return;
    metrics.count("trunkline_watches_ended_total", { collection, reason: ended.reason });
    learn(ended);
  };

  const learn = ({ end, version, livedMilliseconds, hasTold, problem, retryAfterSeconds }: WatchResult): void => {
    if (hasTold) progress.doubts = 0;
    if (end === "doubtful") progress.doubts += 1;
    const isListNeeded = end === "expired" || progress.doubts >= doubtsMax;
    progress.version = isListNeeded ? undefined : version;
    const isLively = livedMilliseconds >= (isListNeeded ? livelyBeforeListMilliseconds : livelyMilliseconds);
    if (isLively) progress.failures = 0;
    if (isLively && end === "closed") return;
    fail("A watch of the API server failed; it is opened again.", problem ?? end, retryAfterSeconds);
  };

  const run = async (): Promise<void> => {
    while (!pauses.ended) {
      progress.waitMilliseconds = 0;
      try {
        if (progress.version === undefined) await list();
        else await watch(progress.version);
      } catch (problem) {
        progress.version = undefined;
        if (!pauses.ended) fail("A list of the API server failed; it is tried again.", textOf(problem));
      }
      if (progress.waitMilliseconds > 0) await pauses.pause(progress.waitMilliseconds);
    }
  };

  return {
    start: () => void run(),
    stop: () => {
      pauses.end();
      closeWatch();
    },
    isSynced: () => synced,
    get: copy.get,
    values: copy.values,
    size: copy.size,
  };
};
