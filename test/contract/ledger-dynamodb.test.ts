import {
  type DynamoDBClient,
  GetItemCommand,
  ProvisionedThroughputExceededException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { Expectation, Ledger, LedgerRecord, Write } from "@trunkline/core";
import { createLedger, LedgerError, tableExpiryAttribute } from "@trunkline/ledger";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTestDynamodb, type TestDynamodb } from "../support/dynamodb.ts";
import { rowSize } from "../support/dynamodb-size.ts";
import { createFaults, type Faults, killed, lostAnswer } from "../support/faults.ts";
import {
  aClaimedBranch,
  aGoneBranch,
  anAssociatedBranch,
  aTroubledTrunk,
  aTrunk,
  aWaitingBranch,
  instanceNumber,
  podNumber,
} from "./ledger-records.ts";
import { suiteNow } from "./ledger-suite.ts";

const clock = { now: () => suiteNow, sleep: async () => {} };
const absent: Expectation = { name: "absent" };
const versionIs = (version: number): Expectation => ({ name: "version-is", version });
const put = (record: LedgerRecord, ...expect: readonly Expectation[]): Write => ({ kind: "put", record, expect });
const metadata = { $metadata: {}, message: "injected" };

describe("the ledger in DynamoDB", () => {
  let dynamodb: TestDynamodb;
  let client: DynamoDBClient;
  let table: string;
  let faults: Faults;
  let ledger: Ledger;

  beforeAll(async () => {
    dynamodb = await startTestDynamodb();
  });
  afterAll(() => dynamodb.stop());
  beforeEach(async () => {
    client = dynamodb.client();
    table = await dynamodb.createTable();
    faults = createFaults();
    faults.attach(client);
    ledger = createLedger({ client, table, epoch: "e1", clock });
  });

  const rowAt = async (pk: string, sk: string) =>
    unmarshall(
      (await client.send(new GetItemCommand({ TableName: table, Key: { pk: { S: pk }, sk: { S: sk } } }))).Item ?? {},
    );

  it("keeps records under the keys of the design, and what expires with DynamoDB's own time in seconds", async () => {
    await ledger.commit([put(aTrunk()), put(aGoneBranch({ index: 3 }))]);
    expect(await rowAt(`NODE#${instanceNumber(1)}`, "0#TRUNK")).toMatchObject({ v: 1, s: "ready", h: 0 });
    const tombstone = await rowAt(`NODE#${instanceNumber(1)}`, `BRANCH#${podNumber(1)}#3`);
    expect(tombstone[tableExpiryAttribute]).toBe(Math.ceil(aGoneBranch().expiresAt / 1_000));
  });

  it("keeps trunks and branches in one write unit, and tombstones in 150 bytes", async () => {
    const sizes = new Map<string, number>();
    for (const record of [aTrunk(), aClaimedBranch(), anAssociatedBranch(), aWaitingBranch(), aGoneBranch()]) {
      await ledger.commit([put(record)]);
      const sk = record.kind === "trunk" ? "0#TRUNK" : `BRANCH#${podNumber(1)}#0`;
      sizes.set(record.status, rowSize(await rowAt(`NODE#${instanceNumber(1)}`, sk)));
    }
    expect(Math.max(...sizes.values())).toBeLessThanOrEqual(1_024);
    expect(sizes.get("gone")).toBeLessThanOrEqual(150);
  });

  it("keeps a trunk and a branch in one write unit, and whole, whatever is in doubt about them", async () => {
    const doubt = { problem: "eni-not-associated", since: 1_763_600_001_123, confirmed: true } as const;
    const branch = anAssociatedBranch({ namespace: "n".repeat(63), name: "n".repeat(63), unproven: true, doubt });
    await ledger.commit([put(aTroubledTrunk()), put(branch)]);

    expect(await ledger.load(instanceNumber(1))).toMatchObject({ trunk: aTroubledTrunk(), branches: [branch] });
    for (const sk of ["0#TRUNK", `BRANCH#${podNumber(1)}#0`]) {
      expect(rowSize(await rowAt(`NODE#${instanceNumber(1)}`, sk))).toBeLessThanOrEqual(1_024);
    }
  });

  it("loads a partition of more than one page, each page with a consistent read", async () => {
    const long = "n".repeat(60_000);
    for (let pod = 0; pod < 25; pod += 1)
      await ledger.commit([put(aWaitingBranch({ owner: podNumber(pod), name: long }))]);
    const before = faults.calls.length;
    expect((await ledger.load(instanceNumber(1))).branches).toHaveLength(25);
    expect(faults.calls.slice(before)).toEqual(["Query", "Query"]);
  });

  describe("the table's epoch", () => {
    it("makes records of another epoch count as absent, in reads and in conditions", async () => {
      await ledger.commit([put(aTrunk()), put(aGoneBranch())]);
      const restored = createLedger({ client, table, epoch: "e2", clock });
      expect(await restored.get(aTrunk())).toBeUndefined();
      expect(await restored.load(instanceNumber(1))).toEqual({ instanceId: instanceNumber(1), branches: [] });
      expect(await restored.commit([put(aTrunk({ version: 2 }), versionIs(1))])).toBe("conflict");
      expect(await restored.commit([{ kind: "delete", key: aTrunk(), expect: [{ name: "present" }] }])).toBe(
        "conflict",
      );
      expect(await restored.commit([put(aTrunk({ version: 7 }), absent), put(aGoneBranch(), absent)])).toBe(
        "committed",
      );
      expect(await ledger.get(aTrunk())).toBeUndefined();
    });

    it("hides nodes of another epoch from listings", async () => {
      const { cluster } = aTrunk();
      await ledger.commit([put({ kind: "cluster-node", cluster, instanceId: instanceNumber(1), version: 1 })]);
      const restored = createLedger({ client, table, epoch: "e2", clock });
      expect(await restored.nodesOf(cluster)).toMatchObject({ elements: [] });
    });
  });

  describe("F4: a write whose answer was lost and that the SDK repeats", () => {
    it("is committed, for one record", async () => {
      faults.inject({ command: "PutItem", phase: "after", scope: "attempt", error: lostAnswer });
      expect(await ledger.commit([put(aGoneBranch(), absent)])).toBe("committed");
      expect(faults.fired).toBe(1);
    });

    it("is committed, for a transaction, and written once", async () => {
      faults.inject({ command: "TransactWriteItems", phase: "after", scope: "attempt", error: lostAnswer });
      expect(await ledger.commit([put(aTrunk(), absent), put(aGoneBranch(), absent)])).toBe("committed");
      expect(faults.fired).toBe(1);
    });

    it("is a conflict when another worker has written the very same record", async () => {
      const other = createLedger({ client: dynamodb.client(), table, epoch: "e1", clock });
      await other.commit([put(aGoneBranch(), absent)]);
      expect(await ledger.commit([put(aGoneBranch(), absent)])).toBe("conflict");
    });

    it("rejects when no repeat gets an answer, though it happened", async () => {
      faults.inject({ command: "PutItem", phase: "after", scope: "call", error: lostAnswer });
      await expect(ledger.commit([put(aGoneBranch(), absent)])).rejects.toThrow(LedgerError);
      faults.heal();
      expect(await ledger.get(aGoneBranch())).toEqual(aGoneBranch());
    });
  });

  describe("F4: a transaction that DynamoDB cancels", () => {
    const cancelled =
      (...codes: readonly string[]) =>
      () =>
        new TransactionCanceledException({ ...metadata, CancellationReasons: codes.map((Code) => ({ Code })) });
    const pair = [put(aTrunk()), put(aGoneBranch())];

    it.each([
      ["another transaction is at a record", cancelled("None", "TransactionConflict")],
      ["a condition fails", cancelled("ConditionalCheckFailed", "None")],
      ["its own first try is still under way", () => new TransactionInProgressException(metadata)],
    ])("is a conflict because %s", async (_, error) => {
      faults.inject({ command: "TransactWriteItems", phase: "before", scope: "call", error });
      expect(await ledger.commit(pair)).toBe("conflict");
    });

    it("is a conflict for one record while a transaction is at it", async () => {
      const error = () => new TransactionConflictException(metadata);
      faults.inject({ command: "PutItem", phase: "before", scope: "call", error });
      expect(await ledger.commit([put(aTrunk())])).toBe("conflict");
    });

    it("rejects with one sentence and the cause for any other reason", async () => {
      const error = cancelled("ThrottlingError", "None");
      faults.inject({ command: "TransactWriteItems", phase: "before", scope: "call", error });
      const failure = await ledger.commit(pair).catch((reason: unknown) => reason);
      expect(failure).toBeInstanceOf(LedgerError);
      expect(failure).toMatchObject({
        message: expect.stringMatching(/^DynamoDB failed while committing to the ledger: TransactionCanceled/),
        cause: expect.any(TransactionCanceledException),
      });
    });
  });

  it("F1: lets every client of a killed worker fail, after the effect of the call in which it was killed", async () => {
    const second = dynamodb.client();
    faults.attach(second);
    faults.inject({ nth: 2, phase: "after", scope: "call", error: killed, deadly: true });
    const other = createLedger({ client: second, table, epoch: "e1", clock });
    expect(await ledger.commit([put(aTrunk())])).toBe("committed");
    await expect(other.commit([put(aGoneBranch())])).rejects.toThrow("The worker was killed.");
    await expect(ledger.load(instanceNumber(1))).rejects.toThrow("The worker was killed.");
    faults.heal();
    expect((await ledger.load(instanceNumber(1))).branches).toEqual([aGoneBranch()]);
  });

  it("F4: rejects when DynamoDB throttles", async () => {
    const error = () => new ProvisionedThroughputExceededException(metadata);
    const throttle = (command: string) => faults.inject({ command, phase: "before", scope: "call", error });
    for (const command of ["Query", "GetItem", "PutItem"]) throttle(command);
    await expect(ledger.load(instanceNumber(1))).rejects.toThrow(/while reading a partition/);
    await expect(ledger.get(aTrunk())).rejects.toThrow(/while reading a record of kind trunk/);
    await expect(ledger.commit([put(aTrunk())])).rejects.toThrow(LedgerError);
  });

  it("costs a write unit for one record, two for each of a transaction", async () => {
    const used = async (...writes: readonly Write[]) => {
      const meter = meterOf(client);
      expect(await ledger.commit(writes)).toBe("committed");
      return meter();
    };
    const check: Write = { kind: "check", key: aTrunk(), expect: [versionIs(2)] };
    expect(await used(put(aTrunk(), absent))).toBe(1);
    expect(await used(put(aTrunk({ version: 2 }), versionIs(1)), put(aClaimedBranch(), absent))).toBe(4);
    expect(await used(put(anAssociatedBranch({ version: 2 }), versionIs(1)))).toBe(1);
    const reuse = put(anAssociatedBranch({ owner: podNumber(2) }), absent);
    expect(await used(put(aGoneBranch({ version: 3 }), versionIs(2)), reuse, check)).toBe(6);
    expect(await used({ kind: "delete", key: aGoneBranch(), expect: [] })).toBe(1);
  });
});

let meters = 0;

/** Asks DynamoDB to tell what each call uses; the function that it gives tells the sum and ends the metering. */
function meterOf(client: DynamoDBClient): () => number {
  let units = 0;
  meters += 1;
  const name = `meter${meters}`;
  client.middlewareStack.add(
    (next) => async (call) => {
      const answer = await next({ ...call, input: { ...call.input, ReturnConsumedCapacity: "TOTAL" } } as typeof call);
      const { ConsumedCapacity: told } = answer.output as { ConsumedCapacity?: unknown };
      for (const { CapacityUnits = 0 } of [told ?? []].flat() as { CapacityUnits?: number }[]) units += CapacityUnits;
      return answer;
    },
    { step: "initialize", priority: "low", name },
  );
  return () => {
    client.middlewareStack.remove(name);
    return units;
  };
}
