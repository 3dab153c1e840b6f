/** Signals that come sooner after the first are its echo: a terminal tells the whole group, and npm tells its child again. */
const echoMilliseconds = 2_000;

/** Resolves at the first SIGINT, SIGTERM or SIGHUP, so that everything ends in good order; a later one ends the process at once. */
export function interruption(): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const hear = () => {
      const now = performance.now();
      if (firstAt !== undefined && now - firstAt > echoMilliseconds) process.exit(1);
      firstAt ??= now;
      resolve();
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, hear);
  });
}
