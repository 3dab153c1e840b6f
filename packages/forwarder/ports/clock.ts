/** Where the forwarder's time comes from, so that a simulation can run its logic in virtual time. */
export interface ForwarderClock {
  /** Epoch milliseconds; may jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never jumps. */
  monotonic(): number;
  /** Runs `run` once, after so many milliseconds; the returned function cancels it. */
  after(milliseconds: number, run: () => void): () => void;
}

/** The machine's own time. */
export const systemClock: ForwarderClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** A pause that {@link Pauses.end} cuts short. */
export interface Pauses {
  /** Resolves after the time, or at once when the pauses were ended. */
  pause(milliseconds: number): Promise<void>;
  /** Ends all pauses, those of the future too. */
  end(): void;
  readonly ended: boolean;
}

/** Makes pauses for one loop, so that stopping the loop does not wait for its back-off. */
export const createPauses = (clock: ForwarderClock): Pauses => {
  const waiting = new Set<() => void>();
  let ended = false;
  return {
    get ended() {
      return ended;
    },
    pause: (milliseconds) =>
      new Promise((resolve) => {
        if (ended) return resolve();
        const finish = () => {
          cancel();
          waiting.delete(finish);
          resolve();
        };
        const cancel = clock.after(milliseconds, finish);
        waiting.add(finish);
      }),
    end: () => {
      ended = true;
      for (const finish of [...waiting]) finish();
    },
  };
};

/** Back-off after so many failures in a row: doubles from `firstMilliseconds` to `mostMilliseconds`, half of it jitter. */
export const backoffMilliseconds = (
  failures: number,
  random: () => number,
  { firstMilliseconds, mostMilliseconds }: { firstMilliseconds: number; mostMilliseconds: number },
): number => {
  const whole = Math.min(firstMilliseconds * 2 ** Math.min(failures - 1, 30), mostMilliseconds);
  return whole * (0.5 + random() / 2);
};
