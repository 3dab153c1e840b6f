import { randomUUID } from "node:crypto";
import type { KubeConfig } from "@kubernetes/client-node";
import { type ForwarderSettings, type RunningForwarder, startForwarder } from "@trunkline/forwarder";
import { localDurations, worldDurations } from "./durations.ts";
import { clusterQueues, localAccount } from "./queues.ts";
import { localSqsClient } from "./sqs-client.ts";
import type { WorldFacts } from "./walkthrough/tour.ts";
import type { Certificate } from "./webhooks.ts";

/** How one replica of the forwarder runs in the local world. */
export interface ReplicaOptions {
  readonly facts: Pick<WorldFacts, "cluster" | "sqs" | "region">;
  /** The forwarder's own user of the cluster. */
  readonly kubeConfig: KubeConfig;
  /** Where the admission server listens; any free port of it. */
  readonly host: string;
  readonly certificate: Certificate;
  /** What differs from the local world's settings. */
  readonly settings?: Partial<ForwarderSettings> | undefined;
  readonly log: (line: string) => void;
}

/** Starts the real forwarder and resolves when it is ready. */
export async function startReplica(options: ReplicaOptions): Promise<Pick<RunningForwarder, "admissionPort" | "stop">> {
  const { facts, kubeConfig, host, certificate, log } = options;
  const names = clusterQueues(facts.cluster);
  const queueUrl = (name: string) => `${facts.sqs}/${localAccount}/${name}`;
  const sqs = localSqsClient(facts);
  const forwarder = await startForwarder({
    kubeConfig,
    sqs,
    settings: {
      clusterName: facts.cluster,
      podEventsQueueUrl: queueUrl(names["pod-events"]),
      nodeEventsQueueUrl: queueUrl(names["node-events"]),
      outcomesQueueUrl: queueUrl(names.outcomes),
      admission: { host, port: 0, certificate: { source: "given", ...certificate } },
      snapshotSeconds: worldDurations.snapshotInterval.local,
      outcomeHeldSeconds: 60,
      cooldownSeconds: localDurations.cooldownSeconds,
      cooldownFloorSeconds: localDurations.cooldownFloorSeconds,
      election: {
        identity: `local_${randomUUID()}`,
        lease: { namespace: "kube-system", name: "trunkline-forwarder" },
        leaseSeconds: worldDurations.lease.local,
        renewSeconds: worldDurations.leaseRenew.local,
        retrySeconds: worldDurations.leaseRetry.local,
      },
      ...options.settings,
    },
    log: (level, message, fields) => log(JSON.stringify({ level, message, ...fields })),
  });
  await forwarder.ready;
  return {
    admissionPort: forwarder.admissionPort,
    stop: async () => {
      await forwarder.stop();
      sqs.destroy();
    },
  };
}
