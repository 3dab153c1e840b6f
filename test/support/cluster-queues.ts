import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { NodeEvent, Outcome, PodEvent } from "@trunkline/core";
import { parseNodeEvent, parsePodEvent, serialise } from "@trunkline/messages";
import { startFauxqs } from "fauxqs";

/** The Region of the queues. */
export const queueRegion = "us-west-2";

/** A cluster's three queues on a server of their own, with a test in the place of the functions. */
export interface ClusterQueues {
  readonly endpoint: string;
  readonly sqs: SQSClient;
  readonly urls: { readonly podEvents: string; readonly nodeEvents: string; readonly outcomes: string };
  deliver(...outcomes: readonly Outcome[]): Promise<void>;
  /** What has arrived on both event queues so far. */
  received(): Promise<readonly (PodEvent | NodeEvent)[]>;
  /** Messages in the queue of outcomes, in flight or not. */
  outcomesLeft(): Promise<number>;
  stop(): Promise<void>;
}

export const startClusterQueues = async (): Promise<ClusterQueues> => {
  const server = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false, defaultRegion: queueRegion });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const sqs = new SQSClient({
    region: queueRegion,
    endpoint,
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const queue = async (name: string) => (await sqs.send(new CreateQueueCommand({ QueueName: name }))).QueueUrl ?? "";
  const urls = {
    podEvents: await queue("pods"),
    nodeEvents: await queue("nodes"),
    outcomes: await queue("outcomes"),
  };
  const events: (PodEvent | NodeEvent)[] = [];
  const drain = async (url: string, parse: typeof parsePodEvent | typeof parseNodeEvent): Promise<void> => {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }));
    for (const { Body = "", ReceiptHandle } of Messages) {
      const parsed = parse(Body);
      if (!parsed.ok) throw new Error(`the functions would refuse a message: ${parsed.detail}`);
      events.push(parsed.event);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
    }
    if (Messages.length > 0) await drain(url, parse);
  };
  return {
    endpoint,
    sqs,
    urls,
    deliver: async (...outcomes) => {
      for (const outcome of outcomes) {
        await sqs.send(new SendMessageCommand({ QueueUrl: urls.outcomes, MessageBody: serialise(outcome) }));
      }
    },
    received: async () => {
      await drain(urls.podEvents, parsePodEvent);
      await drain(urls.nodeEvents, parseNodeEvent);
      return events;
    },
    outcomesLeft: async () => {
      const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: urls.outcomes, AttributeNames: [...AttributeNames] }),
      );
      return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
    },
    stop: async () => {
      sqs.destroy();
      await server.stop();
    },
  };
};
