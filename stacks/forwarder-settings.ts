import type { Queues } from "./queues.ts";

/** What the forwarder of each cluster is configured with; `sst deploy` prints it at its end. */
export function forwarderSettings({ clusters }: Queues): Record<string, Record<string, $util.Output<string>>> {
  const settings = clusters.map((queues) => [
    queues.cluster,
    {
      podEventsQueueUrl: queues["pod-events"].url,
      nodeEventsQueueUrl: queues["node-events"].url,
      outcomesQueueUrl: queues.outcomes.url,
    },
  ]);
  return Object.fromEntries(settings);
}
