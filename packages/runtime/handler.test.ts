import type { Delivery, PodEvent } from "@trunkline/core";
import { parseInstanceStateChange, parsePodEvent } from "@trunkline/messages";
import type { Context, SQSEvent, SQSRecord } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { functionVariables } from "../../test/support/function-variables.ts";
import { type Composition, compose, requireEnvironment } from "./dependencies.ts";
import { clusterQueueHandler, scheduledHandler, sharedQueueHandler } from "./handler.ts";

const arn = (queue: string) => `arn:aws:sqs:us-west-2:123456789012:${queue}`;
const bluePods = arn("trunkline-test-blue-pod-events");
const context = { functionName: "f", awsRequestId: "r", getRemainingTimeInMillis: () => 30_000 } as Context;

const gone = JSON.stringify({
  version: 1,
  type: "PodGone",
  incarnation: "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
  instanceId: "i-0123456789abcdef0",
  podUid: "16fd2706-8baf-433b-82eb-8c7fada847da",
  resourceVersion: "7",
  how: "deleted",
});

const batch = (...records: { id: string; body?: string; queue?: string }[]): SQSEvent => ({
  Records: records.map(
    ({ id, body = gone, queue = bluePods }) =>
      ({
        messageId: id,
        body,
        eventSourceARN: queue,
        attributes: { SentTimestamp: "1700000000000", ApproximateReceiveCount: "2" },
      }) as SQSRecord,
  ),
});

const failures = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });

let composition: Composition;
let counted: unknown[][];
let noted: unknown[][];
let delivered: Delivery<PodEvent>[];

beforeEach(() => {
  vi.stubEnv("POWERTOOLS_LOG_LEVEL", "SILENT");
  [counted, noted, delivered] = [[], [], []];
  const composed = compose(requireEnvironment(functionVariables()));
  const telemetry = {
    count: (...call: unknown[]) => counted.push(call),
    note: (...call: unknown[]) => noted.push(call),
  };
  composition = { ...composed, telemetry: telemetry as Composition["telemetry"] };
});

afterEach(() => vi.unstubAllEnvs());

const handlerThatFails = (...ids: string[]) =>
  clusterQueueHandler(composition, "pod-events", parsePodEvent, async (deliveries) => {
    delivered.push(...deliveries);
    return ids;
  });

describe("a handler of a cluster's queue", () => {
  test("tells the cluster by the queue, and when and how often the message came", async () => {
    const handler = handlerThatFails();

    const green = arn("trunkline-test-eu-green-pod-events");
    expect(await handler(batch({ id: "1" }, { id: "2", queue: green }), context)).toStrictEqual(failures());
    expect(delivered).toMatchObject([
      { cluster: "blue", messageId: "1", sentAt: 1_700_000_000_000, receiveCount: 2, event: { type: "PodGone" } },
      { cluster: "eu.green", messageId: "2" },
    ]);
  });

  test.each([
    ["malformed", "{"],
    ["oversized", JSON.stringify({ padding: "x".repeat(262_144) })],
    ["unknown-version", gone.replace('"version":1', '"version":2')],
    ["unknown-type", gone.replace("PodGone", "PodBorn")],
    ["malformed", gone.replace('"version":1', '"version":1,"cluster":"eu.green"')],
  ])("fails, counts and logs a message that is %s, and handles the others", async (reason, body) => {
    const answer = await handlerThatFails()(batch({ id: "bad", body }, { id: "good" }), context);

    expect(answer).toStrictEqual(failures("bad"));
    expect(delivered.map(({ messageId }) => messageId)).toStrictEqual(["good"]);
    expect(counted).toStrictEqual([["MessagesRefused", 1, { reason }]]);
    expect(noted).toMatchObject([["error", expect.any(String), { reason, messageId: "bad" }]]);
  });

  test("never logs what a refused message holds", async () => {
    await handlerThatFails()(batch({ id: "bad", body: gone.replace("deleted", "hunter2") }), context);

    expect(JSON.stringify(noted)).toContain("how");
    expect(JSON.stringify(noted)).not.toContain("hunter2");
  });

  test.each([
    ["an unknown cluster", arn("trunkline-test-red-pod-events")],
    ["another kind", arn("trunkline-test-blue-node-events")],
    ["another deployment", arn("trunkline-other-blue-pod-events")],
  ])("fails everything from a queue of %s and handles nothing", async (_what, queue) => {
    expect(await handlerThatFails()(batch({ id: "1", queue }), context)).toStrictEqual(failures("1"));
    expect(delivered).toStrictEqual([]);
    expect(counted).toStrictEqual([["MessagesRefused", 1, { reason: "foreign" }]]);
  });

  test("answers with the messages that the allocator could not handle", async () => {
    expect(await handlerThatFails("2")(batch({ id: "1" }, { id: "2" }), context)).toStrictEqual(failures("2"));
  });

  test("fails as a whole when the allocator throws", async () => {
    const handler = clusterQueueHandler(composition, "pod-events", parsePodEvent, async () => {
      throw new Error("a bug");
    });

    await expect(handler(batch({ id: "1" }), context)).rejects.toThrow("a bug");
  });

  test("keeps nothing from one invocation to the next", async () => {
    const handler = handlerThatFails();

    expect(await handler(batch({ id: "bad", body: "{" }), context)).toStrictEqual(failures("bad"));
    expect(await handler(batch({ id: "good" }), context)).toStrictEqual(failures());
  });
});

describe("the other handlers", () => {
  test("a shared queue's messages have no cluster", async () => {
    const seen: unknown[] = [];
    const handler = sharedQueueHandler(composition, parseInstanceStateChange, async (deliveries) => {
      seen.push(...deliveries);
      return [];
    });
    const body = JSON.stringify({
      source: "aws.ec2",
      "detail-type": "EC2 Instance State-change Notification",
      detail: { "instance-id": "i-01234567", state: "terminated" },
    });

    expect(await handler(batch({ id: "1", body }), context)).toStrictEqual(failures());
    expect(seen).toMatchObject([{ messageId: "1", event: { instanceId: "i-01234567", state: "terminated" } }]);
    expect(seen[0]).not.toHaveProperty("cluster");
  });

  test("a schedule's empty event runs what is to be run, once", async () => {
    const run = vi.fn(async () => ({ next: undefined }));

    await expect(scheduledHandler(composition, run)({}, context)).resolves.toBeUndefined();
    expect(run).toHaveBeenCalledOnce();
  });
});
