import { type Ec2ConfigPatch, type Ec2Emulator, type LatencyConfig, startEc2Emulator } from "@trunkline/emulator-ec2";
import { type KubernetesEmulator, startKubernetesEmulator } from "@trunkline/emulator-kubernetes";
import { type Controllers, startControllers } from "@trunkline/emulator-kubernetes/controllers";
import { tableName } from "@trunkline/runtime/names";
import { worldDurations } from "../durations.ts";
import { type DynamodbServer, startDynamodb } from "../dynamodb.ts";
import { explainPort } from "../failure.ts";
import type { Ports } from "../ports.ts";
import { localStage, type QueueServer, startQueues } from "../queues.ts";
import { kubernetesTokens } from "../tokens.ts";
import type { WorldFacts } from "../walkthrough/tour.ts";
import { realClock } from "./clock.ts";
import { installCluster } from "./cluster.ts";
import { databasePort, landscapeSeed, makeLandscape, runNodes } from "./landscape.ts";
import { createNetwork } from "./network.ts";
import { followInstances } from "./nodes.ts";
import { createTable } from "./table.ts";

/** How a world begins. */
export interface WorldOptions {
  readonly region: string;
  readonly cluster: string;
  readonly ports: Ports;
  readonly nodes: { readonly count: number; readonly instanceType: string };
  /** A DynamoDB server that runs already. */
  readonly dynamodbEndpoint?: string | undefined;
  readonly ec2?: Ec2ConfigPatch & { readonly latency?: LatencyConfig };
  readonly visibilityTimeoutSeconds?: number;
  /** Told what goes wrong inside the world. */
  readonly onError: (error: unknown) => void;
}

/** Everything around Trunkline, running: EC2, Kubernetes, SQS and DynamoDB. */
export interface World {
  readonly facts: WorldFacts;
  readonly ec2: Ec2Emulator;
  readonly kubernetes: KubernetesEmulator;
  readonly controllers: Controllers;
  readonly queues: QueueServer;
  /** Runs more instances and resolves with their IDs when they have joined as nodes. */
  addNodes(count: number, instanceType: string): Promise<readonly string[]>;
  /** The API server and EC2's events end at once: nobody says goodbye. */
  silenceCluster(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the world. @throws StartFailure when a port is taken or this platform lacks something. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const dynamodb = await startDynamodb({ endpoint: options.dynamodbEndpoint, port: options.ports.dynamodb });
  const stops: (() => Promise<void>)[] = [() => dynamodb.stop()];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    return await compose(options, dynamodb, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function compose(
  options: WorldOptions,
  dynamodb: DynamodbServer,
  stops: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<World> {
  const { region, cluster, ports } = options;
  await createTable({ endpoint: dynamodb.url, region, table: tableName(localStage) });
  const queues = await startQueues({
    port: ports.sqs,
    region,
    clusters: [cluster],
    visibilityTimeoutSeconds: options.visibilityTimeoutSeconds ?? worldDurations.visibilityTimeout.local,
  });
  stops.push(() => queues.stop());
  const ec2 = await startEc2Emulator({ port: ports.ec2, region, seed: landscapeSeed, config: options.ec2 ?? {} }).catch(
    explained("EC2", "TRUNKLINE_EC2_PORT", ports.ec2),
  );
  stops.push(() => ec2.stop());
  const kubernetes = await startKubernetesEmulator({ port: ports.kubernetes, tokens: kubernetesTokens }).catch(
    explained("Kubernetes", "TRUNKLINE_KUBERNETES_PORT", ports.kubernetes),
  );
  stops.push(() => kubernetes.stop());
  const landscape = makeLandscape(ec2.model());
  const controllers = startControllers({
    api: kubernetes.api,
    clock: realClock,
    random: Math.random,
    network: createNetwork(ec2.model()),
    settings: {
      sandboxRetryMs: 300,
      onError: options.onError,
      listeners: (address, port) => address === landscape.databaseAddress && port === databasePort,
    },
  });
  kubernetes.setLogSource(controllers.logs);
  stops.push(() => controllers.stop());
  const nodes = followInstances({ cluster, ec2, controllers, queues, onError: options.onError });
  stops.push(async () => nodes.stop());
  await installCluster(kubernetes.api.as("kubernetes-admin"));
  const addNodes = async (count: number, instanceType: string) => {
    const instanceIds = runNodes(ec2.model(), landscape, { cluster, count, instanceType });
    await nodes.joined(instanceIds);
    return instanceIds;
  };
  await addNodes(options.nodes.count, options.nodes.instanceType);
  return {
    ec2,
    kubernetes,
    controllers,
    queues,
    addNodes,
    stop,
    facts: {
      kubernetes: kubernetes.url,
      ec2: ec2.url,
      dynamodb: dynamodb.url,
      sqs: queues.url,
      region,
      pid: process.pid,
      cluster,
      ...landscape,
    },
    silenceCluster: async () => {
      nodes.stop();
      await controllers.stop();
      await kubernetes.stop();
    },
  };
}

const explained = (what: string, variable: string, port: number) => (error: unknown) => {
  throw explainPort(error, what, variable, port);
};
