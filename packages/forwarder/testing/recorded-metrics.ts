import type { Metrics } from "../ports/metrics.ts";

/** What was measured, for tests to look at. */
export interface RecordedMetrics extends Metrics {
  /** The sum or the last value of a metric with these labels; durations in order. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
  durations(name: string): readonly number[];
}

const keyOf = (name: string, labels: Readonly<Record<string, string>>): string =>
  `${name} ${JSON.stringify(Object.entries(labels).sort())}`;

export const createRecordedMetrics = (): RecordedMetrics => {
  const values = new Map<string, number>();
  const durations = new Map<string, number[]>();
  return {
    count: (name, labels, by = 1) => {
      const key = keyOf(name, labels);
      values.set(key, (values.get(key) ?? 0) + by);
    },
    set: (name, labels, value) => void values.set(keyOf(name, labels), value),
    observe: (name, _, seconds) => void durations.set(name, [...(durations.get(name) ?? []), seconds]),
    value: (name, labels = {}) => values.get(keyOf(name, labels)),
    durations: (name) => durations.get(name) ?? [],
  };
};
