import { handleBranchLooks, handleInstanceEvents, handleNodeEvents, handlePodEvents, reap } from "@trunkline/allocator";
import { parseBranchLook, parseInstanceStateChange, parseNodeEvent, parsePodEvent } from "@trunkline/messages";
import {
  clusterQueueHandler,
  compose,
  createClients,
  type Environment,
  type QueueFunction,
  sharedQueueHandler,
} from "@trunkline/runtime";
import type { Context, SQSRecord } from "aws-lambda";
import type { QueueKind } from "./crash-queues.ts";
import { createFaults, type Faults, killed } from "./faults.ts";

/** Where a worker is killed: at its n-th call, before it is sent or after its effect. */
export interface CrashPoint {
  readonly nth: number;
  readonly phase: "before" | "after";
}

/** All functions of one deployment in one worker, with the real SDK clients. */
export interface Worker {
  /** Takes a batch; returns what may be deleted. A worker that was killed on the way deletes nothing. */
  take(kind: Exclude<QueueKind, "outcomes">, records: readonly SQSRecord[]): Promise<readonly SQSRecord[]>;
  reap(): Promise<void>;
  /** Names of the calls that it has made or tried. */
  readonly calls: Faults["calls"];
  readonly isDead: boolean;
  stop(): void;
}

const context = {
  functionName: "worker",
  awsRequestId: "request",
  getRemainingTimeInMillis: () => 30_000,
} as Context;

/** Composes a worker as the entry points do; from the crash point on, every call of it fails. */
export function createWorker(environment: Environment, crash?: CrashPoint): Worker {
  const clients = createClients(environment);
  const faults = createFaults();
  for (const client of Object.values(clients)) faults.attach(client);
  if (crash !== undefined) faults.inject({ ...crash, scope: "call", error: killed, deadly: true });
  const composition = compose(environment, clients);
  const { dependencies } = composition;
  const functions: Record<Exclude<QueueKind, "outcomes">, QueueFunction> = {
    "pod-events": clusterQueueHandler(composition, "pod-events", parsePodEvent, (deliveries) =>
      handlePodEvents(dependencies, deliveries),
    ),
    "node-events": clusterQueueHandler(composition, "node-events", parseNodeEvent, (deliveries) =>
      handleNodeEvents(dependencies, deliveries),
    ),
    "branch-cooldown": sharedQueueHandler(composition, parseBranchLook, (deliveries) =>
      handleBranchLooks(dependencies, deliveries),
    ),
    "instance-events": sharedQueueHandler(composition, parseInstanceStateChange, (deliveries) =>
      handleInstanceEvents(dependencies, deliveries),
    ),
  };
  const isDead = () => faults.fired > 0;
  return {
    calls: faults.calls,
    get isDead() {
      return isDead();
    },
    take: async (kind, records) => {
      const answer = await functions[kind]({ Records: [...records] }, context).catch((error: unknown) => {
        if (isDead()) return undefined;
        throw error;
      });
      if (isDead() || answer === undefined) return [];
      const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      return records.filter(({ messageId }) => !failed.has(messageId));
    },
    reap: async () => {
      await reap(dependencies);
    },
    stop: () => {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}
