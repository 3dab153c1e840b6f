import { ConditionalCheckFailedException, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { type Clock, freshPacer, type PacerState } from "@trunkline/core";
import { epochAttribute, writeAttribute } from "./attributes.ts";
import { ledgerError } from "./errors.ts";
import { freshMark } from "./marks.ts";
import { type PacerAttributes, pacerAttributesOf, pacerStateOf } from "./pacer-row.ts";

/** Where the pacer's record is. */
export interface PacerRecordOptions {
  readonly client: DynamoDBClient;
  readonly table: string;
  /** The table's epoch: a record of another epoch counts as absent. */
  readonly epoch: string;
  /** The AWS account, 12 digits, and the Region: EC2 throttles per account and Region. */
  readonly account: string;
  readonly region: string;
  readonly clock: Clock;
}

/** The record as it was last seen; without one, `version` is 0. */
export interface Seen {
  /** When it was seen, epoch milliseconds. */
  readonly at: number;
  readonly version: number;
  readonly state: PacerState;
}

/** The pacer's record in the table. Both reject with a LedgerError when DynamoDB fails. */
export interface PacerRecord {
  read(): Promise<Seen>;
  /** Writes the state on the condition that the version is still `version`, and tells what the record is now. */
  write(version: number, state: PacerState): Promise<{ readonly mine: boolean; readonly seen: Seen }>;
}

/** Reads and writes the record of one account in one Region. */
export function createPacerRecord({ client, table, epoch, account, region, clock }: PacerRecordOptions): PacerRecord {
  const documents = DynamoDBDocumentClient.from(client);
  const key = { pk: `ACCOUNT#${account}#${region}`, sk: "PACER" };

  const seenOf = (row: Record<string, unknown> | undefined): Seen =>
    row === undefined || row[epochAttribute] !== epoch
      ? { at: clock.now(), version: 0, state: freshPacer(clock.now()) }
      : { at: clock.now(), version: Number(row.v), state: pacerStateOf(row as unknown as PacerAttributes) };

  return {
    read: async () => {
      try {
        return seenOf(
          (await documents.send(new GetCommand({ TableName: table, Key: key, ConsistentRead: true }))).Item,
        );
      } catch (error) {
        throw ledgerError("reading the pacer's record", error);
      }
    },
    write: async (version, state) => {
      const mark = freshMark();
      const written = { ...pacerAttributesOf(state), v: version + 1 };
      try {
        await documents.send(
          new PutCommand({
            TableName: table,
            Item: { ...key, [epochAttribute]: epoch, [writeAttribute]: mark, ...written },
            ConditionExpression:
              version === 0 ? "attribute_not_exists(#e) OR #e <> :epoch" : "#e = :epoch AND #v = :version",
            ExpressionAttributeNames: { "#e": epochAttribute, ...(version === 0 ? {} : { "#v": "v" }) },
            ExpressionAttributeValues: { ":epoch": epoch, ...(version === 0 ? {} : { ":version": version }) },
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        );
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw ledgerError("writing the pacer's record", error);
        const row = error.Item && unmarshall(error.Item);
        // The SDK repeats a write whose answer was lost; the repeat then finds the first try's own row.
        return { mine: row?.[writeAttribute] === mark, seen: seenOf(row) };
      }
      return { mine: true, seen: { at: clock.now(), version: version + 1, state: pacerStateOf(written) } };
    },
  };
}
