import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DeleteCommand, DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { Ledger } from "@trunkline/core";
import type { ApiAccess, KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import { createLedger } from "@trunkline/ledger";
import { forkTrunkline, startWorld, type World, writeWorldFiles } from "@trunkline/local";
import { systemClock } from "@trunkline/runtime";
import { deadLettersName, tableName } from "@trunkline/runtime/names";

/** A row of the ledger as DynamoDB holds it. */
export type Row = Readonly<Record<string, unknown>> & { readonly pk: string; readonly sk: string };

/** The local world with Trunkline in a process of its own, and what a test wants to see of both. */
export interface LocalWorld {
  readonly world: World;
  readonly administrator: ApiAccess;
  send(queue: string, body: string): Promise<void>;
  deadLetters(queue: string): readonly string[];
  /** Lines that Trunkline has logged so far, parsed; lines that are no JSON are left out. */
  log(): Promise<readonly Record<string, unknown>[]>;
  /** The ledger, by its own adapter. */
  readonly ledger: Ledger;
  /** All rows of the ledger. */
  rows(): Promise<readonly Row[]>;
  /** Loses the ledger: every row is deleted. */
  wipe(): Promise<void>;
  /** `reason: message` of the events on an object of this name. */
  eventsOn(name: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

type WorldOptions = Parameters<typeof startWorld>[0];
type Overrides = Parameters<typeof forkTrunkline>[0]["overrides"];

/** EC2 does at once what it otherwise does in the background. */
export const withoutDelay = {
  transitions: { pendingMs: 0, shuttingDownMs: 0, stoppingMs: 0, attachingMs: 0, detachingMs: 0 },
} as const;

const ports = { kubernetes: 0, ec2: 0, sqs: 0, dynamodb: 0 };
const credentials = { accessKeyId: "local", secretAccessKey: "local" };

/**
 * Starts a world without nodes, and Trunkline as its second process.
 *
 * @param options - `prepare` is done to the world before Trunkline begins.
 */
export async function startLocalWorld(
  options: Pick<WorldOptions, "dynamodbEndpoint" | "ec2" | "visibilityTimeoutSeconds"> & {
    readonly overrides?: Overrides;
    readonly prepare?: (world: World) => Promise<void>;
  },
): Promise<LocalWorld> {
  const { overrides, prepare, ...rest } = options;
  const folder = await mkdtemp(join(tmpdir(), "local-world-"));
  const world = await startWorld({
    region: "us-west-2",
    cluster: "demo",
    ports,
    nodes: { count: 0, instanceType: "m5.large" },
    onError: () => {},
    ...rest,
  });
  const begin = async () => {
    await prepare?.(world);
    await writeWorldFiles(folder, world.facts);
    return await forkTrunkline({ folder, overrides });
  };
  const trunkline = await begin().catch(async (error: unknown) => {
    await world.stop();
    throw error;
  });
  const { facts, queues } = world;
  const sqs = new SQSClient({ endpoint: facts.sqs, region: facts.region, useQueueUrlAsEndpoint: false, credentials });
  const client = new DynamoDBClient({ endpoint: facts.dynamodb, region: facts.region, credentials });
  const table = DynamoDBDocumentClient.from(client);
  const TableName = tableName("local");
  const rows = async () =>
    ((await table.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items ?? []) as Row[];
  const administrator = world.kubernetes.api.as("kubernetes-admin");
  return {
    world,
    administrator,
    send: async (queue, MessageBody) => {
      await sqs.send(new SendMessageCommand({ QueueUrl: queues.queueUrl(queue), MessageBody }));
    },
    deadLetters: (queue) =>
      (queues.server.inspectQueue(deadLettersName(queue))?.messages.ready ?? []).map(({ body }) => body),
    log: async () => (await readFile(join(folder, "trunkline.log"), "utf8")).split("\n").flatMap(parsed),
    ledger: createLedger({ client, table: TableName, epoch: facts.epoch, clock: systemClock }),
    rows,
    wipe: async () => {
      for (const { pk, sk } of await rows()) await table.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
    },
    eventsOn: async (name) => {
      const { objects } = await administrator.list({ group: "", resource: "events" });
      return objects.map(asEvent).flatMap(({ reason, message, involvedObject }) => {
        return involvedObject.name === name ? [`${reason}: ${message}`] : [];
      });
    },
    stop: async () => {
      await trunkline.stop();
      await world.stop();
      sqs.destroy();
      client.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const asEvent = (object: KubernetesObject) =>
  object as unknown as { reason: string; message: string; involvedObject: { name: string } };

function parsed(line: string): readonly Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? [value as Record<string, unknown>] : [];
  } catch {
    return [];
  }
}

/** Does what `kubectl set env daemonset aws-node -n kube-system ENABLE_POD_ENI=true` does. */
export async function enablePodEni(administrator: ApiAccess): Promise<void> {
  const containers = [{ name: "aws-node", env: [{ name: "ENABLE_POD_ENI", value: "true" }] }];
  await administrator.patch(
    { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" },
    { type: "strategic", body: { spec: { template: { spec: { containers } } } } },
  );
}
