import { createServer, type Server, type Socket } from "node:net";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createQueues, type Queues } from "./queues.ts";

let server: Server;
let sockets: Set<Socket>;
let client: SQSClient;
let queues: Queues;

/** Takes connections and never answers, as a path does that swallows packets. */
beforeEach(async () => {
  sockets = new Set();
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const endpoint = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  client = new SQSClient({ region: "eu-west-1", endpoint, credentials, useQueueUrlAsEndpoint: false });
  const url = (name: string) => `${endpoint}/123456789012/${name}`;
  const urls = { podEvents: url("pods"), nodeEvents: url("nodes"), outcomes: url("outcomes") };
  queues = createQueues(client, urls, 75, { answerMilliseconds: 100, waitSeconds: 0 });
});

afterEach(async () => {
  client.destroy();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

describe("a queue that takes a request and never answers", () => {
  test.each<[string, () => Promise<unknown>]>([
    ["send", () => queues.send("pod-events", ["{}"])],
    ["receive", () => queues.receive(new AbortController().signal)],
    ["delete", () => queues.delete(["receipt"])],
    ["putBack", () => queues.putBack(["receipt"])],
  ])(
    "fails %s in time, so that the next try can go another way",
    async (_, call) => {
      await expect(call()).rejects.toThrow(/abort|timeout/i);
    },
    5_000,
  );
});
