import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";

/** What SQS takes in one batch: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
export const batchMax = 10;
/** Bytes of a batch, and of a message. */
export const batchBytesMax = 256 * 1024;
/**
 * How long a receive waits for messages. SQS allows 20 s; but a receive that is broken off may take a message with it for as
 * long as that is hidden, so that whoever stops waits for the end of its last one.
 */
const waitSeconds = 3;
/**
 * How long an answer may take, beside that wait, and with the client's own retries. Without an end a connection that swallows
 * packets would hold a call for as long as the system repeats them: a quarter of an hour in which nothing is received or sent.
 */
const answerMilliseconds = 5_000;

export type EventQueue = "pod-events" | "node-events";

/** A message of the outcomes queue. */
export interface ReceivedMessage {
  readonly body: string;
  readonly receipt: string;
}

/** The cluster's three queues. Everything rejects when SQS cannot be reached. */
export interface Queues {
  /** Sends at most {@link batchMax} bodies; tells for each whether it was accepted. */
  send(queue: EventQueue, bodies: readonly string[]): Promise<readonly boolean[]>;
  /** Waits for outcomes; at most {@link batchMax}, none when nothing came in time or the signal ended the wait. */
  receive(signal: AbortSignal): Promise<readonly ReceivedMessage[]>;
  delete(receipts: readonly string[]): Promise<void>;
  /** Puts received messages back, so that the next leader gets them at once and not when they are visible again by themselves. */
  putBack(receipts: readonly string[]): Promise<void>;
}

/** Every queue of a cluster. */
export const queueNames = ["pod-events", "node-events", "outcomes"] as const;
export type QueueName = (typeof queueNames)[number];

/** Asks a queue for no more than its name; rejects when it cannot be reached or this cluster may not use it. */
export type QueueProbe = (queue: QueueName) => Promise<void>;

export interface QueueUrls {
  readonly podEvents: string;
  readonly nodeEvents: string;
  readonly outcomes: string;
}

/** Of the calls; production's by default. */
export interface QueueTimes {
  readonly answerMilliseconds: number;
  readonly waitSeconds: number;
}

/**
 * The queues behind an SQS client.
 *
 * @param visibilitySeconds how long a received outcome is hidden from another receive; longer than it is held (P11).
 */
export const createQueues = (
  sqs: SQSClient,
  urls: QueueUrls,
  visibilitySeconds: number,
  times: QueueTimes = { answerMilliseconds, waitSeconds },
): Queues => ({
  send: async (queue, bodies) => {
    const answer = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: queue === "pod-events" ? urls.podEvents : urls.nodeEvents,
        Entries: bodies.map((body, index) => ({ Id: String(index), MessageBody: body })),
      }),
      { abortSignal: AbortSignal.timeout(times.answerMilliseconds) },
    );
    const accepted = new Set((answer.Successful ?? []).map((entry) => entry.Id));
    return bodies.map((_, index) => accepted.has(String(index)));
  },
  receive: async (signal) => {
    const answer = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: urls.outcomes,
        MaxNumberOfMessages: batchMax,
        WaitTimeSeconds: times.waitSeconds,
        VisibilityTimeout: visibilitySeconds,
      }),
      {
        abortSignal: AbortSignal.any([
          signal,
          AbortSignal.timeout(times.waitSeconds * 1_000 + times.answerMilliseconds),
        ]),
      },
    );
    return (answer.Messages ?? []).map((message) => ({
      body: message.Body ?? "",
      receipt: message.ReceiptHandle ?? "",
    }));
  },
  delete: async (receipts) => {
    await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: urls.outcomes,
        Entries: receipts.map((receipt, index) => ({ Id: String(index), ReceiptHandle: receipt })),
      }),
      { abortSignal: AbortSignal.timeout(times.answerMilliseconds) },
    );
  },
  putBack: async (receipts) => {
    await sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: urls.outcomes,
        Entries: receipts.map((receipt, index) => ({
          Id: String(index),
          ReceiptHandle: receipt,
          VisibilityTimeout: 0,
        })),
      }),
      { abortSignal: AbortSignal.timeout(times.answerMilliseconds) },
    );
  },
});

/**
 * Looks whether the queues are there without taking a message, which a replica that does not lead must not.
 *
 * @param timeoutMilliseconds after which an attempt counts as failed.
 */
export const createQueueProbe =
  (sqs: SQSClient, urls: QueueUrls, timeoutMilliseconds: number): QueueProbe =>
  async (queue) => {
    const url = { "pod-events": urls.podEvents, "node-events": urls.nodeEvents, outcomes: urls.outcomes }[queue];
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] });
    await sqs.send(command, { abortSignal: AbortSignal.timeout(timeoutMilliseconds) });
  };
