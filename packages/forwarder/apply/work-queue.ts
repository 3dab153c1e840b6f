import { backoffMilliseconds, type ForwarderClock } from "../ports/clock.ts";

/** What came of a look at one key. */
export interface Work {
  /** Whether something was written, which counts against the key's share. */
  readonly isChanged: boolean;
  /** What went wrong; the key is looked at again after a back-off. */
  readonly problem?: string;
}

export interface WorkQueueOptions {
  readonly clock: ForwarderClock;
  readonly random: () => number;
  /** Looks at the key as it is now and brings it in line; a rejection is a problem like another. */
  readonly work: (key: string) => Promise<Work>;
  readonly onProblem: (key: string, problem: string) => void;
  /** Called when a key has used up its share: somebody else keeps undoing what is written. */
  readonly onContest: (key: string) => void;
}

/**
 * Keys that wait to be looked at. A key is looked at once at a time, and once more when it was added meanwhile. After a
 * failure it rests, longer each time; and however often somebody else undoes what was written, it is written six times at
 * once and from then on every ten seconds.
 */
export interface WorkQueue {
  add(key: string): void;
  forget(key: string): void;
  stop(): void;
}

const workersMax = 8;
/** More keys than a cluster has nodes; beyond, those that were added first are forgotten. */
const keysMax = 20_000;
const writesAtOnceMax = 6;
const writeMilliseconds = 10_000;
const backoff = { firstMilliseconds: 500, mostMilliseconds: 60_000 };

interface Key {
  isBusy: boolean;
  isAdded: boolean;
  failures: number;
  /** Writes that count against the share, at the time `writesAt`. */
  writes: number;
  writesAt: number;
  /** On the monotonic clock. */
  dueAt: number;
  cancel: (() => void) | undefined;
}

export const createWorkQueue = ({ clock, random, work, onProblem, onContest }: WorkQueueOptions): WorkQueue => {
  const keys = new Map<string, Key>();
  const due = new Set<string>();
  let workers = 0;
  let isStopped = false;

  const plan = (name: string, key: Key): void => {
    if (isStopped || key.isBusy || key.cancel !== undefined) return;
    const rest = key.dueAt - clock.monotonic();
    if (rest > 0) {
      key.cancel = clock.after(rest, () => {
        key.cancel = undefined;
        plan(name, key);
      });
      return;
    }
    due.add(name);
    if (workers < workersMax) void drain();
  };

  const drain = async (): Promise<void> => {
    workers += 1;
    for (const name of due) {
      due.delete(name);
      const key = keys.get(name);
      if (key !== undefined && !isStopped) await handle(name, key);
    }
    workers -= 1;
  };

  const handle = async (name: string, key: Key): Promise<void> => {
    key.isBusy = true;
    key.isAdded = false;
    const { isChanged, problem } = await work(name).catch(
      (thrown: unknown): Work => ({
        isChanged: false,
        problem: thrown instanceof Error ? thrown.message : String(thrown),
      }),
    );
    key.isBusy = false;
    const now = clock.monotonic();
    if (isChanged) countWrite(name, key, now);
    if (problem === undefined) {
      key.failures = 0;
    } else {
      key.failures += 1;
      key.isAdded = true;
      key.dueAt = Math.max(key.dueAt, now + backoffMilliseconds(key.failures, random, backoff));
      onProblem(name, problem);
    }
    if (key.isAdded && keys.get(name) === key) plan(name, key);
  };

  const countWrite = (name: string, key: Key, now: number): void => {
    key.writes = Math.max(0, key.writes - (now - key.writesAt) / writeMilliseconds) + 1;
    key.writesAt = now;
    if (key.writes <= writesAtOnceMax - 1) return;
    key.dueAt = now + writeMilliseconds;
    onContest(name);
  };

  const forget = (name: string): void => {
    keys.get(name)?.cancel?.();
    keys.delete(name);
    due.delete(name);
  };

  return {
    add: (name) => {
      let key = keys.get(name);
      if (key === undefined) {
        const [oldest] = keys.size >= keysMax ? keys.keys() : [];
        if (oldest !== undefined) forget(oldest);
        key = { isBusy: false, isAdded: false, failures: 0, writes: 0, writesAt: 0, dueAt: 0, cancel: undefined };
        keys.set(name, key);
      }
      key.isAdded = true;
      plan(name, key);
    },
    forget,
    stop: () => {
      isStopped = true;
      for (const name of [...keys.keys()]) forget(name);
    },
  };
};
