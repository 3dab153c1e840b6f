import type { Clock } from "@trunkline/emulator-kubernetes/ports";

/** The machine's own time. */
export const realClock: Clock = {
  now: () => Date.now(),
  schedule: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
