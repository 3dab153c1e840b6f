import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Dependencies } from "@trunkline/allocator";
import { branded, type ClusterName } from "@trunkline/core";
import { createEc2, createEc2Client } from "@trunkline/ec2";
import { createLedger, createPacer } from "@trunkline/ledger";
import { systemClock, systemIds } from "./clock.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { createOutbox } from "./outbox.ts";
import { createTelemetry, type FunctionTelemetry } from "./telemetry.ts";

/** A configuration that cannot work. Its message is one line that names each variable and what it must be. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** The SDK clients, so that a test can put faults into them. */
export interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly ec2: ReturnType<typeof createEc2Client>;
}

/** What an entry point works with. */
export interface Composition extends FunctionTelemetry {
  readonly environment: Environment;
  readonly dependencies: Dependencies;
}

/** Reads the variables. @throws ConfigurationError naming those that are missing or wrong. */
export function requireEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const result = readEnvironment(variables);
  if (!result.ok) throw new ConfigurationError(result.problems.join(" "));
  return result.value;
}

/** How long DynamoDB and SQS may take, in milliseconds; the SDK tries three times within a function's 30 s. */
const requestHandler = { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true };

/** The SDK clients of a deployment. Endpoints that are not AWS's come from the SDK's own variables. */
export function createClients({ region, endpoints }: Environment): Clients {
  const at = (endpoint: string | undefined) => ({
    region,
    requestHandler,
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  return {
    dynamodb: new DynamoDBClient(at(endpoints.dynamodb)),
    // A queue's URL names a host; where the endpoint is another one, that host may not exist, or be the real AWS.
    sqs: new SQSClient({ ...at(endpoints.sqs), useQueueUrlAsEndpoint: false }),
    ec2: createEc2Client({ region, endpoint: endpoints.ec2 }),
  };
}

/** The one place where ports meet their adapters. */
export function compose(environment: Environment, clients: Clients = createClients(environment)): Composition {
  const { table, epoch, account, region, quotas, settings } = environment;
  const made = createTelemetry(environment.deployment);
  const stored = { client: clients.dynamodb, table, epoch, clock: systemClock };
  return {
    ...made,
    environment,
    dependencies: {
      ledger: createLedger(stored),
      pacer: createPacer({ ...stored, account, region, quotas }),
      ec2: createEc2({ client: clients.ec2, deployment: environment.deployment }),
      outbox: createOutbox({ ...environment, client: clients.sqs }),
      clock: systemClock,
      ids: systemIds,
      telemetry: made.telemetry,
      settings,
      clusters: environment.clusters.map(({ cluster }) => branded<ClusterName>(cluster)),
      clusterLimits: environment.limitsOf,
      instanceLimits: environment.instanceLimits.of,
    },
  };
}
