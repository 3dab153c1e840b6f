import { functionTimeoutSeconds } from "@trunkline/runtime/limits";
import type { FunctionName } from "@trunkline/runtime/names";
import type { StageSettings } from "./configuration.ts";
import { functionEnvironment } from "./environment.ts";
import { permissionsOf } from "./permissions.ts";
import type { Queues } from "./queues.ts";

/** What the functions stand on. */
export interface Foundation {
  readonly table: sst.aws.Dynamo;
  readonly queues: Queues;
}

/** Creates every function of `functions/`, each with its own role. */
export function createFunctions(
  settings: StageSettings,
  foundation: Foundation,
): Record<FunctionName, sst.aws.Function> {
  const create = (name: FunctionName) => createFunction(name, settings, foundation);
  return {
    "pod-events": create("pod-events"),
    "node-events": create("node-events"),
    "branch-cooldown": create("branch-cooldown"),
    "instance-events": create("instance-events"),
    reaper: create("reaper"),
  };
}

function createFunction(name: FunctionName, settings: StageSettings, foundation: Foundation): sst.aws.Function {
  return new sst.aws.Function(name, {
    handler: `functions/${name}.handler`,
    runtime: "nodejs24.x",
    architecture: "arm64",
    memory: "512 MB",
    timeout: `${functionTimeoutSeconds[name]} seconds`,
    logging: { format: "json", retention: "1 month" },
    environment: functionEnvironment(settings, foundation),
    permissions: permissionsOf(name, foundation),
    // Two reapers at once would count the same orphans twice.
    ...(name === "reaper" ? { concurrency: { reserved: 1 } } : {}),
    transform: { role: { assumeRolePolicy: lambdaOnly } },
  });
}

/** SST would also let every principal of the account take a function's role while `sst dev` runs. */
const lambdaOnly = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "lambda.amazonaws.com" } }],
});
