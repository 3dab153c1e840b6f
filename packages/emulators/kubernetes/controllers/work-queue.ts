import type { Clock } from "../ports.ts";
import { isStatusError } from "../ports.ts";

/** A level-triggered queue: a key says only "look at this again", so keys that wait are one, and none is ever lost. */
export interface WorkQueue {
  add(key: string): void;
  /** Adds the key after a while. A key has one timer at most: the earlier one wins. */
  addAfter(key: string, delayMs: number): void;
  /** Forgets what waits, and resolves when what runs has ended. */
  stop(): Promise<void>;
}

/** What a queue needs to know. */
export interface WorkQueueOptions {
  clock: Clock;
  /** How many keys may be worked on at a time; one key never twice at once. */
  concurrency: number;
  reconcile(key: string): Promise<void>;
  /** Told every failure but a conflict or a missing object, which the next try settles. */
  onError(error: unknown): void;
}

const RETRY_BASE_MS = 20;
/** A failing key is tried again for ever, as controllers do, but not more often than this. */
const RETRY_MAX_MS = 5_000;

function retryDelayMs(failures: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** Math.min(failures, 20));
}

/** Makes a queue. Each pass begins in a new turn of the event loop, so that servers in this process are not starved. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock, concurrency, reconcile, onError } = options;
  const waiting = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const failures = new Map<string, number>();
  const timers = new Map<string, { dueMs: number; cancel: () => void }>();
  let passScheduled: (() => void) | undefined;
  let stopped = false;

  function schedulePass(): void {
    if (stopped || passScheduled !== undefined || waiting.size === 0 || running.size >= concurrency) return;
    passScheduled = clock.schedule(0, pass);
  }

  function pass(): void {
    passScheduled = undefined;
    for (const key of waiting) {
      if (running.size >= concurrency) break;
      if (running.has(key)) continue;
      waiting.delete(key);
      running.set(key, work(key));
    }
  }

  async function work(key: string): Promise<void> {
    try {
      await reconcile(key);
      failures.delete(key);
    } catch (error) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      addAfter(key, retryDelayMs(count));
      if (!isStatusError(error, "Conflict") && !isStatusError(error, "NotFound")) onError(error);
    } finally {
      running.delete(key);
      schedulePass();
    }
  }

  function add(key: string): void {
    if (stopped) return;
    waiting.add(key);
    schedulePass();
  }

  function addAfter(key: string, delayMs: number): void {
    if (stopped) return;
    const dueMs = clock.now() + delayMs;
    const timer = timers.get(key);
    if (timer !== undefined && timer.dueMs <= dueMs) return;
    timer?.cancel();
    const cancel = clock.schedule(delayMs, () => {
      timers.delete(key);
      add(key);
    });
    timers.set(key, { dueMs, cancel });
  }

  return {
    add,
    addAfter,
    async stop() {
      stopped = true;
      passScheduled?.();
      for (const timer of timers.values()) timer.cancel();
      timers.clear();
      waiting.clear();
      await Promise.all(running.values());
    },
  };
}
