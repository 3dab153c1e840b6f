import { randomUUID } from "node:crypto";
import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  PutCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from "@aws-sdk/lib-dynamodb";
import type { CommitResult, Transaction, Write } from "@trunkline/core";
import { rowOf, writeAttribute } from "./attributes.ts";
import { conditionOf } from "./conditions.ts";
import { ledgerError } from "./errors.ts";
import { type TableKey, tableKeyOf } from "./keys.ts";
import { freshMark } from "./marks.ts";

/** The most writes in one transaction: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
const transactionWritesMax = 100;

/** Where a commit goes. */
export interface CommitTarget {
  readonly documents: DynamoDBDocumentClient;
  readonly table: string;
  readonly epoch: string;
}

type Part = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

/**
 * Writes all or nothing. One put or delete alone is one conditional write; anything else is a transaction, which bills
 * double.
 *
 * @throws RangeError for a transaction that no table would take: a bug of the caller.
 * @throws LedgerError when DynamoDB fails.
 */
export async function commit(target: CommitTarget, transaction: Transaction): Promise<CommitResult> {
  const [first, ...others] = transaction;
  if (first === undefined || transaction.length > transactionWritesMax) {
    throw new RangeError(`A transaction has 1 to ${transactionWritesMax} writes, not ${transaction.length}.`);
  }
  const alone = others.length === 0 && first.kind !== "check";
  const parts = alone ? [] : partsOf(target, transaction);
  try {
    if (!alone) return await commitTogether(target, parts);
    return first.kind === "put" ? await putAlone(target, first) : await deleteAlone(target, first);
  } catch (error) {
    if (isConflict(error)) return "conflict";
    throw ledgerError("committing to the ledger", error);
  }
}

/**
 * Puts one record. The SDK repeats a write whose answer was lost, and the repeat's condition then fails on the first
 * try's own effect: the mark of the write, in the row that comes back, tells this from another worker's write.
 */
async function putAlone(target: CommitTarget, write: Extract<Write, { kind: "put" }>): Promise<CommitResult> {
  const mark = freshMark();
  try {
    await target.documents.send(
      new PutCommand({
        TableName: target.table,
        Item: { ...rowOf(write.record, target.epoch), [writeAttribute]: mark },
        ...conditionOf(write.expect, target.epoch),
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    return "committed";
  } catch (error) {
    // The document client unmarshals outputs and not errors, so the old row is still in DynamoDB's own form.
    if (error instanceof ConditionalCheckFailedException && error.Item?.[writeAttribute]?.S === mark) {
      return "committed";
    }
    throw error;
  }
}

/** Deletes one record. A repeat that finds nothing cannot know who deleted it, and says "conflict". */
async function deleteAlone(target: CommitTarget, write: Extract<Write, { kind: "delete" }>): Promise<CommitResult> {
  await target.documents.send(
    new DeleteCommand({
      TableName: target.table,
      Key: tableKeyOf(write.key),
      ...conditionOf(write.expect, target.epoch),
    }),
  );
  return "committed";
}

/** The parts of a transaction, which must be on distinct records. */
function partsOf(target: CommitTarget, transaction: Transaction): Part[] {
  const keys = transaction.map((write) => tableKeyOf(write.kind === "put" ? write.record : write.key));
  if (new Set(keys.map(({ pk, sk }) => `${pk}\n${sk}`)).size < keys.length) {
    throw new RangeError("A transaction writes each record once.");
  }
  return transaction.map((write) => partOf(write, target));
}

/** Writes a transaction; its token lets the SDK repeat it without harm for ten minutes. */
async function commitTogether(target: CommitTarget, parts: Part[]): Promise<CommitResult> {
  await target.documents.send(
    new TransactWriteCommand({
      TransactItems: parts,
      ClientRequestToken: randomUUID(),
    }),
  );
  return "committed";
}

function partOf(write: Write, { table: TableName, epoch }: CommitTarget): Part {
  const condition = conditionOf(write.expect, epoch);
  switch (write.kind) {
    case "put":
      return { Put: { TableName, Item: rowOf(write.record, epoch), ...condition } };
    case "delete":
      return { Delete: { TableName, Key: keyAlone(write), ...condition } };
    case "check":
      if (condition === undefined) throw new RangeError("A check expects something.");
      return { ConditionCheck: { TableName, Key: keyAlone(write), ...condition } };
  }
}

function keyAlone(write: Exclude<Write, { kind: "put" }>): Record<keyof TableKey, string> {
  return { ...tableKeyOf(write.key) };
}

/** True when a condition failed or another transaction was at one of the records: load again, decide again. */
function isConflict(error: unknown): boolean {
  if (error instanceof TransactionCanceledException) {
    const codes = error.CancellationReasons?.map((reason) => reason.Code) ?? [];
    return codes.includes("ConditionalCheckFailed") || codes.includes("TransactionConflict");
  }
  return (
    error instanceof ConditionalCheckFailedException ||
    error instanceof TransactionConflictException ||
    error instanceof TransactionInProgressException
  );
}
