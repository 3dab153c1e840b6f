import { CreateQueueCommand, DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { startFauxqs } from "fauxqs";

/** Where the queues pretend to be. */
export const region = "us-west-2";

/** The cluster's queues, and what has arrived in those of events. */
export interface Queues {
  readonly endpoint: string;
  readonly podEvents: string;
  readonly nodeEvents: string;
  readonly outcomes: string;
  /** Messages of a type so far; of pods and nodes, how many different ones. */
  received(type: string): number;
  /** All of {@link received}, for people. */
  describe(): string;
  stop(): Promise<void>;
}

interface Told {
  readonly nodeName?: string;
  readonly type?: string;
  readonly podUid?: string;
  readonly pod?: { readonly podUid?: string };
}

/** Starts the queues; messages are taken as fast as they come, in place of the functions. */
export const startQueues = async (): Promise<Queues> => {
  const server = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false, defaultRegion: region });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const sqs = new SQSClient({ region, endpoint, useQueueUrlAsEndpoint: false, credentials });
  const seen = new Map<string, Set<string>>();
  const over = new AbortController();

  const create = async (QueueName: string): Promise<string> => {
    const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName }));
    // The server's own host name is none that can be written in a URL.
    return `${endpoint}/${QueueUrl.split("/").slice(3).join("/")}`;
  };

  const count = ({ type = "unknown", podUid, pod, nodeName }: Told, messageId: string): void => {
    const subjects = seen.get(type) ?? new Set<string>();
    seen.set(type, subjects);
    subjects.add(podUid ?? pod?.podUid ?? nodeName ?? messageId);
  };

  const drain = async (QueueUrl: string): Promise<void> => {
    while (!over.signal.aborted) {
      const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 });
      const { Messages = [] } = await sqs.send(receive, { abortSignal: over.signal });
      if (Messages.length === 0) continue;
      for (const { Body = "{}", MessageId = "" } of Messages) count(JSON.parse(Body), MessageId);
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  };

  const [podEvents, nodeEvents, outcomes] = [await create("pods"), await create("nodes"), await create("outcomes")];
  const drains = Promise.allSettled([drain(podEvents), drain(nodeEvents)]);
  return {
    endpoint,
    podEvents,
    nodeEvents,
    outcomes,
    received: (type) => seen.get(type)?.size ?? 0,
    describe: () => [...seen].map(([type, subjects]) => `${subjects.size} ${type}`).join(", "),
    stop: async () => {
      over.abort();
      await drains;
      sqs.destroy();
      await server.stop();
    },
  };
};
