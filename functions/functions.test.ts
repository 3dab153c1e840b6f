import { type FunctionName, functionNames } from "@trunkline/runtime/names";
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { functionVariables } from "../test/support/function-variables.ts";

const queues: readonly (readonly [FunctionName, queue: string])[] = [
  ["pod-events", "trunkline-test-blue-pod-events"],
  ["node-events", "trunkline-test-blue-node-events"],
  ["branch-cooldown", "trunkline-test-branch-cooldown"],
  ["instance-events", "trunkline-test-instance-events"],
];
const context = { functionName: "f", awsRequestId: "r", getRemainingTimeInMillis: () => 30_000 } as Context;

type Loaded = { handler: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse | undefined> };

/** A function reads its variables when it is loaded, so each test loads it anew. */
const load: Record<FunctionName, () => Promise<unknown>> = {
  "pod-events": () => import("./pod-events.ts"),
  "node-events": () => import("./node-events.ts"),
  "branch-cooldown": () => import("./branch-cooldown.ts"),
  "instance-events": () => import("./instance-events.ts"),
  reaper: () => import("./reaper.ts"),
};

const setVariables = (given: Readonly<Record<string, string | undefined>>) => {
  for (const [variable, value] of Object.entries(given)) vi.stubEnv(variable, value);
};

beforeEach(() => {
  vi.resetModules();
  setVariables({ ...functionVariables(), POWERTOOLS_LOG_LEVEL: "SILENT", POWERTOOLS_METRICS_DISABLED: "true" });
});

afterEach(() => vi.unstubAllEnvs());

describe("the functions", () => {
  test.each(queues)("%s fails a message that cannot be read and touches nothing", async (name, queue) => {
    const { handler } = (await load[name]()) as Loaded;
    const record = { messageId: "1", body: "{", eventSourceARN: `arn:aws:sqs:us-west-2:123456789012:${queue}` };

    const answer = await handler({ Records: [record] } as unknown as SQSEvent, context);

    expect(answer).toStrictEqual({ batchItemFailures: [{ itemIdentifier: "1" }] });
  });

  test.each(functionNames)("%s does not start without its table, and says so in one line", async (name) => {
    setVariables({ TRUNKLINE_TABLE: undefined });

    await expect(load[name]()).rejects.toThrow(
      /^TRUNKLINE_TABLE is not set; it must be the name of the ledger's table\.$/,
    );
  });
});
