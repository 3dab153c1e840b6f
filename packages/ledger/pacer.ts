import { ConditionalCheckFailedException, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import {
  type CallCounts,
  type Clock,
  type Ec2Action,
  freshPacer,
  grantTokens,
  learnFromCalls,
  type Pacer,
  type PacerState,
  type Quotas,
  type TokenGrant,
  type TokenRequest,
  unenteredTag,
} from "@trunkline/core";
import { epochAttribute, writeAttribute } from "./attributes.ts";
import { ledgerError } from "./errors.ts";
import { freshMark } from "./marks.ts";
import { type PacerAttributes, pacerAttributesOf, pacerStateOf } from "./pacer-row.ts";

/** Tries of one write before the batch is told to come back. */
const triesMax = 8;
/** Pauses between tries are drawn up to this, doubled with each try, so that many workers do not meet again. */
const pauseMillisecondsFirst = 4;
/** When a batch that no try brought through comes back, at the earliest and at the latest. */
const giveUpMilliseconds = { least: 1_000, most: 3_000 };

/** What the pacer is made of. */
export interface PacerOptions {
  readonly client: DynamoDBClient;
  readonly table: string;
  /** The table's epoch: a record of another epoch counts as absent. */
  readonly epoch: string;
  /** The AWS account, 12 digits, and the Region: EC2 throttles per account and Region. */
  readonly account: string;
  readonly region: string;
  readonly clock: Clock;
  readonly quotas: Quotas;
  /** Numbers from 0 to 1, for pauses. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** The record as it was last seen; without one, `version` is 0. */
interface Seen {
  readonly version: number;
  readonly state: PacerState;
}

type Decide<Decision> = (state: PacerState) => { readonly state: PacerState; readonly decision: Decision };

/**
 * The pacer in DynamoDB: one record, one conditional write per batch. It writes on what it saw last; when another
 * worker has written since, the failed condition brings the record back, and it decides again.
 *
 * `report` keeps what it is told for the next batch's write, and writes at once only when calls were throttled.
 */
export function createPacer(options: PacerOptions): Pacer {
  const { clock, quotas } = options;
  const record = createRecord(options);
  const random = options.random ?? Math.random;
  let seen: Seen | undefined;
  let unwritten: CallCounts = {};
  let turn: Promise<unknown> = Promise.resolve();

  /** Writes what `decide` makes of the state, and tells what it decided; nothing when no try came through. */
  const update = async <Decision>(decide: Decide<Decision>): Promise<Decision | undefined> => {
    const calls = unwritten;
    unwritten = {};
    let done = false;
    try {
      for (let attempt = 0; attempt < triesMax; attempt += 1) {
        seen ??= await record.read();
        const { state, decision } = decide(learnFromCalls(seen.state, calls, clock.now(), quotas));
        const written = await record.write(seen.version, state);
        seen = written.seen;
        done = written.mine;
        if (done) return decision;
        await clock.sleep(random() * pauseMillisecondsFirst * 2 ** attempt);
      }
      return undefined;
    } finally {
      if (!done) unwritten = sum(calls, unwritten);
    }
  };

  /** Batches of one process take turns, so that they do not fail each other's conditions. */
  const inTurn = <Result>(task: () => Promise<Result>): Promise<Result> => {
    const mine = turn.then(task);
    turn = mine.catch(() => {});
    return mine;
  };
  const hasThrottles = () => Object.values(unwritten).some((counts) => counts.throttled > 0);

  return {
    ask: async (requests) => {
      if (requests.length === 0) return [];
      const grants = await inTurn(() =>
        update((state) => {
          const answered = grantTokens(state, requests, clock.now(), quotas);
          return { state: answered.state, decision: answered.grants };
        }),
      );
      return grants ?? requests.map((request) => nothingGranted(request, clock.now(), random()));
    },
    report: async (calls) => {
      unwritten = sum(unwritten, calls);
      if (!hasThrottles()) return;
      // Calls that run side by side are throttled together: what one report has written needs no other write.
      await inTurn(async () => {
        if (hasThrottles()) await update((state) => ({ state, decision: undefined }));
      });
    },
  };
}

/** The answer when no try came through: come back soon, each at another moment, in the place that it had. */
function nothingGranted({ tag }: TokenRequest, now: number, random: number): TokenGrant {
  const wakeAt = Math.ceil(
    now + giveUpMilliseconds.least + random * (giveUpMilliseconds.most - giveUpMilliseconds.least),
  );
  return { granted: 0, startsAt: now, expiresAt: now, wakeAt, tag: tag ?? unenteredTag };
}

function sum(left: CallCounts, right: CallCounts): CallCounts {
  const total: { -readonly [Action in Ec2Action]?: { made: number; throttled: number } } = {};
  for (const [name, { made, throttled }] of [...Object.entries(left), ...Object.entries(right)]) {
    const action = name as Ec2Action;
    const before = total[action] ?? { made: 0, throttled: 0 };
    total[action] = { made: before.made + made, throttled: before.throttled + throttled };
  }
  return total;
}

/** The record's reads and writes. */
function createRecord({ client, table, epoch, account, region, clock }: PacerOptions) {
  const documents = DynamoDBDocumentClient.from(client);
  const key = { pk: `ACCOUNT#${account}#${region}`, sk: "PACER" };

  const seenOf = (row: Record<string, unknown> | undefined): Seen =>
    row === undefined || row[epochAttribute] !== epoch
      ? { version: 0, state: freshPacer(clock.now()) }
      : { version: Number(row.v), state: pacerStateOf(row as unknown as PacerAttributes) };

  return {
    read: async (): Promise<Seen> => {
      try {
        return seenOf(
          (await documents.send(new GetCommand({ TableName: table, Key: key, ConsistentRead: true }))).Item,
        );
      } catch (error) {
        throw ledgerError("reading the pacer's record", error);
      }
    },
    /** Writes the state on the condition that the version is still `version`, and tells what the record is now. */
    write: async (version: number, state: PacerState): Promise<{ readonly mine: boolean; readonly seen: Seen }> => {
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
      return { mine: true, seen: { version: version + 1, state: pacerStateOf(written) } };
    },
  };
}
