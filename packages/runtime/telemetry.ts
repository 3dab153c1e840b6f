import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { Telemetry } from "@trunkline/core";

/** The namespace of every metric. */
export const metricsNamespace = "Trunkline";

/** Logs and metrics of one function: JSON lines, and CloudWatch's embedded metric format. */
export interface FunctionTelemetry {
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Makes the telemetry of a function. Fields of notes hold identifiers (cluster, instance, pod UID), never contents. */
export function createTelemetry(deployment: string): FunctionTelemetry {
  const logger = new Logger({ serviceName: deployment });
  const metrics = new Metrics({ namespace: metricsNamespace, serviceName: deployment });
  return {
    logger,
    metrics,
    telemetry: {
      count: (name, value, dimensions) => {
        const metric = dimensions === undefined ? metrics : metrics.singleMetric();
        if (dimensions !== undefined) metric.addDimensions({ ...dimensions });
        metric.addMetric(name, MetricUnit.Count, value);
      },
      note: (level, message, fields) => logger[level](message, { ...fields }),
    },
  };
}
