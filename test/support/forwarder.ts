import { KubeConfig } from "@kubernetes/client-node";
import type { NodeEvent, Outcome, PodEvent } from "@trunkline/core";
import type { KubernetesEmulator } from "@trunkline/emulator-kubernetes";
import { type ForwarderSettings, type RunningForwarder, startForwarder } from "@trunkline/forwarder";
import { startClusterQueues } from "./cluster-queues.ts";
import { type ForwarderClusterOptions, forwarderToken, startForwarderCluster } from "./forwarder-cluster.ts";

export { readDeployment } from "./forwarder-cluster.ts";

/** The forwarder on an emulated cluster, with real queues on which a test plays the functions. */
export interface ForwarderWorld {
  readonly kubernetes: KubernetesEmulator;
  readonly forwarder: RunningForwarder;
  /** What the forwarder has logged. */
  readonly logged: string[];
  deliver(...outcomes: readonly Outcome[]): Promise<void>;
  /** What has arrived on both event queues so far. */
  received(): Promise<readonly (PodEvent | NodeEvent)[]>;
  /** Messages in the queue of outcomes, in flight or not. */
  outcomesLeft(): Promise<number>;
  /** Starts one more forwarder on the same cluster, which the world does not stop. */
  startAnother(settings?: Partial<ForwarderSettings>): Promise<RunningForwarder>;
  /** Ends this forwarder and starts another one with nothing. */
  restartForwarder(): Promise<void>;
  stop(): Promise<void>;
}

/** How a world differs from the usual one. */
export interface ForwarderWorldOptions extends Omit<ForwarderClusterOptions, "admissionPort"> {
  /** Settings that the forwarder has besides, or instead of, the usual ones. */
  readonly settings?: Partial<ForwarderSettings>;
}

/** Starts the world with one forwarder that is alone. */
export const startForwarderWorld = async ({
  settings = {},
  ...options
}: ForwarderWorldOptions = {}): Promise<ForwarderWorld> => {
  let forwarder: RunningForwarder | undefined;
  const cluster = await startForwarderCluster({ ...options, admissionPort: () => forwarder?.admissionPort });
  const { kubernetes, certificate } = cluster;
  const { sqs, urls, ...queues } = await startClusterQueues();
  const logged: string[] = [];
  const start = async (others: Partial<ForwarderSettings>): Promise<RunningForwarder> => {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser(
      { name: "test", server: kubernetes.url, skipTLSVerify: false },
      { name: "forwarder", token: forwarderToken },
    );
    const started = await startForwarder({
      kubeConfig,
      sqs,
      settings: {
        clusterName: "test",
        podEventsQueueUrl: urls.podEvents,
        nodeEventsQueueUrl: urls.nodeEvents,
        outcomesQueueUrl: urls.outcomes,
        admission: { host: "127.0.0.1", port: 0, certificate: { source: "given", ...certificate } },
        snapshotSeconds: 300,
        outcomeHeldSeconds: 60,
        cooldownSeconds: 60,
        cooldownFloorSeconds: 30,
        ...settings,
        ...others,
      },
      log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    });
    await started.ready;
    return started;
  };
  forwarder = await start({});
  await cluster.installAdmission();
  return {
    ...queues,
    kubernetes,
    get forwarder() {
      if (forwarder === undefined) throw new Error("the forwarder is stopped");
      return forwarder;
    },
    logged,
    startAnother: (others = {}) => start(others),
    restartForwarder: async () => {
      await forwarder?.stop();
      forwarder = await start({});
    },
    stop: async () => {
      await forwarder?.stop();
      await kubernetes.stop();
      await queues.stop();
    },
  };
};
