import { randomUUID } from "node:crypto";
import { type Ec2ConfigPatch, type Ec2Emulator, type LatencyConfig, startEc2Emulator } from "@trunkline/emulator-ec2";
import { tableName } from "@trunkline/runtime/names";
import { worldDurations } from "../durations.ts";
import { type DynamodbServer, startDynamodb } from "../dynamodb.ts";
import { explainPort } from "../failure.ts";
import type { Ports } from "../ports.ts";
import { localStage, type QueueServer, startQueues } from "../queues.ts";
import type { WorldFacts } from "../walkthrough/tour.ts";
import { type Landscape, landscapeSeed, makeLandscape } from "./landscape.ts";
import { createTable } from "./table.ts";

/** How an account begins. */
export interface AccountOptions {
  readonly region: string;
  readonly cluster: string;
  readonly ports: Ports;
  /** A DynamoDB server that runs already. */
  readonly dynamodbEndpoint?: string | undefined;
  readonly ec2?: Ec2ConfigPatch & { readonly latency?: LatencyConfig };
  readonly visibilityTimeoutSeconds?: number;
  /** How long an outcome waits in its queue; production's time when absent. */
  readonly outcomeRetentionSeconds?: number;
}

/** What Trunkline finds in AWS: the table, the queues, and EC2 with the tutorial's landscape. */
export interface Account {
  readonly dynamodb: DynamodbServer;
  readonly queues: QueueServer;
  readonly ec2: Ec2Emulator;
  readonly landscape: Landscape;
}

/** Says what ends what has begun; all of it ends in the opposite order. */
export type AtEnd = (stop: () => Promise<void>) => void;

/** Begins something of several parts. When a part fails, those before it are ended again. */
export async function beginTogether<Begun>(
  begin: (atEnd: AtEnd, stop: () => Promise<void>) => Promise<Begun>,
): Promise<Begun> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    return await begin((each) => stops.push(each), stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts the account's servers. @throws StartFailure when a port is taken or this platform lacks something. */
export async function startAccount(options: AccountOptions, atEnd: AtEnd): Promise<Account> {
  const { region, cluster, ports } = options;
  const dynamodb = await startDynamodb({ endpoint: options.dynamodbEndpoint, port: ports.dynamodb });
  atEnd(() => dynamodb.stop());
  await createTable({ endpoint: dynamodb.url, region, table: tableName(localStage) });
  const queues = await startQueues({
    port: ports.sqs,
    region,
    clusters: [cluster],
    visibilityTimeoutSeconds: options.visibilityTimeoutSeconds ?? worldDurations.visibilityTimeout.local,
    outcomeRetentionSeconds: options.outcomeRetentionSeconds,
  });
  atEnd(() => queues.stop());
  const config = options.ec2 ?? {};
  const ec2 = await startEc2Emulator({ port: ports.ec2, region, seed: landscapeSeed, config }).catch(
    (error: unknown) => {
      throw explainPort(error, "EC2", "TRUNKLINE_EC2_PORT", ports.ec2);
    },
  );
  atEnd(() => ec2.stop());
  return { dynamodb, queues, ec2, landscape: makeLandscape(ec2.model()) };
}

/** What the world tells of itself. */
export function factsOf(options: AccountOptions, account: Account, kubernetes: string): WorldFacts {
  const { dynamodb, ec2, queues, landscape } = account;
  return {
    kubernetes,
    ec2: ec2.url,
    dynamodb: dynamodb.url,
    sqs: queues.url,
    region: options.region,
    pid: process.pid,
    epoch: randomUUID(),
    cluster: options.cluster,
    ...landscape,
  };
}
