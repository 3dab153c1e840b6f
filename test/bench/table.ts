import { type Limit, type RatioLimit, type Row, ratioOf, verdictOf } from "./benchmark.ts";

const headings = ["figure", "value", "floor", "ratio", "peer", "target", ""] as const;

/** Figures as aligned text for a terminal; ends with a line break. */
export const textTable = (rows: readonly Row[]): string => {
  const lines = [headings, ...rows.map(cellsOf)];
  const widths = headings.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? "").length)));
  const text = lines.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return text.map((line) => `${line.trimEnd()}\n`).join("");
};

/** Figures as a Markdown table; ends with a line break. */
export const markdownTable = (rows: readonly Row[]): string => {
  const lines = [headings, headings.map(() => "---"), ...rows.map(cellsOf)];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`).join("");
};

const cellsOf = (row: Row): readonly string[] => {
  const ratio = ratioOf(row);
  const verdict = verdictOf(row);
  return [
    row.figure,
    withUnit(row.value, row.unit),
    row.floor === undefined ? "" : withUnit(row.floor, row.unit),
    ratio === undefined ? "" : `${numberText(ratio)} ×`,
    row.peer ?? "",
    row.target === undefined ? "" : targetText(row.target, row.unit),
    verdict === "no target" ? "" : verdict,
  ];
};

const targetText = (target: Limit | RatioLimit, unit: string): string => {
  if ("max" in target) return `≤ ${withUnit(target.max, unit)}`;
  if ("min" in target) return `≥ ${withUnit(target.min, unit)}`;
  return `≤ ${numberText(target.maxRatio)} × floor`;
};

const withUnit = (value: number, unit: string): string => `${numberText(value)} ${unit}`.trimEnd();

const short = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4 });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Four digits are enough to compare with, and all digits before the point are kept. */
const numberText = (value: number): string => (Math.abs(value) < 1_000 ? short : whole).format(value);
