import type { FunctionName } from "@trunkline/runtime/names";
import type { Queues } from "./queues.ts";

/** What the ledger's adapter calls. A transaction needs the rights of its parts. */
const ledgerActions = [
  "dynamodb:ConditionCheckItem",
  "dynamodb:DeleteItem",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
];

const consumeActions = [
  "sqs:ChangeMessageVisibility",
  "sqs:DeleteMessage",
  "sqs:GetQueueAttributes",
  "sqs:ReceiveMessage",
];

/** Looking: EC2 knows no narrower resource for describes than the whole Region. */
const lookActions = [
  "ec2:DescribeInstances",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSecurityGroups",
  "ec2:DescribeSubnets",
  "ec2:DescribeTrunkInterfaceAssociations",
];

/** Making a branch ENI with its tags and wiring it to its trunk. */
const allocateActions = ["ec2:AssociateTrunkInterface", "ec2:CreateNetworkInterface", "ec2:CreateTags"];

const releaseActions = ["ec2:DeleteNetworkInterface", "ec2:DisassociateTrunkInterface"];

/** Putting a trunk ENI on an instance and taking it off. */
const trunkActions = [
  "ec2:AttachNetworkInterface",
  "ec2:DetachNetworkInterface",
  "ec2:ModifyNetworkInterfaceAttribute",
];

/**
 * What each function does in EC2. Whoever makes room on a node serves the pods that wait there (P16), and any worker
 * may finish any branch (P08), so all but the reaper both allocate and release.
 */
const ec2Actions: Record<FunctionName, readonly string[]> = {
  "pod-events": [...lookActions, ...allocateActions, ...releaseActions],
  "node-events": [...lookActions, ...allocateActions, ...releaseActions, ...trunkActions],
  "branch-cooldown": [...lookActions, ...allocateActions, ...releaseActions],
  "instance-events": [...lookActions, ...allocateActions, ...releaseActions, ...trunkActions],
  reaper: [...lookActions, ...releaseActions, "ec2:DetachNetworkInterface"],
};

/** The permissions of one function, each action by its name. */
export function permissionsOf(
  name: FunctionName,
  { table, queues }: { readonly table: sst.aws.Dynamo; readonly queues: Queues },
): sst.aws.FunctionPermissionArgs[] {
  const consumed = consumedQueues(name, queues);
  return [
    { actions: ledgerActions, resources: [table.arn] },
    { actions: ["sqs:SendMessage"], resources: producedQueues(queues).map((queue) => queue.arn) },
    ...(consumed.length === 0 ? [] : [{ actions: consumeActions, resources: consumed.map((queue) => queue.arn) }]),
    { actions: [...ec2Actions[name]], resources: ["*"] },
  ];
}

/** The queues whose messages a function works on. The reaper is called by the clock. */
export function consumedQueues(name: FunctionName, queues: Queues): readonly sst.aws.Queue[] {
  switch (name) {
    case "pod-events":
    case "node-events":
      return queues.clusters.map((cluster) => cluster[name]);
    case "branch-cooldown":
    case "instance-events":
      return [queues.shared[name]];
    case "reaper":
      return [];
  }
}

/** The queues that every function may send to: outcomes, and what it defers. Nobody but EventBridge sends instance events. */
function producedQueues({ clusters, shared }: Queues): readonly sst.aws.Queue[] {
  return [
    ...clusters.flatMap((cluster) => [cluster["pod-events"], cluster["node-events"], cluster.outcomes]),
    shared["branch-cooldown"],
  ];
}
