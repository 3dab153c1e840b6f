import { type KubernetesApi, type WatchEnding, withQuery } from "../ports/api.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Taken } from "./copy.ts";

/**
 * How a watch ended.
 *
 * - `closed`: as watches do, or it broke; the next one goes on where it ended.
 * - `unavailable`: the server could not serve it now; the same again after a while.
 * - `doubtful`: it was silent for too long or told something that cannot be understood. The next may mend it, a list does.
 * - `expired`: only a list helps.
 */
export interface WatchResult {
  readonly end: "closed" | "unavailable" | "doubtful" | "expired";
  /** The same for people who count. */
  readonly reason: "closed" | "expired" | "refused" | "garbled" | "silent";
  /** From where the next one goes on. */
  readonly version: string;
  readonly livedMilliseconds: number;
  /** Whether anything was told that could be understood. */
  readonly hasTold: boolean;
  readonly problem?: string;
  readonly retryAfterSeconds?: number;
}

export interface WatchOptions {
  readonly api: Pick<KubernetesApi, "watch">;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly version: string;
  readonly take: (type: string, raw: unknown) => Taken;
}

/**
 * A server sends a bookmark about once a minute, though none is promised; a stream that is silent for longer may be dead
 * without saying so.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks
 */
const silenceMilliseconds = 120_000;
/** Asked of the server, so that watches end evenly; up to twice as long by jitter. */
const watchSeconds = 240;

/** Opens one watch. `close` ends it; the result tells how it ended and comes exactly once. */
export const openWatch = (options: WatchOptions): { readonly result: Promise<WatchResult>; close(): void } => {
  const { api, clock, random, path, query, take } = options;
  const startedAt = clock.monotonic();
  let { version } = options;
  let heardAt = startedAt;
  let hasTold = false;
  let cancelSilence = () => {};
  let closeStream = () => {};
  let settle: (result: WatchResult) => void = () => {};
  const result = new Promise<WatchResult>((resolve) => {
    settle = resolve;
  });

  const finish = (about: Pick<WatchResult, "end" | "reason" | "problem" | "retryAfterSeconds">): void => {
    cancelSilence();
    closeStream();
    settle({ version, livedMilliseconds: clock.monotonic() - startedAt, hasTold, ...about });
  };

  /** One timer that is set anew when it fires costs less than one per event. */
  const listenFor = (milliseconds: number): void => {
    cancelSilence = clock.after(milliseconds, () => {
      const left = heardAt + silenceMilliseconds - clock.monotonic();
      if (left > 0) listenFor(left);
      else finish({ end: "doubtful", reason: "silent", problem: `silent for ${silenceMilliseconds / 1_000} s` });
    });
  };

  const hear = (type: string, raw: unknown): void => {
    heardAt = clock.monotonic();
    const taken = take(type, raw);
    switch (taken.type) {
      case "version":
        version = taken.version;
        hasTold = true;
        return;
      case "expired":
        finish({ end: "expired", reason: "expired" });
        return;
      case "garbled":
        finish({ end: "doubtful", reason: "garbled", problem: taken.problem });
        return;
    }
  };

  listenFor(silenceMilliseconds);
  const timeoutSeconds = Math.round(watchSeconds * (1 + random()));
  closeStream = api.watch(
    withQuery(path, { ...query, watch: "true", allowWatchBookmarks: "true", resourceVersion: version, timeoutSeconds }),
    { event: hear, ended: (ending) => finish({ ...endOf(ending), ...aboutOf(ending) }) },
  );
  return { result, close: () => finish({ end: "closed", reason: "closed" }) };
};

/** 410 is the answer to an old version; other refusals of the request itself are not mended by repeating it. */
const endOf = ({ status, garbled }: WatchEnding): Pick<WatchResult, "end" | "reason"> => {
  if (garbled !== undefined) return { end: "doubtful", reason: "garbled" };
  if (status === undefined) return { end: "closed", reason: "closed" };
  if (status === 410) return { end: "expired", reason: "expired" };
  return { end: status === 429 || status >= 500 ? "unavailable" : "expired", reason: "refused" };
};

const aboutOf = ({
  status,
  garbled,
  retryAfterSeconds,
}: WatchEnding): Pick<WatchResult, "problem" | "retryAfterSeconds"> => {
  const problem = garbled ?? (status === undefined ? undefined : `HTTP status ${status}`);
  return {
    ...(problem === undefined ? {} : { problem }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
};
