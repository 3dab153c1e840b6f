/** A start that failed for a reason that the person can mend. Its message is one line that says what to do. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
}

/** Turns "address in use" into a line that names the variable to change; passes anything else on. */
export function explainPort(error: unknown, what: string, variable: string, port: number): Error {
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE")
    return new StartFailure(
      `port ${port} for ${what} is in use: free it, or set ${variable} to another port (0 takes any)`,
    );
  return error instanceof Error ? error : new Error(String(error));
}
