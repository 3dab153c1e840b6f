import { batchMax, concurrencyMax } from "@trunkline/runtime/limits";
import type { FunctionName } from "@trunkline/runtime/names";
import { consumedQueues } from "./permissions.ts";
import type { Queues } from "./queues.ts";

const consumers = ["pod-events", "node-events", "branch-cooldown", "instance-events"] as const;

/**
 * Connects each queue to its function. A function answers with the messages that it could not handle, and only those
 * are given out again.
 */
export function createEventSourceMappings(functions: Record<FunctionName, sst.aws.Function>, queues: Queues): void {
  for (const name of consumers) {
    for (const queue of consumedQueues(name, queues)) {
      queue.subscribe(functions[name].arn, {
        batch: { size: batchMax, partialResponses: true },
        transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: concurrencyMax[name] } } },
      });
    }
  }
}
