/** What a figure must be: at most or at least a number in the figure's unit. */
export type Limit = { readonly max: number } | { readonly min: number };

/** What a figure must be, told as a multiple of its floor. */
export interface RatioLimit {
  readonly maxRatio: number;
}

interface Figure {
  /** What was measured, such as `resident after the list`; unique in its benchmark. */
  readonly figure: string;
  readonly value: number;
  /** Such as `MB` or `ms`; empty for a count. */
  readonly unit: string;
  /** The figure of what this project is measured against, in words, such as `192 s`. */
  readonly peer?: string;
}

/**
 * One figure of a benchmark. A row with a `floor` (the best that is possible at all, in the figure's unit) is printed with
 * the ratio of the two. A row without a `target` informs and cannot fail.
 */
export type Row = Figure &
  (
    | { readonly floor?: number; readonly target?: Limit }
    | { readonly floor: number; readonly target: Limit | RatioLimit }
  );

/**
 * A benchmark: one file in this folder that exports one, with its line in `benchmarks.ts`. It measures the real code, cleans
 * up what it starts, also when it fails, and throws when it cannot measure.
 */
export interface Benchmark {
  /** What people type: `npm run bench -- <name>`. */
  readonly name: string;
  /** One line that says what is measured, on what. */
  readonly title: string;
  /** `progress` takes one line at a time about what is going on; it goes to standard error. */
  run(progress: (line: string) => void): Promise<readonly Row[]>;
}

/** How a figure compares with its target. */
export type Verdict = "met" | "missed" | "no target";

/** The figure as a multiple of its floor; nothing without a floor, or with one that nothing can be compared with. */
export const ratioOf = ({ value, floor }: Row): number | undefined =>
  floor === undefined || floor <= 0 ? undefined : value / floor;

/** Compares a figure with its target. What is no number, or has no ratio where one is asked for, misses it. */
export const verdictOf = (row: Row): Verdict => {
  const { target, value } = row;
  if (target === undefined) return "no target";
  return isWithin(target, value, ratioOf(row)) ? "met" : "missed";
};

const isWithin = (target: Limit | RatioLimit, value: number, ratio: number | undefined): boolean => {
  if ("max" in target) return value <= target.max;
  if ("min" in target) return value >= target.min;
  return ratio !== undefined && ratio <= target.maxRatio;
};
