import {
  type ClusterEntry,
  clusterQueueName,
  deploymentName,
  durations,
  sharedQueueName,
  tableName,
  variables,
} from "@trunkline/runtime/names";
import { localDurations } from "./durations.ts";
import { localAccount, localStage } from "./queues.ts";

/** Where the local world's servers are. */
export interface Endpoints {
  readonly dynamodb: string;
  readonly sqs: string;
  readonly ec2: string;
  readonly region: string;
  /** The epoch of the table: what another world has left in it counts as absent. */
  readonly epoch: string;
}

/** What a start may change about the functions' settings. */
export interface Overrides {
  readonly durations?: Partial<Record<keyof typeof durations, number>>;
  readonly quotas?: Readonly<Record<string, { capacity: number; refillPerSecond: number }>>;
  readonly reuse?: boolean;
}

/** The variables of the functions in the local world: production's names with this machine's values. */
export function functionEnvironment(
  endpoints: Endpoints,
  clusters: readonly ClusterEntry[],
  overrides: Overrides = {},
): Record<string, string> {
  const queueUrl = (name: string) => `${endpoints.sqs}/${localAccount}/${name}`;
  const seconds = { ...localDurations, ...overrides.durations };
  const prefix = clusterQueueName(localStage, "", "outcomes").slice(0, -"-outcomes".length);
  return {
    [variables.deployment]: deploymentName(localStage),
    [variables.table]: tableName(localStage),
    [variables.epoch]: endpoints.epoch,
    [variables.account]: localAccount,
    [variables.region]: endpoints.region,
    [variables.clusters]: JSON.stringify(clusters),
    [variables.clusterQueueUrlPrefix]: queueUrl(prefix),
    [variables.branchCooldownQueueUrl]: queueUrl(sharedQueueName(localStage, "branch-cooldown")),
    [variables.instanceEventsQueueUrl]: queueUrl(sharedQueueName(localStage, "instance-events")),
    [variables.floors]: "off",
    [variables.reuse]: overrides.reuse === false ? "off" : "on",
    [variables.quotas]: JSON.stringify(overrides.quotas ?? {}),
    [variables.endpointDynamodb]: endpoints.dynamodb,
    [variables.endpointSqs]: endpoints.sqs,
    [variables.endpointEc2]: endpoints.ec2,
    ...Object.fromEntries(
      Object.entries(seconds).map(([name, value]) => [durations[name as keyof typeof durations].variable, `${value}`]),
    ),
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  };
}
