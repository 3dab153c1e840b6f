import type { MemoryTrend } from "./memory.ts";
import type { SoakOptions } from "./options.ts";

/** How far the heap's last third may be above its middle one. */
export const heapGrowthMax = 0.05;

/** What a soak has found. */
export interface SoakResult {
  readonly options: SoakOptions;
  readonly pods: number;
  /** Milliseconds from binding to annotation. */
  readonly delays: readonly number[];
  readonly faults: number;
  /** One sentence each. */
  readonly violations: readonly string[];
  readonly disagreements: readonly string[];
  readonly leftovers: readonly string[];
  /** Unhandled rejections, warnings, processes that ended, errors of the soak itself. */
  readonly troubles: readonly string[];
  readonly memory: MemoryTrend | undefined;
}

/** Whether nothing was found that must not be. A run whose memory is judged must have measured it. */
export function hasPassed(result: SoakResult): boolean {
  const { violations, disagreements, leftovers, troubles, memory, options } = result;
  const isFlat = !options.judgeMemory || (memory !== undefined && memory.heapGrowth <= heapGrowthMax);
  return isFlat && [violations, disagreements, leftovers, troubles].every((found) => found.length === 0);
}

/** The last line of a soak. */
export function summaryLine(result: SoakResult): string {
  const { options, pods, faults, violations, disagreements, leftovers, troubles, memory } = result;
  const figures = [
    `${options.minutes} min, seed ${options.seed}`,
    `${pods.toLocaleString("en")} pods`,
    `${faults.toLocaleString("en")} faults`,
    `${violations.length} violations`,
    `${disagreements.length + leftovers.length} disagreements`,
    `${troubles.length} troubles`,
    memory === undefined ? "memory not judged" : `memory ${percent(memory.heapGrowth)}`,
  ];
  return `soak: ${figures.join(", ")}: ${hasPassed(result) ? "passed" : "FAILED"}`;
}

/** Milliseconds from binding to annotation: the median, 99 of 100, and the longest. */
export function delayLine(delays: readonly number[]): string {
  const sorted = delays.toSorted((left, right) => left - right);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return `from bound to annotated: ${at(0.5)} ms median, ${at(0.99)} ms p99, ${at(1)} ms at most, of ${sorted.length} pods`;
}

/** The thirds of the process with the functions and one forwarder. */
export function memoryLine(memory: MemoryTrend | undefined): string {
  if (memory === undefined) return "memory: too few samples to compare thirds";
  const { middle, last, samples } = memory;
  return (
    `memory: heap ${mebibytes(middle.heapUsed)} MiB in the middle third and ${mebibytes(last.heapUsed)} MiB in the last ` +
    `(${percent(memory.heapGrowth)}), resident ${mebibytes(middle.rss)} and ${mebibytes(last.rss)} MiB, ${samples} samples`
  );
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
const percent = (share: number): string => `${share < 0 ? "−" : "+"}${Math.abs(share * 100).toFixed(1)} %`;
