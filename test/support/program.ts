import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { expect, vi } from "vitest";

/** What `npm start` and `npm run demo` run. */
export const launcher = join(import.meta.dirname, "../../packages/local/launch.mjs");

/** A program that runs by itself. */
export interface Program {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly said: { output: string; errors: string };
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
}

const started: ChildProcess[] = [];

/** Runs a program of Node, in a folder and with variables of its own, and in a group of its own as a terminal does. */
export function runProgram(
  words: readonly string[],
  options: { readonly folder: string; readonly variables: Readonly<Record<string, string>> },
): Program {
  const child = spawn(process.execPath, words, {
    cwd: options.folder,
    detached: true,
    env: { PATH: process.env.PATH, ...options.variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  const said = { output: "", errors: "" };
  child.stdout?.on("data", (chunk: Buffer) => {
    said.output += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    said.errors += chunk.toString();
  });
  const ended = new Promise<number | string | null>((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
  return { child, said, ended };
}

/** Resolves when `npm start` says that it is ready; rejects when it ends before. */
export async function untilReady({ said, ended }: Program): Promise<void> {
  const patient = { timeout: 60_000, interval: 50 };
  const isReady = vi.waitFor(() => expect(said.output).toContain("Ready. Ctrl-C ends it."), patient);
  const failed = ended.then((code) => {
    throw new Error(`ended with ${code}: ${said.errors}`);
  });
  await Promise.race([isReady, failed]);
}

/** Ends what a failed test left running, with all that it started. */
export function endPrograms(): void {
  for (const child of started.splice(0)) {
    const isOver = child.exitCode !== null || child.signalCode !== null;
    if (child.pid !== undefined && !isOver) process.kill(-child.pid, "SIGKILL");
  }
}
