import type { SendMessageBatchCommand, SendMessageBatchCommandInput, SQSClient } from "@aws-sdk/client-sqs";
import { branded, type ClusterName, type Envelope, type InstanceId } from "@trunkline/core";
import { describe, expect, test } from "vitest";
import { createOutbox } from "./outbox.ts";

const instanceId = branded<InstanceId>("i-0123456789abcdef0");
const blue = branded<ClusterName>("blue");

/** A client that remembers what it is sent and refuses what it is told to. */
const recordingClient = (refuses: (attempt: number, id: string) => boolean = () => false) => {
  const calls: SendMessageBatchCommandInput[] = [];
  const send = async ({ input }: SendMessageBatchCommand) => {
    calls.push(input);
    const Failed = (input.Entries ?? []).flatMap(({ Id = "" }) =>
      refuses(calls.length, Id) ? [{ Id, Code: "InternalError", SenderFault: false }] : [],
    );
    return { Failed };
  };
  return { calls, client: { send } as unknown as SQSClient };
};

const outboxOf = (client: SQSClient) =>
  createOutbox({
    client,
    clusters: [{ cluster: "blue" }, { cluster: "eu.green" }],
    clusterQueueUrlPrefix: "https://sqs/1/trunkline-test-",
    branchCooldownQueueUrl: "https://sqs/1/trunkline-test-branch-cooldown",
  });

const requested = (cluster = blue): Envelope => ({
  to: "outcomes",
  cluster,
  body: { type: "SnapshotRequested", instanceId },
});
const look = (delaySeconds: number): Envelope => ({
  to: "branch-cooldown",
  body: { type: "BranchLook", instanceId, owner: "u", index: 0 },
  delaySeconds,
});

describe("the outbox", () => {
  test("sends nothing when there is nothing to send", async () => {
    const { calls, client } = recordingClient();

    await outboxOf(client).send([]);

    expect(calls).toStrictEqual([]);
  });

  test("sends each message to the queue of its cluster and kind, ten a call", async () => {
    const { calls, client } = recordingClient();
    const green = branded<ClusterName>("eu.green");

    await outboxOf(client).send([...Array.from({ length: 23 }, () => requested()), requested(green)]);

    expect(calls.map(({ QueueUrl, Entries }) => [QueueUrl, Entries?.length])).toStrictEqual(
      expect.arrayContaining([
        ["https://sqs/1/trunkline-test-blue-outcomes", 10],
        ["https://sqs/1/trunkline-test-blue-outcomes", 10],
        ["https://sqs/1/trunkline-test-blue-outcomes", 3],
        ["https://sqs/1/trunkline-test-eu-green-outcomes", 1],
      ]),
    );
    expect(calls).toHaveLength(4);
  });

  test.each([
    [-1, undefined],
    [0, undefined],
    [0.2, 1],
    [900, 900],
    [3_600, 900],
  ])("turns a delay of %s s into what SQS takes", async (delaySeconds, sent) => {
    const { calls, client } = recordingClient();

    await outboxOf(client).send([look(delaySeconds)]);

    expect(calls[0]?.Entries?.[0]?.DelaySeconds).toBe(sent);
  });

  test("groups what it sends to a shared queue, so that a busy node does not hold up the others", async () => {
    const { calls, client } = recordingClient();

    await outboxOf(client).send([look(60), requested()]);

    expect(calls.flatMap(({ Entries }) => Entries?.map(({ MessageGroupId }) => MessageGroupId))).toStrictEqual([
      instanceId,
      undefined,
    ]);
  });

  test("sends again what SQS did not take, and only that", async () => {
    const { calls, client } = recordingClient((attempt, id) => attempt === 1 && id === "1");

    await outboxOf(client).send([requested(), requested(), requested()]);

    expect(calls.map(({ Entries }) => Entries?.map(({ Id }) => Id))).toStrictEqual([["0", "1", "2"], ["1"]]);
  });

  test("rejects after three tries, when the other queues have been served", async () => {
    const { calls, client } = recordingClient((_attempt, id) => id === "1");

    await expect(outboxOf(client).send([requested(), requested(), look(0)])).rejects.toThrow(
      "SQS did not take 1 of 2 messages (InternalError).",
    );
    expect(calls.filter(({ QueueUrl }) => QueueUrl?.endsWith("outcomes"))).toHaveLength(3);
    expect(calls.filter(({ QueueUrl }) => QueueUrl?.endsWith("branch-cooldown"))).toHaveLength(1);
  });

  test("keeps each call below SQS's limit of bytes", async () => {
    const { calls, client } = recordingClient();
    const long: Envelope = {
      to: "outcomes",
      cluster: blue,
      body: { type: "PodsQuestioned", instanceId, podUids: [branded(`${"x".repeat(250_000)}`)] },
    };

    await outboxOf(client).send(Array.from({ length: 6 }, () => long));

    expect(calls.map(({ Entries }) => Entries?.length)).toStrictEqual([4, 2]);
  });

  test.each([
    ["a cluster that is not configured", requested(branded<ClusterName>("red")), "no queue of cluster red"],
    [
      "a body that no reader takes",
      {
        to: "outcomes",
        cluster: blue,
        body: { type: "PodsQuestioned", instanceId, podUids: [branded(`${"x".repeat(262_144)}`)] },
      } satisfies Envelope,
      "more than 262144 bytes",
    ],
  ])("rejects %s before anything is sent", async (_what, envelope, message) => {
    const { calls, client } = recordingClient();

    await expect(outboxOf(client).send([requested(), envelope])).rejects.toThrow(message);
    expect(calls).toStrictEqual([]);
  });
});
