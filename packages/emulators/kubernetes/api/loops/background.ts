/** What the loops beside the API server have in common: work is queued by key, and done one key at a time. */

import type { Clock } from "../../ports.ts";
import { isStatusError } from "../../ports.ts";

/** A queue of keys; a key that waits already is not queued twice. */
export interface WorkQueue {
  add(key: string): void;
  stop(): void;
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 10_000;

/**
 * Calls `work` for each added key, never for two at once. A refusal of the API server is tried again, later and later;
 * any other error is a bug and is thrown where it is seen.
 */
export function workQueue(clock: Clock, work: (key: string) => Promise<void>): WorkQueue {
  const waiting = new Set<string>();
  const failures = new Map<string, number>();
  const timers = new Set<() => void>();
  let busy = false;
  let stopped = false;

  const retry = (key: string) => {
    const count = (failures.get(key) ?? 0) + 1;
    failures.set(key, count);
    const delayMs = Math.min(RETRY_FIRST_MS * 2 ** Math.min(count - 1, 16), RETRY_MAX_MS);
    const cancel = clock.schedule(delayMs, () => {
      timers.delete(cancel);
      add(key);
    });
    timers.add(cancel);
  };
  const drain = async () => {
    for (const key of waiting) {
      if (stopped) return;
      waiting.delete(key);
      try {
        await work(key);
        failures.delete(key);
      } catch (error) {
        if (!isStatusError(error)) throw error;
        retry(key);
      }
    }
  };
  const add = (key: string) => {
    waiting.add(key);
    if (busy || stopped) return;
    busy = true;
    // The change that queued the key is told to all watchers before the work begins.
    void Promise.resolve()
      .then(drain)
      .finally(() => {
        busy = false;
        if (waiting.size > 0) add([...waiting][0] ?? "");
      });
  };
  return {
    add,
    stop: () => {
      stopped = true;
      for (const cancel of timers) cancel();
      timers.clear();
    },
  };
}
