/** A start that failed for a reason that the person can mend. Its message is one line that says what to do. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
}

/** Turns "address in use" into a line that names the variable to change; passes anything else on. */
export function explainPort(error: unknown, what: string, variable: string, port: number): Error {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const advice = `set ${variable} to another port (0 takes any)`;
  if (code === "EADDRINUSE") return new StartFailure(`port ${port} for ${what} is in use: free it, or ${advice}`);
  if (code === "EACCES") return new StartFailure(`port ${port} for ${what} is not for everybody: ${advice}`);
  return error instanceof Error ? error : new Error(String(error));
}

/** What went wrong, in one line; the cause of an error says more than the error. */
export function oneLine(error: unknown): string {
  const told = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return (told instanceof Error ? told.message : String(told)).split("\n")[0] ?? "";
}

/** What the line begins with, so that the parent of a process knows it. */
export const failurePrefix = "trunkline: ";

/** Runs a program. What the person can mend is told in one line, and the process ends with 1. */
export async function explainFailures<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    process.stderr.write(`${failurePrefix}${error.message}\n`);
    return process.exit(1);
  }
}
