import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Benchmark, type Row, verdictOf } from "./benchmark.ts";
import { benchmarks } from "./benchmarks.ts";
import { describeMachine, withSection } from "./document.ts";
import { textTable } from "./table.ts";

const document = join(import.meta.dirname, "../../docs/benchmarks.md");

/** What was asked for on the command line, or why it cannot be done. */
export type Choice =
  | { readonly ok: true; readonly chosen: readonly Benchmark[]; readonly write: boolean }
  | { readonly ok: false; readonly problem: string };

/** Chooses the benchmarks that are named, in the order in which they are known; all when none is named. */
export const choose = (words: readonly string[], known: readonly Benchmark[]): Choice => {
  const names = words.filter((word) => word !== "--write");
  const strange = names.filter((name) => known.every((benchmark) => benchmark.name !== name));
  if (strange.length > 0) {
    const list = known.map(({ name, title }) => `  ${name}: ${title}\n`).join("");
    return { ok: false, problem: `no benchmark is called ${strange.join(" or ")}; these are known:\n${list}` };
  }
  const chosen = known.filter(({ name }) => names.length === 0 || names.includes(name));
  return { ok: true, chosen, write: words.includes("--write") };
};

/** Where the text of a run goes. */
export interface Screen {
  out(text: string): void;
  err(text: string): void;
  /** Keeps the figures of one benchmark. */
  keep(benchmark: Benchmark, rows: readonly Row[]): Promise<void>;
}

/**
 * Runs benchmarks one after the other; one that cannot measure does not stop the next.
 *
 * @returns whether every figure met its target.
 */
export const runAll = async (chosen: readonly Benchmark[], screen: Screen): Promise<boolean> => {
  let good = true;
  for (const benchmark of chosen) {
    const { name, title } = benchmark;
    try {
      const rows = await benchmark.run((line) => screen.err(`${name}: ${line}\n`));
      if (rows.length === 0) throw new Error("it measured nothing");
      screen.out(`${name}: ${title}\n${textTable(rows)}\n`);
      if (rows.some((row) => verdictOf(row) === "missed")) good = false;
      await screen.keep(benchmark, rows);
    } catch (problem) {
      screen.err(`${name}: cannot be measured: ${problem instanceof Error ? problem.stack : String(problem)}\n`);
      good = false;
    }
  }
  return good;
};

/** Rewrites the section of one benchmark in `docs/benchmarks.md`. */
const writeSection = async (benchmark: Benchmark, rows: readonly Row[]): Promise<void> => {
  const before = await readFile(document, "utf8");
  const date = new Date().toISOString().slice(0, 10);
  await writeFile(document, withSection(before, benchmark, rows, { date, machine: describeMachine() }));
};

/**
 * `npm run bench [-- name …] [--write]`
 *
 * @returns the exit code: 0 when every target is met, 1 when one is missed or cannot be measured, 2 for an unknown name.
 */
export const main = async (words: readonly string[]): Promise<number> => {
  const choice = choose(words, benchmarks);
  if (!choice.ok) {
    process.stderr.write(`bench: ${choice.problem}`);
    return 2;
  }
  // What a benchmark has started ends when this process does.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const good = await runAll(choice.chosen, {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    keep: async (benchmark, rows) => {
      if (choice.write) await writeSection(benchmark, rows);
    },
  });
  return good ? 0 : 1;
};
