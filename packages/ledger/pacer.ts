import {
  type CallCounts,
  type Ec2Action,
  grantTokens,
  learnFromCalls,
  type Pacer,
  type PacerState,
  type Quotas,
  type TokenGrant,
  type TokenRequest,
  unenteredTag,
} from "@trunkline/core";
import { createPacerRecord, type PacerRecordOptions, type Seen } from "./pacer-record.ts";

/** Tries of one write before the batch is told to come back. */
const triesMax = 8;
/** What was seen longer ago is read again: a read costs a tenth of a write whose condition fails. */
const freshMilliseconds = 100;
/** Pauses are drawn up to this, doubled with each try up to the most, so that many workers do not meet again. */
const pauseMilliseconds = { first: 20, most: 320 };
/** When a batch that no try brought through comes back, at the earliest and at the latest. */
const giveUpMilliseconds = { least: 1_000, most: 3_000 };

/** What the pacer is made of. */
export interface PacerOptions extends PacerRecordOptions {
  readonly quotas: Quotas;
  /** Numbers from 0 to 1, for pauses. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

type Decide<Decision> = (state: PacerState) => { readonly state: PacerState; readonly decision: Decision };

/**
 * The pacer in DynamoDB: one record, one conditional write per batch. It writes on what it saw last; when another
 * worker has written since, the failed condition brings the record back, and it decides again at once. When that fails
 * too, many are at it: from then on it pauses and reads, because what was seen before a pause is old after it.
 *
 * `report` keeps what it is told for the next batch's write, and writes at once only when calls were throttled.
 */
export function createPacer(options: PacerOptions): Pacer {
  const { clock, quotas } = options;
  const record = createPacerRecord(options);
  const random = options.random ?? Math.random;
  let seen: Seen | undefined;
  let unwritten: CallCounts = {};
  let turn: Promise<unknown> = Promise.resolve();

  const pause = (pauses: number) =>
    clock.sleep(random() * Math.min(pauseMilliseconds.most, pauseMilliseconds.first * 2 ** pauses));

  /** Writes what `decide` makes of the state, and tells what it decided; nothing when no try came through. */
  const update = async <Decision>(decide: Decide<Decision>): Promise<Decision | undefined> => {
    const calls = unwritten;
    unwritten = {};
    let done = false;
    try {
      for (let attempt = 0; attempt < triesMax; attempt += 1) {
        if (attempt > 1) await pause(attempt - 2);
        if (seen === undefined || clock.now() - seen.at > freshMilliseconds || attempt > 1) seen = await record.read();
        const { state, decision } = decide(learnFromCalls(seen.state, calls, clock.now(), quotas));
        const written = await record.write(seen.version, state);
        seen = written.seen;
        done = written.mine;
        if (done) return decision;
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
