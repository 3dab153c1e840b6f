import type { Clock } from "../model/time.ts";

/** The machine's clock, for the model behind the server. */
export interface RealClock extends Clock {
  /** Cancels everything that is still planned. */
  stop(): void;
}

/** Timers do not keep the process alive. */
export function createRealClock(): RealClock {
  const timers = new Set<NodeJS.Timeout>();
  return {
    now: () => Date.now(),
    schedule: (delayMs, run) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        run();
      }, delayMs).unref();
      timers.add(timer);
      return () => {
        clearTimeout(timer);
        timers.delete(timer);
      };
    },
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
