import { createInMemoryPacer } from "@trunkline/allocator/testing";
import { createPacer } from "@trunkline/ledger";
import { afterAll, beforeAll } from "vitest";
import { startTestDynamodb, type TestDynamodb } from "../support/dynamodb.ts";
import { pacerContract } from "./pacer-suite.ts";

let dynamodb: TestDynamodb;
beforeAll(async () => {
  dynamodb = await startTestDynamodb();
});
afterAll(() => dynamodb.stop());

pacerContract("DynamoDB", async (clock, quotas) => {
  const table = await dynamodb.createTable();
  const account = { table, epoch: "e1", account: "123456789012", region: "us-west-2" };
  return () => createPacer({ ...account, client: dynamodb.client(), clock, quotas });
});

pacerContract("in memory", async (clock, quotas) => {
  const pacer = createInMemoryPacer(clock, quotas);
  return () => pacer;
});
