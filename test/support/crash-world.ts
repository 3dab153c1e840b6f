import { branded, type InstanceId, type Outcome, type Partition } from "@trunkline/core";
import type { Ec2Emulator } from "@trunkline/emulator-ec2";
import { parseOutcome } from "@trunkline/messages";
import type { SQSRecord } from "aws-lambda";
import { vi } from "vitest";
import type { CrashCluster } from "./crash-cluster.ts";
import type { CrashQueues, QueueKind } from "./crash-queues.ts";
import { type CrashServers, type narrowType, startCrashServers } from "./crash-servers.ts";
import { type CrashPoint, createWorker, type Worker } from "./crash-worker.ts";

/** A whole deployment on real servers, whose queues the test drives; only time is the test's. */
export interface CrashWorld {
  readonly ec2: Ec2Emulator;
  readonly cluster: CrashCluster;
  readonly queues: CrashQueues;
  /** Everything that came through the outcomes queue. */
  readonly outcomes: readonly Outcome[];
  load(instanceId: InstanceId): Promise<Partition>;
  /** Runs an instance of the cluster in EC2; nothing else. */
  runInstance(instanceType: "m5.large" | typeof narrowType): InstanceId;
  /** Ends an instance, and lets EC2's event reach the queue. */
  terminate(instanceId: InstanceId): Promise<void>;
  /** The next messages are taken by a fresh worker, which may have to die; a dead one is followed by a fresh one. */
  hire(crash?: CrashPoint): Worker;
  /** Delivers what is due, in order, and lets time pass until then; for ever, or for so many seconds. */
  settle(seconds?: number): Promise<void>;
  /** Runs the reaper twice, each time in a fresh worker, and settles what it has set going. */
  reap(): Promise<void>;
  stop(): Promise<void>;
}

const kinds: readonly QueueKind[] = ["outcomes", "node-events", "pod-events", "branch-cooldown", "instance-events"];
/** One batch takes so long. */
const batchMilliseconds = 50;
/** Batches in one settling; a scenario needs about 20. */
const batchesMax = 200;
/** The first run of the reaper sees, the second one deletes. */
const reaperRuns = 2;
const reaperSeconds = 120;

/** Starts the servers. Time passes for their whole process as the queues' messages want it, and else stands still. */
export async function startCrashWorld(): Promise<CrashWorld> {
  const servers = await startCrashServers();
  const { ec2, cluster, queues, land, ledger } = servers;
  const staff = createStaff(servers);
  const { settle } = createDrain(servers, staff);
  return {
    ec2,
    cluster,
    queues,
    settle,
    outcomes: staff.outcomes,
    hire: staff.hire,
    load: (instanceId) => ledger.load(instanceId),
    runInstance: (instanceType) => {
      const { Instances = [] } = ec2.model().perform("RunInstances", {
        ImageId: "ami-0123456789abcdef0",
        InstanceType: instanceType,
        MinCount: 1,
        MaxCount: 1,
        SubnetId: land.subnetId,
        TagSpecifications: [
          { ResourceType: "instance", Tags: [{ Key: "kubernetes.io/cluster/blue", Value: "owned" }] },
        ],
      });
      return branded<InstanceId>(String(Instances[0]?.InstanceId));
    },
    terminate: async (instanceId) => {
      const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
      const endWatch = ec2.model().onInstanceStateChange((event) => {
        const sent = queues.send("instance-events", JSON.stringify(event));
        sent.then(() => event.detail.state === "terminated" && resolve(), reject);
      });
      ec2.model().perform("TerminateInstances", { InstanceIds: [instanceId] });
      await ended.finally(endWatch);
    },
    reap: async () => {
      for (let runs = 0; runs < reaperRuns; runs += 1) {
        await staff.hire().reap();
        await settle(reaperSeconds);
      }
    },
    stop: async () => {
      staff.dismiss();
      await servers.stop();
    },
  };
}

/** The worker of the moment, and the forwarder: who takes the messages of each queue. */
function createStaff({ environment, queues, cluster }: CrashServers) {
  const outcomes: Outcome[] = [];
  let worker = createWorker(environment);
  const hire = (crash?: CrashPoint): Worker => {
    worker.stop();
    worker = createWorker(environment, crash);
    return worker;
  };
  return {
    outcomes,
    hire,
    dismiss: () => worker.stop(),
    take: async (kind: QueueKind, records: readonly SQSRecord[]): Promise<void> => {
      if (kind === "outcomes") {
        for (const { body } of records) outcomes.push(outcomeOf(body));
        if (records.length > 0) await cluster.apply(records);
        return;
      }
      for (const record of await worker.take(kind, records)) await queues.delete(record);
      if (worker.isDead) hire();
    },
  };
}

/** Delivers messages in the order in which they are due, in the time in which they are due. */
function createDrain({ queues }: CrashServers, { take }: Pick<ReturnType<typeof createStaff>, "take">) {
  return {
    settle: async (seconds = Number.POSITIVE_INFINITY): Promise<void> => {
      const until = Date.now() + seconds * 1_000;
      for (let batches = 0; batches < batchesMax; batches += 1) {
        const next = earliest(queues);
        if (next === undefined || next.at > until) {
          if (Number.isFinite(until)) pass(until - Date.now());
          return;
        }
        pass(next.at - Date.now());
        pass(batchMilliseconds);
        await take(next.kind, await queues.receive(next.kind));
      }
      throw new Error(`The queues are not empty after ${batchesMax} batches:\n${queues.left().join("\n")}`);
    },
  };
}

const pass = (milliseconds: number): void => {
  if (milliseconds > 0) vi.setSystemTime(Date.now() + milliseconds);
};

/** The queue whose next message is due first. */
const earliest = (queues: CrashQueues): { readonly kind: QueueKind; readonly at: number } | undefined =>
  kinds
    .flatMap((kind) => {
      const at = queues.dueAt(kind);
      return at === undefined ? [] : [{ kind, at }];
    })
    .reduce<{ kind: QueueKind; at: number } | undefined>(
      (first, one) => (first === undefined || one.at < first.at ? one : first),
      undefined,
    );

const outcomeOf = (body: string): Outcome => {
  const parsed = parseOutcome(body);
  if (!parsed.ok) throw new Error(`the forwarder would refuse an outcome: ${parsed.detail}`);
  return parsed.event;
};
