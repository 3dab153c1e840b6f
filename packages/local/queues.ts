import { deadLettersRetentionSeconds, outcomeRetentionSeconds, receivesMax } from "@trunkline/runtime/limits";
import {
  clusterQueueKinds,
  clusterQueueName,
  deadLettersName,
  defaultSlug,
  sharedQueueKinds,
  sharedQueueName,
} from "@trunkline/runtime/names";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import { explainPort } from "./failure.ts";

/** The account that the local world plays in. */
export const localAccount = "000000000000";
/** The stage in the names of the local world's queues and table. */
export const localStage = "local";

/** The latest messages, which `server.spy` can tell of afterwards. */
const messagesKeptMax = 10_000;

/** A running SQS server with the queues of a deployment. */
export interface QueueServer {
  readonly url: string;
  readonly server: FauxqsServer;
  /** URL of a queue, as the SDK takes it together with the server's endpoint. */
  queueUrl(name: string): string;
  queueArn(name: string): string;
  stop(): Promise<void>;
}

/** The queues that a cluster has, by kind, and what they are called. */
export function clusterQueues(cluster: string): Record<(typeof clusterQueueKinds)[number], string> {
  const named = clusterQueueKinds.map((kind) => [kind, clusterQueueName(localStage, defaultSlug(cluster), kind)]);
  return Object.fromEntries(named);
}

/** The queues that all clusters share, by kind. */
export function sharedQueues(): Record<(typeof sharedQueueKinds)[number], string> {
  return Object.fromEntries(sharedQueueKinds.map((kind) => [kind, sharedQueueName(localStage, kind)])) as Record<
    (typeof sharedQueueKinds)[number],
    string
  >;
}

/** Starts fauxqs in this process and makes every queue of the deployment, each with its dead-letter queue. */
export async function startQueues(options: {
  port: number;
  region: string;
  clusters: readonly string[];
  visibilityTimeoutSeconds: number;
  outcomeRetentionSeconds?: number | undefined;
}): Promise<QueueServer> {
  const server = await startFauxqs({
    port: options.port,
    host: "127.0.0.1",
    logger: false,
    defaultRegion: options.region,
    messageSpies: { bufferSize: messagesKeptMax },
  }).catch((error: unknown) => {
    throw explainPort(error, "SQS", "TRUNKLINE_SQS_PORT", options.port);
  });
  const retentionSeconds = options.outcomeRetentionSeconds ?? outcomeRetentionSeconds;
  const arn = (name: string) => `arn:aws:sqs:${options.region}:${localAccount}:${name}`;
  const url = `http://127.0.0.1:${server.port}`;
  const names = [...Object.values(sharedQueues()), ...options.clusters.flatMap((c) => Object.values(clusterQueues(c)))];
  for (const name of names) {
    const dead = deadLettersName(name);
    server.createQueue(dead, { attributes: { MessageRetentionPeriod: String(deadLettersRetentionSeconds) } });
    server.createQueue(name, {
      attributes: {
        VisibilityTimeout: String(options.visibilityTimeoutSeconds),
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn(dead), maxReceiveCount: receivesMax }),
        ...(name.endsWith("-outcomes") ? { MessageRetentionPeriod: String(retentionSeconds) } : {}),
      },
    });
  }
  return {
    url,
    server,
    queueUrl: (name) => `${url}/${localAccount}/${name}`,
    queueArn: arn,
    stop: () => server.stop(),
  };
}
