import { type DynamoDBClient, GetItemCommand, ProvisionedThroughputExceededException } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { branded, type ClusterName, defaultQuotas, type Pacer, type TokenRequest } from "@trunkline/core";
import { createPacer, LedgerError } from "@trunkline/ledger";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTestDynamodb, type TestDynamodb } from "../support/dynamodb.ts";
import { rowSize } from "../support/dynamodb-size.ts";
import { createFaults, type Faults, lostAnswer } from "../support/faults.ts";
import { branches, createSteppedClock, type SteppedClock } from "./pacer-suite.ts";

describe("the pacer in DynamoDB", () => {
  let dynamodb: TestDynamodb;
  let client: DynamoDBClient;
  let table: string;
  let faults: Faults;
  let clock: SteppedClock;

  beforeAll(async () => {
    dynamodb = await startTestDynamodb();
  });
  afterAll(() => dynamodb.stop());
  beforeEach(async () => {
    client = dynamodb.client();
    table = await dynamodb.createTable();
    faults = createFaults();
    faults.attach(client);
    clock = createSteppedClock();
  });

  const worker = (changes: Partial<Parameters<typeof createPacer>[0]> = {}): Pacer =>
    createPacer({
      client,
      table,
      epoch: "e1",
      account: "123456789012",
      region: "us-west-2",
      clock,
      quotas: defaultQuotas,
      random: () => 0.5,
      ...changes,
    });
  const granted = async (pacer: Pacer, ...requests: readonly TokenRequest[]) =>
    (await pacer.ask(requests)).map((grant) => grant.granted);

  it("P17: asks for all tokens of a batch with one write, which carries what was reported before", async () => {
    const pacer = worker();
    await pacer.ask([branches(2), branches(3), branches(1, "b")]);
    await pacer.report({ CreateNetworkInterface: { made: 6, throttled: 0 } });
    await pacer.ask([branches(4)]);
    expect(faults.calls).toEqual(["GetItem", "PutItem", "PutItem"]);
    expect((await row()).b.C).toMatchObject({ t: 85, m: 6 });
  });

  it("P18: writes a throttle at once, and does not ask for what is worth no write", async () => {
    const pacer = worker();
    await pacer.report({ CreateNetworkInterface: { made: 6, throttled: 0 } });
    expect(faults.calls).toEqual([]);
    await pacer.report({ AssociateTrunkInterface: { made: 2, throttled: 1 } });
    expect(faults.calls).toEqual(["GetItem", "PutItem"]);
    expect((await row()).b).toMatchObject({ C: { m: 6 }, A: { m: 2, x: 1, t: 0 } });
  });

  it("P18: writes once what calls side by side report together", async () => {
    const pacer = worker();
    const throttled = { AssociateTrunkInterface: { made: 1, throttled: 1 } };
    await Promise.all([1, 2, 3, 4].map(() => pacer.report(throttled)));
    expect(faults.calls).toEqual(["GetItem", "PutItem"]);
    expect((await row()).b.A.r).toBe(0.96);
  });

  it("decides again on the record that a failed condition brings back, with one more write and no read", async () => {
    const [one, two] = [worker(), worker()];
    await granted(one, branches(10));
    await granted(two, branches(10));
    const before = faults.calls.length;
    expect(await granted(one, branches(40))).toEqual([30]);
    expect(faults.calls.slice(before)).toEqual(["PutItem", "PutItem"]);
  });

  it("lets the batches of one process take turns", async () => {
    const pacer = worker();
    await Promise.all([1, 2, 3, 4].map(() => pacer.ask([branches(10)])));
    expect(faults.calls).toEqual(["GetItem", "PutItem", "PutItem", "PutItem", "PutItem"]);
  });

  it("F4: takes tokens once when the answer to its write was lost", async () => {
    const pacer = worker();
    faults.inject({ command: "PutItem", phase: "after", scope: "attempt", error: lostAnswer });
    expect(await granted(pacer, branches(10))).toEqual([10]);
    expect(faults.fired).toBe(1);
    expect((await row()).b.A).toMatchObject({ t: 35 });
  });

  it("grants nothing when eight tries lose to others, keeps the tag and the report, and says when to come back", async () => {
    const rival = worker({ client: dynamodb.client() });
    const unlucky = dynamodb.client();
    faults.attach(unlucky);
    let races = 0;
    unlucky.middlewareStack.add(
      (next, context) => async (call) => {
        if (context.commandName === "PutItemCommand" && races < 8) {
          races += 1;
          await rival.ask([branches(1, "rival")]);
        }
        return next(call);
      },
      { step: "initialize", priority: "low", name: "races" },
    );
    const pacer = worker({ client: unlucky });
    await pacer.report({ CreateNetworkInterface: { made: 1, throttled: 0 } });
    const grants = await pacer.ask([branches(1), branches(1, "a", 7)]);
    const [first, second, ...more] = faults.calls;
    expect([first, second]).toEqual(["GetItem", "PutItem"]);
    expect(more).toEqual(["PutItem", ...Array(6).fill(["GetItem", "PutItem"]).flat()]);
    expect(grants).toMatchObject([
      { granted: 0, wakeAt: clock.now() + 2_000, tag: Number.MAX_SAFE_INTEGER },
      { granted: 0, wakeAt: clock.now() + 2_000, tag: 7 },
    ]);
    expect(await granted(pacer, branches(1, "a", grants[0]?.tag))).toEqual([1]);
    expect((await row()).b.C).toMatchObject({ m: 1 });
  });

  it("F4: rejects when DynamoDB fails, and tells the next batch's write what was reported", async () => {
    const pacer = worker();
    await pacer.report({ CreateNetworkInterface: { made: 3, throttled: 0 } });
    const error = () => new ProvisionedThroughputExceededException({ $metadata: {}, message: "injected" });
    for (const command of ["GetItem", "PutItem"]) {
      faults.inject({ command, phase: "before", scope: "call", error });
      await expect(pacer.ask([branches(1)])).rejects.toThrow(LedgerError);
    }
    expect(await granted(pacer, branches(1))).toEqual([1]);
    expect((await row()).b.C).toMatchObject({ m: 3 });
  });

  it("begins with full buckets in a table of another epoch, and in each account and Region", async () => {
    await granted(worker(), branches(45), branches(5));
    expect(await granted(worker({ region: "eu-west-1" }), branches(45))).toEqual([45]);
    expect(await granted(worker({ account: "210987654321" }), branches(45))).toEqual([45]);
    expect(await granted(worker({ epoch: "e2" }), branches(45))).toEqual([45]);
    expect(await granted(worker({ epoch: "e2" }), branches(45))).toEqual([5]);
  });

  it("keeps 20 clusters that wait for everything in one write unit", async () => {
    const pacer = worker();
    const units = [{ DisassociateTrunkInterface: 1, DeleteNetworkInterface: 1 }, { DescribeNetworkInterfaces: 1 }];
    for (let count = 0; count < 20; count += 1) {
      clock.add(137);
      const cluster = branded<ClusterName>(`production-${count}.clusters.eu-central-1.example.com`);
      const cleanUp = units.map((unit) => ({ cluster, unit, units: 37, priority: "clean-up" as const }));
      await pacer.ask([{ ...branches(123), cluster }, ...cleanUp]);
      await pacer.report({ CreateNetworkInterface: { made: 1, throttled: 0 } });
    }
    expect(rowSize(await row())).toBeLessThanOrEqual(1_024);
  });

  const row = async () => {
    const Key = { pk: { S: "ACCOUNT#123456789012#us-west-2" }, sk: { S: "PACER" } };
    const reader = dynamodb.client();
    return unmarshall((await reader.send(new GetItemCommand({ TableName: table, Key }))).Item ?? {});
  };
});
