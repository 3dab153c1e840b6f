import { setImmediate as turn } from "node:timers/promises";
import type { ForwarderClock } from "../ports/clock.ts";

/** Time that only passes when a test says so. */
export interface VirtualClock extends ForwarderClock {
  /** Lets so many milliseconds pass; what is started meanwhile is finished as far as it needs no more time. */
  advance(milliseconds: number): Promise<void>;
}

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

const epoch = Date.UTC(2026, 0, 1);

export const createVirtualClock = (): VirtualClock => {
  const timers = new Set<Timer>();
  let elapsed = 0;
  const next = (until: number): Timer | undefined =>
    [...timers].filter((timer) => timer.at <= until).sort((left, right) => left.at - right.at)[0];
  return {
    now: () => epoch + elapsed,
    monotonic: () => elapsed,
    after: (milliseconds, run) => {
      const timer = { at: elapsed + milliseconds, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: async (milliseconds) => {
      const until = elapsed + milliseconds;
      await turn();
      for (let timer = next(until); timer !== undefined; timer = next(until)) {
        timers.delete(timer);
        elapsed = Math.max(elapsed, timer.at);
        timer.run();
        await turn();
      }
      elapsed = until;
    },
  };
};
