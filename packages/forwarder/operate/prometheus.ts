import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type Metrics, metricCatalogue } from "../ports/metrics.ts";

/** The metrics in Prometheus's own form. */
export interface Prometheus {
  readonly metrics: Metrics;
  readonly contentType: string;
  text(): Promise<string>;
  /** The names of all metrics, those of the process included. */
  names(): readonly string[];
  /** Forgets everything; stops observing the process. */
  close(): void;
}

type Instrument =
  | { readonly kind: "counter"; readonly metric: Counter }
  | { readonly kind: "gauge"; readonly metric: Gauge }
  | { readonly kind: "histogram"; readonly metric: Histogram };

/** Keeps the metrics of one forwarder in a registry of its own, so that several can live in one process. */
export const createPrometheus = (): Prometheus => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const instruments = new Map<string, Instrument>();
  for (const [name, metric] of Object.entries(metricCatalogue)) {
    const common = { name, help: metric.help, labelNames: [...metric.labels], registers: [registry] };
    switch (metric.kind) {
      case "counter":
        instruments.set(name, { kind: "counter", metric: new Counter(common) });
        break;
      case "gauge":
        instruments.set(name, { kind: "gauge", metric: new Gauge(common) });
        break;
      case "histogram":
        instruments.set(name, {
          kind: "histogram",
          metric: new Histogram({ ...common, buckets: [...metric.buckets] }),
        });
    }
  }
  const instrument = <Kind extends Instrument["kind"]>(name: string, kind: Kind): Instrument & { kind: Kind } => {
    const found = instruments.get(name);
    if (found?.kind !== kind) throw new Error(`${name} is no ${kind}`);
    return found as Instrument & { kind: Kind };
  };
  return {
    metrics: {
      count: (name, labels, by = 1) => instrument(name, "counter").metric.inc(labels, by),
      observe: (name, labels, seconds) => instrument(name, "histogram").metric.observe(labels, seconds),
      set: (name, labels, value) => instrument(name, "gauge").metric.set(labels, value),
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
    names: () => registry.getMetricsAsArray().map(({ name }) => name),
    close: () => registry.clear(),
  };
};
