import { type ClusterEntry, defaultSlug, type FunctionName } from "@trunkline/runtime/names";
import { worldDurations } from "./durations.ts";
import { lambdaContext, type QueueHandler, type RunningMapping, startMapping } from "./event-source-mapping.ts";
import type { Endpoints } from "./function-environment.ts";
import { clusterQueues, localAccount, sharedQueues } from "./queues.ts";
import { localSqsClient } from "./sqs-client.ts";

/** The handlers of the functions that are fed by queues. */
export type QueueHandlers = Readonly<Record<Exclude<FunctionName, "reaper">, QueueHandler>>;

/** Batches in flight at once, per queue: what Lambda begins with, where there is much to do. */
const concurrency: Record<keyof QueueHandlers, number> = {
  "pod-events": 5,
  "node-events": 2,
  "branch-cooldown": 5,
  "instance-events": 1,
};

/** Connects each queue of the deployment with its function, as the deployed event source mappings do. */
export function startMappings(options: {
  endpoints: Pick<Endpoints, "sqs" | "region">;
  clusters: readonly ClusterEntry[];
  handlers: QueueHandlers;
  onFailure: (failure: { functionName: string; error: unknown }) => void;
}): RunningMapping {
  const { endpoints, handlers } = options;
  const sqs = localSqsClient(endpoints);
  const own = options.clusters.flatMap(({ cluster, slug }) => {
    const names = clusterQueues(slug ?? defaultSlug(cluster));
    return [
      { queue: names["pod-events"], functionName: "pod-events" as const },
      { queue: names["node-events"], functionName: "node-events" as const },
    ];
  });
  const shared = sharedQueues();
  const pairs = [
    ...own,
    { queue: shared["branch-cooldown"], functionName: "branch-cooldown" as const },
    { queue: shared["instance-events"], functionName: "instance-events" as const },
  ];
  const running = pairs.map(({ queue, functionName }) =>
    startMapping({
      sqs,
      functionName,
      handler: handlers[functionName],
      concurrency: concurrency[functionName],
      queueUrl: `${endpoints.sqs}/${localAccount}/${queue}`,
      queueArn: `arn:aws:sqs:${endpoints.region}:${localAccount}:${queue}`,
      region: endpoints.region,
      functionTimeoutSeconds: worldDurations.functionTimeout.local,
      onFailure: options.onFailure,
    }),
  );
  return {
    stop: async () => {
      await Promise.all(running.map((mapping) => mapping.stop()));
      sqs.destroy();
    },
  };
}

/** A function that a schedule invokes. */
export type ScheduledHandler = (event: object, context: ReturnType<typeof lambdaContext>) => Promise<unknown>;

/** Invokes a function again and again, as EventBridge Scheduler does; a run that is late delays the next one. */
export function startSchedule(options: {
  functionName: FunctionName;
  handler: ScheduledHandler;
  everySeconds: number;
  timeoutSeconds: number;
  onFailure: (failure: { functionName: string; error: unknown }) => void;
}): RunningMapping {
  const { functionName, handler, everySeconds } = options;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const run = async () => {
    await handler({}, lambdaContext(functionName, options.timeoutSeconds)).then(
      () => {},
      (error: unknown) => options.onFailure({ functionName, error }),
    );
  };
  const plan = () => {
    timer = setTimeout(() => {
      running = run().then(() => {
        if (timer) plan();
      });
    }, everySeconds * 1_000);
  };
  plan();
  return {
    stop: async () => {
      clearTimeout(timer);
      timer = undefined;
      await running;
    },
  };
}
