import { deploymentName, sharedQueueName, variables } from "@trunkline/runtime/names";
import type { StageSettings } from "./configuration.ts";
import { configuredEnvironment } from "./configured-environment.ts";
import type { Queues } from "./queues.ts";

/** The environment of every function. `AWS_REGION` is Lambda's own. */
export function functionEnvironment(
  settings: StageSettings,
  { table, queues }: { readonly table: sst.aws.Dynamo; readonly queues: Queues },
): Record<string, $util.Input<string>> {
  const { stage, epoch } = settings;
  const branchCooldown = queues.shared["branch-cooldown"];
  return {
    [variables.deployment]: deploymentName(stage),
    [variables.table]: table.name,
    [variables.epoch]: epoch,
    [variables.account]: aws.getCallerIdentityOutput({}).accountId,
    [variables.clusterQueueUrlPrefix]: branchCooldown.url.apply((url) => queueUrlPrefix(url, stage)),
    [variables.branchCooldownQueueUrl]: branchCooldown.url,
    [variables.instanceEventsQueueUrl]: queues.shared["instance-events"].url,
    ...configuredEnvironment(settings),
  };
}

/** What the URLs of all queues of the deployment begin with, taken from one of them: it names host and account. */
function queueUrlPrefix(branchCooldownUrl: string, stage: string): string {
  const account = branchCooldownUrl.slice(0, -sharedQueueName(stage, "branch-cooldown").length);
  return `${account}${deploymentName(stage)}-`;
}
