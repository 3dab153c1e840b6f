import type { Clock } from "../../ports.ts";

/** A clock whose time passes only when a test says so. */
export interface VirtualClock extends Clock {
  /** Runs everything that is due within so many milliseconds, in order, with the promises between. */
  advance(ms: number): Promise<void>;
  /** How many timers wait. */
  waiting(): number;
}

const START_MS = Date.UTC(2026, 0, 1);

function promisesSettle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Makes a clock that stands still at the beginning of 2026. */
export function createVirtualClock(): VirtualClock {
  let nowMs = START_MS;
  let timers: { dueMs: number; run: () => void }[] = [];

  function takeDue(untilMs: number): { dueMs: number; run: () => void }[] {
    const dueMs = timers.reduce((least, timer) => Math.min(least, timer.dueMs), Number.POSITIVE_INFINITY);
    if (dueMs > untilMs) return [];
    const due = timers.filter((timer) => timer.dueMs === dueMs);
    timers = timers.filter((timer) => timer.dueMs !== dueMs);
    nowMs = Math.max(nowMs, dueMs);
    return due;
  }

  return {
    now: () => nowMs,
    waiting: () => timers.length,
    schedule(delayMs, run) {
      const timer = { dueMs: nowMs + Math.max(0, delayMs), run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await promisesSettle();
      for (let due = takeDue(untilMs); due.length > 0; due = takeDue(untilMs)) {
        for (const { run } of due) run();
        await promisesSettle();
      }
      nowMs = untilMs;
    },
  };
}

/** A repeatable sequence of numbers in [0, 1): mulberry32. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
