import { randomUUID } from "node:crypto";
import type { Message, SQSClient } from "@aws-sdk/client-sqs";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { Consumer } from "sqs-consumer";

/** A Lambda function that takes batches from a queue. */
export type QueueHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse | undefined>;

/** What an event source mapping needs to know; the defaults are AWS's. */
export interface Mapping {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly functionName: string;
  readonly region: string;
  readonly handler: QueueHandler;
  /** Messages in one batch, at most 10. */
  readonly batchSize?: number;
  /** Batches in flight at once. Lambda begins with five. */
  readonly concurrency?: number;
  readonly functionTimeoutSeconds: number;
  readonly onFailure: (failure: { functionName: string; error: unknown }) => void;
}

/** A mapping that runs until it is stopped. */
export interface RunningMapping {
  /** Ends after the batches in flight are done. */
  stop(): Promise<void>;
}

/**
 * Lambda's event source mapping for a standard queue, in this process: polls, runs the real handler with a real event
 * and context, and deletes what did not fail.
 *
 * As on Lambda, an exception, a time-out, or an unknown identifier in `batchItemFailures` fails the whole batch, and
 * what failed stays invisible until its visibility timeout ends.
 * See https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function startMapping(mapping: Mapping): RunningMapping {
  let isStopping = false;
  // A poll that is cut short by the stop is no failure.
  const onFailure: Mapping["onFailure"] = (failure) => {
    if (!isStopping) mapping.onFailure(failure);
  };
  const consumers = Array.from({ length: mapping.concurrency ?? 5 }, () => consumer({ ...mapping, onFailure }));
  for (const each of consumers) each.start();
  return {
    stop: async () => {
      isStopping = true;
      await Promise.all(consumers.map(stopped));
    },
  };
}

function consumer(mapping: Mapping): Consumer {
  const made = Consumer.create({
    sqs: mapping.sqs,
    queueUrl: mapping.queueUrl,
    useQueueUrlAsEndpoint: false,
    suppressFifoWarning: true,
    batchSize: mapping.batchSize ?? 10,
    waitTimeSeconds: 20,
    pollingCompleteWaitTimeMs: mapping.functionTimeoutSeconds * 1_000,
    messageSystemAttributeNames: ["All"],
    messageAttributeNames: ["All"],
    terminateVisibilityTimeout: false,
    handleMessageTimeout: mapping.functionTimeoutSeconds * 1_000,
    handleMessageBatch: (messages) => invoke(mapping, messages),
  });
  const failed = (error: Error) => mapping.onFailure({ functionName: mapping.functionName, error });
  made.on("error", failed);
  made.on("processing_error", failed);
  made.on("timeout_error", failed);
  return made;
}

async function stopped(consumer: Consumer): Promise<void> {
  await new Promise<void>((resolve) => {
    consumer.once("stopped", () => resolve());
    consumer.stop({ abort: true });
  });
}

/** Runs one batch and answers with the messages that may be deleted. */
async function invoke(mapping: Mapping, messages: readonly Message[]): Promise<Message[]> {
  const event: SQSEvent = { Records: messages.map((message) => toRecord(mapping, message)) };
  const answer = await mapping.handler(event, lambdaContext(mapping.functionName, mapping.functionTimeoutSeconds));
  const failed = new Set((answer?.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier));
  const known = new Set(messages.map(({ MessageId }) => MessageId));
  if ([...failed].some((identifier) => !known.has(identifier))) return [];
  return messages.filter(({ MessageId }) => !failed.has(MessageId ?? ""));
}

function toRecord(mapping: Mapping, message: Message): SQSRecord {
  const attributes = Object.entries(message.MessageAttributes ?? {});
  return {
    messageId: message.MessageId ?? "",
    receiptHandle: message.ReceiptHandle ?? "",
    body: message.Body ?? "",
    md5OfBody: message.MD5OfBody ?? "",
    attributes: message.Attributes as unknown as SQSRecord["attributes"],
    messageAttributes: Object.fromEntries(
      attributes.map(([name, value]) => [
        name,
        { stringValue: value.StringValue ?? "", dataType: value.DataType ?? "String" },
      ]),
    ),
    eventSource: "aws:sqs",
    eventSourceARN: mapping.queueArn,
    awsRegion: mapping.region,
  };
}

/** A Lambda context with a deadline, for handlers that ask how much time is left. */
export function lambdaContext(functionName: string, timeoutSeconds: number): Context {
  const deadline = Date.now() + timeoutSeconds * 1_000;
  return {
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${functionName}`,
    memoryLimitInMB: "1024",
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: "local",
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
