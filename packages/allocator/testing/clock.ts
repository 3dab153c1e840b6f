import type { Clock, Ids } from "@trunkline/core";

/** A clock that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /** Moves the time on. */
  advance(milliseconds: number): void;
  /** Moves the time on to a moment that is not past. */
  advanceTo(time: number): void;
}

/** A fake clock; a sleep moves it on at once. */
export const createFakeClock = (start = 1_800_000_000_000): FakeClock => {
  let time = start;
  return {
    now: () => time,
    sleep: async (milliseconds) => {
      time += milliseconds;
    },
    advance: (milliseconds) => {
      time += milliseconds;
    },
    advanceTo: (moment) => {
      time = Math.max(time, moment);
    },
  };
};

/** Identifiers that count up. */
export const createFakeIds = (): Ids => {
  let last = 0;
  return {
    next: () => {
      last += 1;
      return `id-${String(last).padStart(8, "0")}`;
    },
  };
};
