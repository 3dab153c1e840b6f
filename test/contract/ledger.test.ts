import { createInMemoryLedger } from "@trunkline/allocator/testing";
import { createLedger } from "@trunkline/ledger";
import { afterAll, beforeAll } from "vitest";
import { startTestDynamodb, type TestDynamodb } from "../support/dynamodb.ts";
import { ledgerContract, suiteNow } from "./ledger-suite.ts";

let dynamodb: TestDynamodb;
beforeAll(async () => {
  dynamodb = await startTestDynamodb();
});
afterAll(() => dynamodb.stop());

const clock = { now: () => suiteNow, sleep: async () => {} };

ledgerContract("DynamoDB", async () =>
  createLedger({ client: dynamodb.client(), table: await dynamodb.createTable(), epoch: "e1", clock }),
);

ledgerContract("in memory", async () => createInMemoryLedger(clock));
