import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { SQSEvent } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type QueueHandler, type RunningMapping, startMapping } from "./event-source-mapping.ts";
import { clusterQueues, type QueueServer, startQueues } from "./queues.ts";

const queue = clusterQueues("demo")["pod-events"];
const patient = { timeout: 10_000, interval: 50 };

let queues: QueueServer;
let sqs: SQSClient;
let mapping: RunningMapping | undefined;
const failures: unknown[] = [];

beforeEach(async () => {
  failures.length = 0;
  queues = await startQueues({ port: 0, region: "us-west-2", clusters: ["demo"], visibilityTimeoutSeconds: 1 });
  sqs = new SQSClient({
    endpoint: queues.url,
    region: "us-west-2",
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
});

afterEach(async () => {
  await mapping?.stop();
  sqs.destroy();
  await queues.stop();
});

const start = (handler: QueueHandler) => {
  mapping = startMapping({
    sqs,
    handler,
    queueUrl: queues.queueUrl(queue),
    queueArn: queues.queueArn(queue),
    functionName: "pod-events",
    region: "us-west-2",
    concurrency: 1,
    functionTimeoutSeconds: 2,
    onFailure: (failure) => failures.push(failure),
  });
};

const send = async (...bodies: string[]) => {
  for (const MessageBody of bodies)
    await sqs.send(new SendMessageCommand({ QueueUrl: queues.queueUrl(queue), MessageBody }));
};

const inspect = (name = queue) => queues.server.inspectQueue(name)?.messages;
const left = () => (inspect()?.ready.length ?? 0) + (inspect()?.inflight.length ?? 0);

describe("an event source mapping", () => {
  it("hands a batch to the function as Lambda does and deletes what succeeded", async () => {
    const events: SQSEvent[] = [];
    await send("one");

    start(async (event) => {
      events.push(event);
      return { batchItemFailures: [] };
    });

    await vi.waitFor(() => expect(left()).toBe(0), patient);
    expect(events[0]?.Records[0]).toMatchObject({
      body: "one",
      eventSource: "aws:sqs",
      eventSourceARN: queues.queueArn(queue),
      attributes: { ApproximateReceiveCount: "1" },
    });
  });

  it("delivers again only what the function reported as failed, after the visibility timeout", async () => {
    const received: string[] = [];
    await send("good", "bad");

    start(async (event) => {
      received.push(...event.Records.map(({ body }) => body));
      const failed = event.Records.filter(
        ({ body, attributes }) => body === "bad" && attributes.ApproximateReceiveCount === "1",
      );
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });

    await vi.waitFor(() => expect(received.filter((body) => body === "bad")).toHaveLength(2), patient);
    expect(received.filter((body) => body === "good")).toHaveLength(1);
  });

  it("fails the whole batch when the function throws or names an unknown message", async () => {
    let calls = 0;
    await send("one");

    start(async () => {
      calls += 1;
      if (calls === 1) throw new Error("crash");
      return { batchItemFailures: calls === 2 ? [{ itemIdentifier: "unknown" }] : [] };
    });

    await vi.waitFor(() => expect(left()).toBe(0), patient);
    expect(calls).toBe(3);
    expect(failures).toHaveLength(1);
  });

  it("leaves a message that always fails in the dead-letter queue", { timeout: 20_000 }, async () => {
    await send("poison");

    start(async (event) => ({
      batchItemFailures: event.Records.map(({ messageId }) => ({ itemIdentifier: messageId })),
    }));

    await vi.waitFor(() => expect(inspect(`${queue}-dead-letters`)?.ready).toHaveLength(1), {
      timeout: 15_000,
      interval: 100,
    });
  });
});
