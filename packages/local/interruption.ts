/** Signals that come sooner after the first are its echo: a terminal tells the whole group, and npm tells its child again. */
const echoMilliseconds = 2_000;

/** Whether and when the person ends the program. */
export interface Interruption {
  isHeard(): boolean;
  /** Resolves at the first signal. */
  readonly heard: Promise<void>;
}

/** Listens for SIGINT, SIGTERM and SIGHUP, so that everything ends in good order; a second one ends the process at once. */
export function listenForInterruption(): Interruption {
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  let heardAt: number | undefined;
  const hear = () => {
    const now = performance.now();
    if (heardAt !== undefined && now - heardAt > echoMilliseconds) process.exit(1);
    heardAt ??= now;
    resolve();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, hear);
  return { heard, isHeard: () => heardAt !== undefined };
}
