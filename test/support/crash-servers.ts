import type { Ledger } from "@trunkline/core";
import { type Ec2Emulator, startEc2Emulator } from "@trunkline/emulator-ec2";
import { createLedger } from "@trunkline/ledger";
import { type Environment, requireEnvironment, systemClock } from "@trunkline/runtime";
import { deploymentName, variables } from "@trunkline/runtime/names";
import { vi } from "vitest";
import { type CrashCluster, startCrashCluster } from "./crash-cluster.ts";
import { type CrashQueues, startCrashQueues } from "./crash-queues.ts";
import { startTestDynamodb } from "./dynamodb.ts";
import { functionVariables } from "./function-variables.ts";

/** A type of which our workers believe that it takes one branch, so that one pod fills it. */
export const narrowType = "c5.large";

/** Where the instances of the cluster run, and the group of its pods. */
export interface CrashLand {
  readonly subnetId: string;
  readonly podGroupId: string;
}

/** The servers around a worker, and what it needs to reach them. */
export interface CrashServers {
  readonly ec2: Ec2Emulator;
  readonly queues: CrashQueues;
  readonly cluster: CrashCluster;
  readonly land: CrashLand;
  readonly environment: Environment;
  /** What the workers have written, read by the real adapter. */
  readonly ledger: Ledger;
  stop(): Promise<void>;
}

const stage = "test";
const slug = "blue";

/** Starts DynamoDB, SQS, EC2 and the cluster. The clock of this process stands still from now on, until they are stopped. */
export async function startCrashServers(): Promise<CrashServers> {
  vi.useFakeTimers({ toFake: ["Date"] });
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, "test");
  vi.stubEnv("POWERTOOLS_LOG_LEVEL", "SILENT");
  vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "true");
  const started: { stop(): Promise<void> }[] = [];
  const stop = async () => {
    for (const server of started.splice(0).reverse()) await server.stop();
    vi.useRealTimers();
    vi.unstubAllEnvs();
  };
  const keep = <Server extends { stop(): Promise<void> }>(server: Server): Server => {
    started.push(server);
    return server;
  };
  try {
    const dynamodb = keep(await startTestDynamodb());
    const ec2 = keep(
      await startEc2Emulator({
        config: { transitions: { pendingMs: 0, attachingMs: 0, detachingMs: 0, shuttingDownMs: 0 } },
      }),
    );
    const queues = keep(await startCrashQueues(stage, slug));
    const land = makeLand(ec2);
    const cluster = keep(await startCrashCluster(queues, land.podGroupId));
    const table = await dynamodb.createTable();
    const environment = requireEnvironment(variablesOf({ ec2, queues, dynamodb: dynamodb.endpoint, table }));
    const { epoch } = environment;
    const ledger = createLedger({ client: dynamodb.client(), table, epoch, clock: systemClock });
    return { ec2, queues, cluster, land, environment, ledger, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function makeLand(ec2: Ec2Emulator): CrashLand {
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
