import { commandLine, type Program, type Step } from "./program.ts";

interface Script {
  lines: string[];
  /** Seconds before the end; `Infinity` for a script that never ends. */
  remainingSeconds: number;
  exitCode: number;
}

const UNIT_SECONDS: Record<string, number> = { "": 1, s: 1, m: 60, h: 3_600, d: 86_400 };

function sleepSeconds(line: string): number {
  if (/\bwhile\b|\bsleep\s+(infinity|inf)\b|\btail\s+-f\b/.test(line)) return Number.POSITIVE_INFINITY;
  const [, digits, unit = ""] = /\bsleep\s+([0-9.]+)([smhd]?)/.exec(line) ?? [];
  return digits === undefined ? 0 : Number(digits) * (UNIT_SECONDS[unit] ?? 1);
}

function exitCode(line: string): number {
  if (/(^|\s)\/?(bin\/)?false$/.test(line)) return 1;
  return Number(/\bexit\s+(\d+)/.exec(line)?.[1] ?? 0);
}

/** A command with `echo`, `sleep` and `exit` in it: prints, waits as long as it says, and ends with that code. */
export const script: Program<Script> = {
  name: "script",
  matches: (container) => /\b(echo|sleep|exit|while|true|false)\b|\btail\s+-f\b/.test(commandLine(container)),
  listens: () => [],
  start(container) {
    const line = commandLine(container);
    const printed = [...line.matchAll(/\becho\s+("[^"]*"|'[^']*'|[^;&|]+)/g)].map(([, text = ""]) => {
      return text.trim().replace(/^(["'])(.*)\1$/, "$2");
    });
    return { lines: printed, remainingSeconds: sleepSeconds(line), exitCode: exitCode(line) };
  },
  step(state): Step<Script> {
    const ended = { ...state, lines: [], remainingSeconds: 0 };
    const { lines, remainingSeconds } = state;
    if (remainingSeconds === Number.POSITIVE_INFINITY) return { state: ended, lines, next: "idle" };
    if (remainingSeconds > 0) return { state: ended, lines, next: { afterSeconds: remainingSeconds } };
    return { state: ended, lines, next: { exitCode: state.exitCode } };
  },
};
