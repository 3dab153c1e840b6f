import { cpus, totalmem } from "node:os";
import type { Benchmark, Row } from "./benchmark.ts";
import { markdownTable } from "./table.ts";

/** When and where a benchmark was run. */
export interface Occasion {
  /** Such as `2026-11-21`. */
  readonly date: string;
  /** Processor, memory and Node's version in one line. */
  readonly machine: string;
}

/** The line about this machine. */
export const describeMachine = (): string => {
  const processors = cpus();
  const memoryGiB = (totalmem() / 2 ** 30).toFixed(0);
  const model = processors[0]?.model.trim() ?? "unknown processor";
  return `${processors.length} × ${model}, ${memoryGiB} GiB, ${process.platform} ${process.arch}, Node ${process.version}`;
};

/** Puts a benchmark's figures into a document: into the section that an earlier run wrote there, or at its end. */
export const withSection = (
  document: string,
  { name, title }: Pick<Benchmark, "name" | "title">,
  rows: readonly Row[],
  { date, machine }: Occasion,
): string => {
  const [begin, end] = [`<!-- bench ${name} -->`, `<!-- end ${name} -->`];
  const section = `${begin}\n## ${name}\n\n${title}\n\n${date}, ${machine}\n\n${markdownTable(rows)}${end}`;
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from === -1 || to < from) return `${document.trimEnd()}\n\n${section}\n`;
  return document.slice(0, from) + section + document.slice(to + end.length);
};
