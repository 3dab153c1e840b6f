import type { Outcome } from "@trunkline/core";
import { backoffMilliseconds, createPauses, type ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";
import { type Metrics, noMetrics } from "../ports/metrics.ts";
import { batchMax, type Queues, type ReceivedMessage } from "../ports/queues.ts";
import type { Applied } from "./annotate.ts";

export interface ReceiverOptions {
  readonly queues: Pick<Queues, "receive" | "delete" | "putBack">;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly parse: (
    body: string,
  ) =>
    | { readonly ok: true; readonly event: Outcome }
    | { readonly ok: false; readonly reason: string; readonly detail: string };
  /** `isVoid` tells at any time whether the outcome has been held too long: then nothing of it may be written any more. */
  readonly apply: (outcome: Outcome, isVoid: () => boolean) => Promise<Applied>;
  /** What was held so long is dropped (P11). */
  readonly heldSeconds: number;
}

export interface Receiver {
  start(): void;
  /**
   * Begins no other receive; resolves when what is under way is applied, or after the time. What is not applied then is put
   * back, for the next leader to receive at once.
   */
  stop(milliseconds: number): Promise<void>;
  /** Begins nothing more, and puts back at once what is not applied, and what the receive under way still brings. */
  abandon(): void;
}

/** Batches that are applied while the next are received. */
const batchesAtOnceMax = 16;
/** How long the last word to SQS may take. */
const putBackMilliseconds = 2_000;
const receiveBackoff = { firstMilliseconds: 200, mostMilliseconds: 15_000 };
const applyBackoff = { firstMilliseconds: 100, mostMilliseconds: 5_000 };

/**
 * Receives outcomes and applies them. A message is deleted when its outcome is applied, when it cannot be read, and when it
 * was held too long: an outcome that is older than its retention plus this time is dead, and the functions count on that.
 */
export const createReceiver = (options: ReceiverOptions): Receiver => {
  const { queues, clock, random, log, metrics = noMetrics, parse, apply, heldSeconds } = options;
  const pauses = createPauses(clock);
  const abort = new AbortController();
  const batches = new Set<Promise<void>>();
  /** Received, and neither deleted nor put back. */
  const open = new Set<string>();
  let isOver = false;
  let loop: Promise<void> = Promise.resolve();

  const count = (type: string, result: string): void => metrics.count("trunkline_outcomes_total", { type, result });

  /** Resolves when the message can be deleted, to false when the forwarder stops before. */
  const handle = async (message: ReceivedMessage, voidAt: number): Promise<boolean> => {
    const parsed = parse(message.body);
    if (!parsed.ok) {
      log("warn", "An outcome that cannot be read is dropped.", { reason: parsed.reason, detail: parsed.detail });
      count("unknown", "unreadable");
      return true;
    }
    const outcome = parsed.event;
    const isVoid = () => clock.monotonic() >= voidAt;
    for (let attempt = 1; !isVoid(); attempt += 1) {
      const applied = await apply(outcome, isVoid).catch(
        (problem: unknown): Applied => ({ done: false, problem: textOf(problem) }),
      );
      if (applied.done) {
        count(outcome.type, "applied");
        return true;
      }
      log("warn", "An outcome is not applied yet.", { type: outcome.type, problem: applied.problem, attempt });
      if (pauses.ended) {
        count(outcome.type, "returned");
        return false;
      }
      const rest = voidAt - clock.monotonic();
      await pauses.pause(Math.min(backoffMilliseconds(attempt, random, applyBackoff), Math.max(rest, 0)));
    }
    log("warn", "An outcome was held too long and is dropped.", { type: outcome.type });
    count(outcome.type, "expired");
    return true;
  };

  const work = async (messages: readonly ReceivedMessage[], askedAt: number): Promise<void> => {
    const voidAt = askedAt + heldSeconds * 1_000;
    for (const { receipt } of messages) open.add(receipt);
    const handled = await Promise.all(messages.map((message) => handle(message, voidAt)));
    const receiptsOf = (isDone: boolean) =>
      messages
        .filter(({ receipt }, index) => handled[index] === isDone && open.delete(receipt))
        .map(({ receipt }) => receipt);
    await discard(receiptsOf(true));
    await putBack(receiptsOf(false));
  };

  /** What is not deleted comes again, and is then found to be applied. */
  const discard = async (receipts: readonly string[]): Promise<void> => {
    if (receipts.length === 0) return;
    await queues.delete(receipts).catch((problem: unknown) => {
      log("warn", "Outcomes were not deleted and will come again.", { problem: textOf(problem) });
    });
  };

  const putBack = async (receipts: readonly string[]): Promise<void> => {
    for (let from = 0; from < receipts.length; from += batchMax) {
      await queues.putBack(receipts.slice(from, from + batchMax)).catch((problem: unknown) => {
        log("warn", "Outcomes were not put back; they come again by themselves.", { problem: textOf(problem) });
      });
    }
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!pauses.ended) {
      try {
        // Held since the question, because nobody knows for how long an answer lay unread in a process that stood still.
        const askedAt = clock.monotonic();
        const messages = await queues.receive(abort.signal);
        failures = 0;
        if (isOver) return await putBack(messages.map(({ receipt }) => receipt));
        if (messages.length === 0) continue;
        const batch = work(messages, askedAt).finally(() => batches.delete(batch));
        batches.add(batch);
        if (batches.size >= batchesAtOnceMax) await Promise.race(batches);
      } catch (problem) {
        if (pauses.ended) return;
        failures += 1;
        log("warn", "Outcomes cannot be received; it is tried again.", { problem: textOf(problem), failures });
        await pauses.pause(backoffMilliseconds(failures, random, receiveBackoff));
      }
    }
  };

  const within = async (milliseconds: number, work: Promise<unknown>): Promise<void> => {
    const enough = Promise.withResolvers<void>();
    const cancel = clock.after(milliseconds, enough.resolve);
    await Promise.race([work, enough.promise]);
    cancel();
  };

  const leave = async (): Promise<void> => {
    isOver = true;
    const left = [...open];
    open.clear();
    await within(putBackMilliseconds, putBack(left));
  };

  return {
    start: () => {
      loop = run();
    },
    stop: async (milliseconds) => {
      pauses.end();
      await within(
        milliseconds,
        loop.then(() => Promise.all(batches)),
      );
      await leave();
      abort.abort();
    },
    abandon: () => {
      pauses.end();
      void leave();
    },
  };
};
