import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from "@aws-sdk/client-sqs";
import type { Envelope, Outbox } from "@trunkline/core";
import { bodyBytesMax, serialise } from "@trunkline/messages";
import { type ClusterEntry, clusterQueueUrl } from "./names.ts";

/** Messages in one call: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const batchMax = 10;
/** Bytes of all messages in one call; SQS takes 1 MiB. */
const batchBytesMax = 1_048_576;
/** Tries of what SQS did not accept, beside the SDK's own retries of the whole call. */
const triesMax = 3;
/** The longest that SQS delays a message. */
const delaySecondsMax = 900;

/** Where the queues are. */
export interface OutboxOptions {
  readonly client: SQSClient;
  readonly clusters: readonly ClusterEntry[];
  readonly clusterQueueUrlPrefix: string;
  readonly branchCooldownQueueUrl: string;
}

interface Addressed {
  readonly queueUrl: string;
  readonly body: string;
  readonly delaySeconds: number;
  /**
   * Keeps a busy node from making the others wait on the queue that all clusters share.
   * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
   */
  readonly group?: string | undefined;
}

/** The queues of a deployment. Rejects with one sentence when SQS did not take a message. */
export function createOutbox(options: OutboxOptions): Outbox {
  const entries = new Map(options.clusters.map((entry) => [entry.cluster, entry]));
  const address = (envelope: Envelope): Addressed => {
    const body = serialise(envelope.body);
    const delaySeconds = "delaySeconds" in envelope ? clampDelay(envelope.delaySeconds) : 0;
    if (Buffer.byteLength(body) > bodyBytesMax) {
      throw new Error(`A ${envelope.body.type} of more than ${bodyBytesMax} bytes would be refused by its reader.`);
    }
    if (envelope.to === "branch-cooldown") {
      return { queueUrl: options.branchCooldownQueueUrl, body, delaySeconds, group: envelope.body.instanceId };
    }
    const entry = entries.get(envelope.cluster);
    if (entry === undefined) {
      throw new Error(`There is no queue of cluster ${envelope.cluster}: it is not among the configured ones.`);
    }
    return { queueUrl: clusterQueueUrl(options.clusterQueueUrlPrefix, entry, envelope.to), body, delaySeconds };
  };
  return {
    send: async (envelopes) => {
      const queues = Map.groupBy(envelopes.map(address), ({ queueUrl }) => queueUrl);
      const sent = await Promise.allSettled(
        [...queues].map(async ([queueUrl, messages]) => {
          for (const batch of batches(messages)) await sendBatch(options.client, queueUrl, batch);
        }),
      );
      // Only when every queue has been tried: a Lambda that answers early would freeze what is under way.
      const failed = sent.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    },
  };
}

const clampDelay = (seconds: number): number => Math.min(delaySecondsMax, Math.max(0, Math.ceil(seconds)));

/** Cuts a list into what one call takes, in its order. */
function batches(messages: readonly Addressed[]): readonly (readonly Addressed[])[] {
  const made: Addressed[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = Buffer.byteLength(message.body);
    const last = made.at(-1);
    if (last && last.length < batchMax && bytes + size <= batchBytesMax) {
      last.push(message);
      bytes += size;
    } else {
      made.push([message]);
      bytes = size;
    }
  }
  return made;
}

async function sendBatch(client: SQSClient, queueUrl: string, batch: readonly Addressed[]): Promise<void> {
  let left = batch.map(toEntry);
  let code = "";
  for (let tries = 0; tries < triesMax && left.length > 0; tries += 1) {
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: left }));
    const refused = new Set(Failed.map(({ Id }) => Id));
    code = Failed[0]?.Code ?? code;
    left = left.filter(({ Id }) => refused.has(Id));
  }
  if (left.length > 0) throw new Error(`SQS did not take ${left.length} of ${batch.length} messages (${code}).`);
}

const toEntry = ({ body, delaySeconds, group }: Addressed, index: number): SendMessageBatchRequestEntry => ({
  Id: String(index),
  MessageBody: body,
  ...(delaySeconds > 0 ? { DelaySeconds: delaySeconds } : {}),
  ...(group === undefined ? {} : { MessageGroupId: group }),
});
