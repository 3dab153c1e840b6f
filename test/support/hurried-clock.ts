/** Time that runs so many times as fast as the machine's, so that real connections meet real durations. */
export interface HurriedClock {
  /** Epoch milliseconds. */
  now(): number;
  monotonic(): number;
  after(milliseconds: number, run: () => void): () => void;
  /** The same under the name that the emulators call it by. */
  schedule(milliseconds: number, run: () => void): () => void;
}

export const createHurriedClock = (speed: number): HurriedClock => {
  const startedAt = Date.now();
  const after = (milliseconds: number, run: () => void) => {
    const timer = setTimeout(run, milliseconds / speed);
    return () => clearTimeout(timer);
  };
  return {
    now: () => startedAt + (Date.now() - startedAt) * speed,
    monotonic: () => performance.now() * speed,
    after,
    schedule: after,
  };
};
