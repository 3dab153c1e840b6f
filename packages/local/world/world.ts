import type { Ec2Emulator } from "@trunkline/emulator-ec2";
import {
  type KubernetesEmulator,
  type KubernetesEmulatorOptions,
  startKubernetesEmulator,
} from "@trunkline/emulator-kubernetes";
import { type Controllers, startControllers } from "@trunkline/emulator-kubernetes/controllers";
import { worldDurations } from "../durations.ts";
import { explainPort } from "../failure.ts";
import type { QueueServer } from "../queues.ts";
import { kubernetesTokens } from "../tokens.ts";
import type { WorldFacts } from "../walkthrough/tour.ts";
import { type Account, type AccountOptions, type AtEnd, beginTogether, factsOf, startAccount } from "./account.ts";
import { realClock } from "./clock.ts";
import { installCluster } from "./cluster.ts";
import { databasePort, runNodes } from "./landscape.ts";
import { createNetwork } from "./network.ts";
import { followInstances } from "./nodes.ts";

/** How a world begins. */
export interface WorldOptions extends AccountOptions {
  readonly nodes: { readonly count: number; readonly instanceType: string };
  /** Told what goes wrong inside the world. */
  readonly onError: (error: unknown) => void;
  /** What differs from the defaults of the Kubernetes emulator. */
  readonly kubernetes?: Pick<KubernetesEmulatorOptions, "resolveService" | "bookmarkSeconds" | "historyMax">;
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
export function startWorld(options: WorldOptions): Promise<World> {
  return beginTogether(async (atEnd, stop) => {
    const account = await startAccount(options, atEnd);
    return { ...(await startCluster(options, account, atEnd)), stop };
  });
}

/** Starts the emulated cluster and lets its first nodes join. */
async function startCluster(options: WorldOptions, account: Account, atEnd: AtEnd): Promise<Omit<World, "stop">> {
  const { cluster, ports } = options;
  const { ec2, queues, landscape } = account;
  const kubernetes = await startKubernetesEmulator({
    ...options.kubernetes,
    port: ports.kubernetes,
    tokens: kubernetesTokens,
  }).catch((error: unknown) => {
    throw explainPort(error, "Kubernetes", "TRUNKLINE_KUBERNETES_PORT", ports.kubernetes);
  });
  atEnd(() => kubernetes.stop());
  const controllers = startControllers({
    api: kubernetes.api,
    clock: realClock,
    random: Math.random,
    network: createNetwork(ec2.model()),
    settings: {
      nodeStatusMs: worldDurations.nodeStatusInterval.local * 1_000,
      sandboxRetryMs: worldDurations.sandboxRetry.local * 1_000,
      cniPollMs: worldDurations.trunkLookInterval.local * 1_000,
      onError: options.onError,
      listeners: (address, port) => address === landscape.databaseAddress && port === databasePort,
    },
  });
  kubernetes.setLogSource(controllers.logs);
  atEnd(() => controllers.stop());
  const nodes = followInstances({ cluster, ec2, controllers, queues, onError: options.onError });
  atEnd(async () => nodes.stop());
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
    facts: factsOf(options, account, kubernetes.url),
    silenceCluster: async () => {
      nodes.stop();
      await controllers.stop();
      await kubernetes.stop();
    },
  };
}
