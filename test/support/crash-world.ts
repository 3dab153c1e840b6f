import { branded, type InstanceId, type Outcome, type Partition } from "@trunkline/core";
import { type Ec2Emulator, startEc2Emulator } from "@trunkline/emulator-ec2";
import { createLedger } from "@trunkline/ledger";
import { parseOutcome } from "@trunkline/messages";
import { requireEnvironment, systemClock } from "@trunkline/runtime";
import { deploymentName, variables } from "@trunkline/runtime/names";
import { vi } from "vitest";
import { type CrashCluster, startCrashCluster } from "./crash-cluster.ts";
import { type CrashQueues, type QueueKind, startCrashQueues } from "./crash-queues.ts";
import { type CrashPoint, createWorker, type Worker } from "./crash-worker.ts";
import { startTestDynamodb } from "./dynamodb.ts";
import { functionVariables } from "./function-variables.ts";

/** A type of which our workers believe that it takes one branch, so that one pod fills it. */
export const narrowType = "c5.large";

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
  /** Runs the reaper in a worker of its own, a few times, and settles what it has set going. */
  reap(): Promise<void>;
  stop(): Promise<void>;
}

const stage = "test";
const slug = "blue";
const kinds: readonly QueueKind[] = ["outcomes", "node-events", "pod-events", "branch-cooldown", "instance-events"];
/** One batch takes so long. */
const batchMilliseconds = 50;
/** Batches in one settling; a scenario needs about 20. */
const batchesMax = 200;
const reaperRuns = 3;
const reaperSeconds = 120;

/** Starts the servers, in whose process the clock stands still but for what the world lets pass. */
export async function startCrashWorld(): Promise<CrashWorld> {
  vi.useFakeTimers({ toFake: ["Date"] });
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, "test");
  vi.stubEnv("POWERTOOLS_LOG_LEVEL", "SILENT");
  vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "true");
  const dynamodb = await startTestDynamodb();
  const ec2 = await startEc2Emulator({
    config: { transitions: { pendingMs: 0, attachingMs: 0, detachingMs: 0, shuttingDownMs: 0 } },
  });
  const queues = await startCrashQueues(stage, slug);
  const land = makeLand(ec2);
  const cluster = await startCrashCluster(queues, land.podGroupId);
  const environment = requireEnvironment(
    variablesOf({ ec2, queues, dynamodb: dynamodb.endpoint, table: await dynamodb.createTable() }),
  );
  const { table, epoch } = environment;
  const ledger = createLedger({ client: dynamodb.client(), table, epoch, clock: systemClock });
  const outcomes: Outcome[] = [];
  const eventsSent: Promise<void>[] = [];
  ec2.model().onInstanceStateChange((event) => {
    eventsSent.push(queues.send("instance-events", JSON.stringify(event)));
  });
  let worker = createWorker(environment);

  const hire = (crash?: CrashPoint): Worker => {
    worker.stop();
    worker = createWorker(environment, crash);
    return worker;
  };
  const deliver = async (kind: QueueKind): Promise<void> => {
    pass(batchMilliseconds);
    const records = await queues.receive(kind);
    if (kind === "outcomes") {
      for (const { body } of records) outcomes.push(outcomeOf(body));
      if (records.length > 0) await cluster.apply(records);
      return;
    }
    for (const record of await worker.take(kind, records)) await queues.delete(record);
    if (worker.isDead) hire();
  };
  const settle = async (seconds = Number.POSITIVE_INFINITY): Promise<void> => {
    const until = Date.now() + seconds * 1_000;
    for (let batches = 0; batches < batchesMax; batches += 1) {
      const next = earliest(queues);
      if (next === undefined || next.at > until) {
        if (Number.isFinite(until)) pass(until - Date.now());
        return;
      }
      pass(next.at - Date.now());
      await deliver(next.kind);
    }
    throw new Error(`The queues are not empty after ${batchesMax} batches:\n${queues.left().join("\n")}`);
  };
  return {
    ec2,
    cluster,
    queues,
    outcomes,
    hire,
    settle,
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
      const before = eventsSent.length;
      ec2.model().perform("TerminateInstances", { InstanceIds: [instanceId] });
      while (eventsSent.length < before + 2) await new Promise(setImmediate);
      await Promise.all(eventsSent);
    },
    reap: async () => {
      for (let runs = 0; runs < reaperRuns; runs += 1) {
        await worker.reap();
        await settle(reaperSeconds);
      }
    },
    stop: async () => {
      worker.stop();
      await cluster.stop();
      await queues.stop();
      await ec2.stop();
      await dynamodb.stop();
      vi.useRealTimers();
      vi.unstubAllEnvs();
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

function makeLand(ec2: Ec2Emulator): { readonly subnetId: string; readonly podGroupId: string } {
  const { Vpc } = ec2.model().perform("CreateVpc", { CidrBlock: "192.168.0.0/16" });
  const VpcId = String(Vpc?.VpcId);
  const { Subnet } = ec2.model().perform("CreateSubnet", { VpcId, CidrBlock: "192.168.0.0/18" });
  const group = { GroupName: "pods", Description: "Pods", VpcId };
  const { GroupId } = ec2.model().perform("CreateSecurityGroup", group);
  return { subnetId: String(Subnet?.SubnetId), podGroupId: String(GroupId) };
}

function variablesOf(servers: { ec2: Ec2Emulator; queues: CrashQueues; dynamodb: string; table: string }) {
  const { ec2, queues, dynamodb, table } = servers;
  const prefix = queues.url("outcomes").slice(0, -`${slug}-outcomes`.length);
  return functionVariables({
    [variables.deployment]: deploymentName(stage),
    [variables.table]: table,
    [variables.clusters]: JSON.stringify([{ cluster: slug }]),
    [variables.clusterQueueUrlPrefix]: prefix,
    [variables.branchCooldownQueueUrl]: queues.url("branch-cooldown"),
    [variables.instanceEventsQueueUrl]: queues.url("instance-events"),
    [variables.endpointDynamodb]: dynamodb,
    [variables.endpointSqs]: queues.endpoint,
    [variables.endpointEc2]: ec2.url,
    [variables.instanceLimits]: JSON.stringify({ [narrowType]: { branchesMax: 1 } }),
  });
}
