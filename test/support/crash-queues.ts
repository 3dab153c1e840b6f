import {
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { outcomeRetentionSeconds } from "@trunkline/runtime/limits";
import {
  clusterQueueKinds,
  clusterQueueName,
  deadLettersName,
  queueNameOf,
  sharedQueueKinds,
  sharedQueueName,
} from "@trunkline/runtime/names";
import type { SQSRecord } from "aws-lambda";
import { startFauxqs } from "fauxqs";

/** A queue of the deployment, by what it carries. */
export type QueueKind = (typeof clusterQueueKinds)[number] | (typeof sharedQueueKinds)[number];

/** As deployed: a message that a worker took to its grave comes again after this time. */
const visibilitySeconds = 180;
/** As deployed. */
const receivesMax = 5;
const region = "us-west-2";
const account = "000000000000";
const kinds: readonly QueueKind[] = [...clusterQueueKinds, ...sharedQueueKinds];

/** A real SQS server in this process, whose time is that of the process; the test plays the event source mappings. */
export interface CrashQueues {
  readonly endpoint: string;
  readonly client: SQSClient;
  url(kind: QueueKind): string;
  send(kind: QueueKind, body: string): Promise<void>;
  /** Receives what is due, at most 10 messages, as Lambda would hand them over. */
  receive(kind: QueueKind): Promise<readonly SQSRecord[]>;
  delete(record: SQSRecord): Promise<void>;
  /** When the next message of a queue becomes visible; undefined when there is none. */
  dueAt(kind: QueueKind): number | undefined;
  /** Everything that is left in any queue, and in any dead-letter queue. */
  left(): readonly string[];
  stop(): Promise<void>;
}

/** Starts the server with every queue of a deployment that serves one cluster. */
export async function startCrashQueues(stage: string, slug: string): Promise<CrashQueues> {
  const server = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false, defaultRegion: region });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const client = new SQSClient({
    endpoint,
    region,
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const nameOf = (kind: QueueKind): string =>
    kind === "branch-cooldown" || kind === "instance-events"
      ? sharedQueueName(stage, kind)
      : clusterQueueName(stage, slug, kind);
  const url = (kind: QueueKind): string => `${endpoint}/${account}/${nameOf(kind)}`;
  const arnOf = (name: string): string => `arn:aws:sqs:${region}:${account}:${name}`;
  for (const kind of kinds) {
    const dead = deadLettersName(nameOf(kind));
    server.createQueue(dead);
    server.createQueue(nameOf(kind), {
      attributes: {
        VisibilityTimeout: String(visibilitySeconds),
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(dead), maxReceiveCount: receivesMax }),
        ...(kind === "outcomes" ? { MessageRetentionPeriod: String(outcomeRetentionSeconds) } : {}),
      },
    });
  }
  const inspect = (name: string) => {
    const seen = server.inspectQueue(name);
    if (seen === undefined) throw new Error(`there is no queue ${name}`);
    return seen.messages;
  };
  const bodiesIn = (name: string): readonly string[] => {
    const { ready, delayed, inflight } = inspect(name);
    return [...ready, ...delayed, ...inflight.map(({ message }) => message)].map(({ body }) => `${name}: ${body}`);
  };
  return {
    endpoint,
    client,
    url,
    send: async (kind, MessageBody) => {
      await client.send(new SendMessageCommand({ QueueUrl: url(kind), MessageBody }));
    },
    receive: async (kind) => {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: url(kind),
          MaxNumberOfMessages: 10,
          MessageSystemAttributeNames: ["All"],
        }),
      );
      return Messages.map((message) => recordOf(message, arnOf(nameOf(kind))));
    },
    delete: async ({ eventSourceARN, receiptHandle }) => {
      const QueueUrl = `${endpoint}/${account}/${queueNameOf(eventSourceARN)}`;
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: receiptHandle }));
    },
    dueAt: (kind) => {
      const { ready, delayed, inflight } = inspect(nameOf(kind));
      if (ready.length > 0) return Date.now();
      const times = [
        ...delayed.map(({ delayUntil }) => delayUntil ?? 0),
        ...inflight.map(({ visibilityDeadline }) => visibilityDeadline),
      ];
      return times.length === 0 ? undefined : Math.min(...times);
    },
    left: () => kinds.map(nameOf).flatMap((name) => [...bodiesIn(name), ...bodiesIn(deadLettersName(name))]),
    stop: async () => {
      client.destroy();
      await server.stop();
    },
  };
}

const recordOf = (message: Message, eventSourceARN: string): SQSRecord => ({
  messageId: message.MessageId ?? "",
  receiptHandle: message.ReceiptHandle ?? "",
  body: message.Body ?? "",
  md5OfBody: message.MD5OfBody ?? "",
  attributes: message.Attributes as unknown as SQSRecord["attributes"],
  messageAttributes: {},
  eventSource: "aws:sqs",
  eventSourceARN,
  awsRegion: region,
});
