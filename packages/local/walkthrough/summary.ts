import type { CallCounts } from "./cloud.ts";
import type { StepResult } from "./step.ts";

/** What the summary at the end is made of. */
export interface SummaryInput {
  readonly results: readonly StepResult[];
  readonly stepsTotal: number;
  readonly calls: CallCounts;
  /** Milliseconds from a pod's binding to its annotation, one for each pod that got a branch ENI. */
  readonly annotationDelays: readonly number[];
  readonly figures: ReadonlyMap<string, string>;
  readonly shortened: readonly { readonly name: string; readonly local: number; readonly production: number }[];
}

/** The value below which a share of the values lies; 0 of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** The last screen of the walk-through. */
export function summarise(input: SummaryInput): string {
  const { results, stepsTotal, annotationDelays } = input;
  const failed = results.find(({ unmet }) => unmet !== undefined);
  const calls = Object.entries(input.calls).sort(([left], [right]) => left.localeCompare(right));
  const throttled = calls.reduce((sum, [, counts]) => sum + counts.throttled, 0);
  return [
    "",
    "EC2 calls by action",
    ...calls.map(([action, counts]) => `  ${action.padEnd(36)}${String(counts.calls).padStart(5)}`),
    `  ${"throttled".padEnd(36)}${String(throttled).padStart(5)}`,
    "",
    "Figures",
    row("pods that got a branch ENI", String(annotationDelays.length)),
    row("bound to annotated, p50", `${percentile(annotationDelays, 0.5).toFixed(0)} ms`),
    row("bound to annotated, p99", `${percentile(annotationDelays, 0.99).toFixed(0)} ms`),
    ...[...input.figures].map(([name, value]) => row(name, value)),
    "",
    "Durations that the local world shortens (seconds here, in production)",
    ...input.shortened.map(({ name, local, production }) => row(name, `${local}  ${production}`)),
    "",
    failed === undefined
      ? `All ${stepsTotal} steps hold.`
      : `Step ${results.length} of ${stepsTotal} does not hold: ${failed.title}: ${failed.unmet}`,
    "",
  ].join("\n");
}

const row = (name: string, value: string): string => `  ${name.padEnd(48)}${value}`;
