import { variables } from "@trunkline/runtime/names";

/** Variables with which every function starts. The endpoints lead nowhere: a test that calls AWS by mistake fails at once. */
export function functionVariables(changes: Readonly<Record<string, string>> = {}): Record<string, string> {
  const queues = "https://sqs.us-west-2.amazonaws.com/123456789012";
  return {
    [variables.deployment]: "trunkline-test",
    [variables.table]: "trunkline-test-ledger",
    [variables.epoch]: "epoch-1",
    [variables.account]: "123456789012",
    [variables.region]: "us-west-2",
    [variables.clusters]: JSON.stringify([{ cluster: "blue", enisMax: 10 }, { cluster: "eu.green" }]),
    [variables.clusterQueueUrlPrefix]: `${queues}/trunkline-test-`,
    [variables.branchCooldownQueueUrl]: `${queues}/trunkline-test-branch-cooldown`,
    [variables.instanceEventsQueueUrl]: `${queues}/trunkline-test-instance-events`,
    [variables.endpointDynamodb]: "http://127.0.0.1:9",
    [variables.endpointSqs]: "http://127.0.0.1:9",
    [variables.endpointEc2]: "http://127.0.0.1:9",
    ...changes,
  };
}
