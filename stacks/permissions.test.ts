import { functionNames } from "@trunkline/runtime/names";
import { describe, expect, test } from "vitest";
import { readSources } from "../test/support/sources.ts";
import { permissionsOf } from "./permissions.ts";
import type { Queues } from "./queues.ts";

/** IAM's names where they are not those of the call, or of the part of a transaction. */
const actionsOfCalls: Readonly<Record<string, readonly string[]>> = {
  ConditionCheck: ["dynamodb:ConditionCheckItem"],
  Delete: ["dynamodb:DeleteItem"],
  Get: ["dynamodb:GetItem"],
  Put: ["dynamodb:PutItem"],
  Query: ["dynamodb:Query"],
  Update: ["dynamodb:UpdateItem"],
  TransactWrite: [],
  SendMessage: ["sqs:SendMessage"],
  SendMessageBatch: ["sqs:SendMessage"],
};

const queue = (arn: string) => ({ arn }) as unknown as sst.aws.Queue;
const foundation = {
  table: { arn: "table" } as unknown as sst.aws.Dynamo,
  queues: {
    clusters: [
      { cluster: "blue", "pod-events": queue("pods"), "node-events": queue("nodes"), outcomes: queue("outcomes") },
    ],
    shared: { "branch-cooldown": queue("cooldown"), "instance-events": queue("instances") },
  } satisfies Queues,
};

function actionsOf(name: (typeof functionNames)[number]): string[] {
  return permissionsOf(name, foundation).flatMap(({ actions }) => actions as string[]);
}

/** The calls that the adapters make: the SDK's commands, and the parts of the ledger's transactions. */
async function adapterCalls(): Promise<string[]> {
  const sources = await readSources([".ts"]);
  const adapters = sources.filter(
    ({ path }) => /^packages\/(ledger|ec2|runtime)\//.test(path) && !path.endsWith(".test.ts"),
  );
  const named = (pattern: RegExp) => adapters.flatMap(({ text }) => [...text.matchAll(pattern)]);
  const calls = [...named(/\bnew ([A-Z]\w+)Command\(/g), ...named(/\b(ConditionCheck|Delete|Put|Update): /g)];
  return [...new Set(calls.map(([, call = ""]) => call))];
}

describe("permissionsOf", () => {
  test("between them the functions may do all that the adapters call, and EC2's calls by their own names", async () => {
    const granted = new Set(functionNames.flatMap(actionsOf));
    const calls = await adapterCalls();

    const needed = calls.flatMap((call) => actionsOfCalls[call] ?? [`ec2:${call}`]);

    expect(calls).toEqual(expect.arrayContaining(["TransactWrite", "ConditionCheck"]));
    expect(needed.filter((action) => !granted.has(action))).toEqual([]);
  });

  test("the reaper cannot make an interface or wire one", () => {
    const actions = actionsOf("reaper");

    expect(actions).not.toContain("ec2:CreateNetworkInterface");
    expect(actions).not.toContain("ec2:AssociateTrunkInterface");
  });

  test.each(functionNames)("%s may send outcomes and deferred messages, but no instance events", (name) => {
    const sending = permissionsOf(name, foundation).filter(({ actions }) =>
      (actions as string[]).includes("sqs:SendMessage"),
    );

    expect(sending.map(({ resources }) => resources)).toEqual([["pods", "nodes", "outcomes", "cooldown"]]);
  });
});
