import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import middy from "@middy/core";
import { branded, type ClusterName, type Delivery } from "@trunkline/core";
import type { Parsed } from "@trunkline/messages";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { Composition } from "./dependencies.ts";
import { type ClusterQueueKind, clusterQueueUrl, queueNameOf } from "./names.ts";

/** A Lambda function that takes batches from a queue and answers with the messages that failed. */
export type QueueFunction = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

type Shared<Event> = Omit<Delivery<Event>, "cluster">;

/**
 * The handler of a queue that belongs to one cluster. The cluster is told by the queue's ARN, never by a message; a message of an
 * unknown queue fails.
 */
export function clusterQueueHandler<Event>(
  composition: Composition,
  kind: ClusterQueueKind,
  parse: (body: string) => Parsed<Event>,
  handle: (deliveries: readonly Delivery<Event>[]) => Promise<readonly string[]>,
): QueueFunction {
  const { clusters, clusterQueueUrlPrefix } = composition.environment;
  const owners = new Map(
    clusters.map((entry) => [
      queueNameOf(clusterQueueUrl(clusterQueueUrlPrefix, entry, kind)),
      branded<ClusterName>(entry.cluster),
    ]),
  );
  return lambda(composition, async ({ Records }) => {
    const parsed = Records.map((record) => {
      const cluster = owners.get(queueNameOf(record.eventSourceARN));
      if (cluster === undefined) return refused(composition, record, "the queue belongs to no configured cluster");
      const delivery = parseRecord(composition, record, parse);
      return delivery && { ...delivery, cluster };
    });
    return await answer(Records, parsed, handle);
  });
}

/** The handler of a queue that all clusters share. */
export function sharedQueueHandler<Event>(
  composition: Composition,
  parse: (body: string) => Parsed<Event>,
  handle: (deliveries: readonly Shared<Event>[]) => Promise<readonly string[]>,
): QueueFunction {
  return lambda(composition, async ({ Records }) =>
    answer(
      Records,
      Records.map((record) => parseRecord(composition, record, parse)),
      handle,
    ),
  );
}

/** The handler of a schedule. */
export function scheduledHandler(
  composition: Composition,
  run: () => Promise<unknown>,
): (event: object, context: Context) => Promise<void> {
  return lambda(composition, async () => {
    await run();
  });
}

/** The stack around every function: context in the logs, metrics written at the end. */
function lambda<Event, Result>(
  { logger, metrics }: Composition,
  run: (event: Event) => Promise<Result>,
): (event: Event, context: Context) => Promise<Result> {
  const publish = () => {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  const stack = middy({ timeoutEarlyInMillis: 0 })
    .use(injectLambdaContext(logger))
    .use({ after: publish, onError: publish })
    .handler(run as (event: unknown) => Promise<unknown>);
  return (event, context) => stack(event, context) as Promise<Result>;
}

function parseRecord<Event>(
  composition: Composition,
  record: SQSRecord,
  parse: (body: string) => Parsed<Event>,
): Shared<Event> | undefined {
  const parsed = parse(record.body);
  if (!parsed.ok) return refused(composition, record, parsed.detail, parsed.reason);
  return {
    event: parsed.event,
    messageId: record.messageId,
    sentAt: Number(record.attributes.SentTimestamp),
    receiveCount: Number(record.attributes.ApproximateReceiveCount),
  };
}

/** What cannot be read changes nothing: it is counted, logged without its contents, and ends among the dead letters. */
function refused({ telemetry }: Composition, record: SQSRecord, detail: string, reason = "foreign"): undefined {
  telemetry.count("MessagesRefused", 1, { reason });
  telemetry.note("error", "A message was refused and changes nothing.", {
    reason,
    detail,
    messageId: record.messageId,
    queue: queueNameOf(record.eventSourceARN),
  });
  return undefined;
}

async function answer<Message extends { readonly messageId: string }>(
  records: readonly SQSRecord[],
  parsed: readonly (Message | undefined)[],
  handle: (messages: readonly Message[]) => Promise<readonly string[]>,
): Promise<SQSBatchResponse> {
  const messages = parsed.filter((message) => message !== undefined);
  const unread = records.filter((_, position) => parsed[position] === undefined).map(({ messageId }) => messageId);
  const failed = messages.length === 0 ? [] : await handle(messages);
  return { batchItemFailures: [...unread, ...failed].map((itemIdentifier) => ({ itemIdentifier })) };
}
