import { CreateQueueCommand, type Message, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { branded, type ClusterName, type Envelope, type InstanceId, type Outcome } from "@trunkline/core";
import { parseBranchLook, parseOutcome } from "@trunkline/messages";
import { createOutbox } from "@trunkline/runtime";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const account = "http://unreachable.invalid/000000000000";
const instanceId = branded<InstanceId>("i-0123456789abcdef0");
const cluster = branded<ClusterName>("blue");

let server: FauxqsServer;
let client: SQSClient;

beforeEach(async () => {
  server = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false, defaultRegion: "us-west-2" });
  client = new SQSClient({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: "us-west-2",
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  for (const name of ["t-blue-outcomes", "t-branch-cooldown"]) {
    await client.send(new CreateQueueCommand({ QueueName: name }));
  }
});

afterEach(async () => {
  client.destroy();
  await server.stop();
});

/** The host of the URLs does not exist: messages must go to the client's endpoint. */
const outbox = () =>
  createOutbox({
    client,
    clusters: [{ cluster }],
    clusterQueueUrlPrefix: `${account}/t-`,
    branchCooldownQueueUrl: `${account}/t-branch-cooldown`,
  });

const receive = async (name: string): Promise<readonly Message[]> => {
  const command = new ReceiveMessageCommand({ QueueUrl: `${account}/${name}`, MaxNumberOfMessages: 10 });
  return (await client.send(command)).Messages ?? [];
};

const received = async (name: string, count: number): Promise<readonly string[]> => {
  const bodies: string[] = [];
  await expect
    .poll(async () => {
      bodies.push(...(await receive(name)).map(({ Body }) => String(Body)));
      return bodies.length;
    })
    .toBe(count);
  return bodies;
};

describe("the outbox on an SQS server", () => {
  test("delivers more messages than one call takes, each as it was", async () => {
    const outcomes: readonly Outcome[] = Array.from({ length: 25 }, (_, index) => ({
      type: "NodeTrunkReady",
      instanceId,
      nodeName: `node-${index}`,
      nodeUid: branded("6fa459ea-ee8a-3ca4-894e-db77e160355e"),
      branchesMax: 9,
      backendVersion: "0.1.0",
    }));

    await outbox().send(outcomes.map((body): Envelope => ({ to: "outcomes", cluster, body })));

    const parsed = (await received("t-blue-outcomes", 25)).map(parseOutcome);
    const events = parsed.map((result) => (result.ok ? result.event : result));
    expect(events).toHaveLength(25);
    expect(events).toStrictEqual(expect.arrayContaining([...outcomes]));
  });

  test("keeps a delayed message back until its time", async () => {
    const look = (owner: string, delaySeconds: number): Envelope => ({
      to: "branch-cooldown",
      body: { type: "BranchLook", instanceId, owner, index: 0 },
      delaySeconds,
    });

    await outbox().send([look("later", 900), look("now", 0)]);

    const bodies = await received("t-branch-cooldown", 1);
    expect(bodies.map(parseBranchLook)).toMatchObject([{ ok: true, event: { owner: "now" } }]);
    expect(await receive("t-branch-cooldown")).toStrictEqual([]);
  });

  test("rejects when its queue does not exist", async () => {
    const elsewhere = createOutbox({
      client,
      clusters: [{ cluster }],
      clusterQueueUrlPrefix: `${account}/missing-`,
      branchCooldownQueueUrl: `${account}/missing`,
    });
    const body: Outcome = { type: "SnapshotRequested", instanceId };

    await expect(elsewhere.send([{ to: "outcomes", cluster, body }])).rejects.toThrow("queue does not exist");
  });
});
