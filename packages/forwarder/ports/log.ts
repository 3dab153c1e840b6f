import type { ForwarderClock } from "./clock.ts";

/** How grave a line is, the least grave first. */
export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Writes one line about what happened. Fields never hold tokens, keys or certificates. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Fields of these names are never written, whoever passes them. */
const secretName = /token|authorization|password|secret|private|credential/i;
/** A longer text, such as a proxy's page, says nothing more. */
const textLengthMax = 2_000;

const fieldOf = (name: string, value: unknown): unknown => {
  if (secretName.test(name)) return "[redacted]";
  return typeof value === "string" && value.length > textLengthMax ? `${value.slice(0, textLengthMax)}…` : value;
};

/** Writes a JSON object per line: `time`, `level` and `message` first, whatever the fields are called. */
export const createJsonLog =
  (write: (line: string) => void, now: () => number): Log =>
  (level, message, fields = {}) => {
    const told = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fieldOf(name, value)]));
    const first = { time: new Date(now()).toISOString(), level, message };
    write(`${JSON.stringify({ ...first, ...told, ...first })}\n`);
  };

export interface LimitedLogOptions {
  readonly log: Log;
  readonly clock: ForwarderClock;
  /** Lines below it are left out. */
  readonly level: LogLevel;
  /** Told of each line that was left out because there were too many like it. */
  readonly onSuppressed?: () => void;
}

/** Lines with the same message that are written in one period; what comes beyond is counted. */
const linesMax = 20;
const periodMilliseconds = 10_000;
/** Messages are sentences of the code, so that there are few; more than that are not limited but not remembered either. */
const messagesMax = 1_000;

interface Period {
  lines: number;
  suppressed: number;
}

/**
 * Leaves out what is below the level and what is repeated in a hot loop: of each message so many lines a period, and at the
 * end of the period one more that says how many were left out.
 */
export const createLimitedLog = ({ log, clock, level, onSuppressed = () => {} }: LimitedLogOptions): Log => {
  const least = logLevels.indexOf(level);
  const periods = new Map<string, Period>();

  const begin = (lineLevel: LogLevel, message: string): Period => {
    const period: Period = { lines: 0, suppressed: 0 };
    if (periods.size >= messagesMax) return period;
    periods.set(message, period);
    clock.after(periodMilliseconds, () => {
      periods.delete(message);
      if (period.suppressed > 0) log(lineLevel, message, { suppressed: period.suppressed });
    });
    return period;
  };

  return (lineLevel, message, fields) => {
    if (logLevels.indexOf(lineLevel) < least) return;
    const period = periods.get(message) ?? begin(lineLevel, message);
    period.lines += 1;
    if (period.lines <= linesMax) return log(lineLevel, message, fields);
    period.suppressed += 1;
    onSuppressed();
  };
};

/** The text of anything that was thrown. */
export const textOf = (problem: unknown): string => (problem instanceof Error ? problem.message : String(problem));
