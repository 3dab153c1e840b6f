/** Writes one line about what happened. Fields never hold tokens, keys or certificates. */
export type Log = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** Writes a JSON object per line. */
export const createJsonLog =
  (write: (line: string) => void, now: () => number): Log =>
  (level, message, fields) =>
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...fields })}\n`);

/** The text of anything that was thrown. */
export const textOf = (problem: unknown): string => (problem instanceof Error ? problem.message : String(problem));
