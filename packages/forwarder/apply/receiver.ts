import type { Outcome } from "@trunkline/core";
import { backoffMilliseconds, createPauses, type ForwarderClock } from "../ports/clock.ts";
import { type Log, textOf } from "../ports/log.ts";
import type { Queues, ReceivedMessage } from "../ports/queues.ts";
import type { Applied } from "./annotate.ts";

export interface ReceiverOptions {
  readonly queues: Pick<Queues, "receive" | "delete">;
  readonly clock: ForwarderClock;
  readonly random: () => number;
  readonly log: Log;
  readonly parse: (
    body: string,
  ) =>
    | { readonly ok: true; readonly event: Outcome }
    | { readonly ok: false; readonly reason: string; readonly detail: string };
  readonly apply: (outcome: Outcome) => Promise<Applied>;
  /** What was held so long is dropped (P11). */
  readonly heldSeconds: number;
}

export interface Receiver {
  start(): void;
  /** Receives nothing more; resolves when what is under way is applied, or after the time. */
  stop(milliseconds: number): Promise<void>;
}

/** Batches that are applied while the next are received. */
const batchesAtOnceMax = 16;
const receiveBackoff = { firstMilliseconds: 200, mostMilliseconds: 15_000 };
const applyBackoff = { firstMilliseconds: 100, mostMilliseconds: 5_000 };

/**
 * Receives outcomes and applies them. A message is deleted when its outcome is applied, when it cannot be read, and when it
 * was held too long: an outcome that is older than its retention plus this time is dead, and the functions count on that.
 */
export const createReceiver = (options: ReceiverOptions): Receiver => {
  const { queues, clock, random, log, parse, apply, heldSeconds } = options;
  const pauses = createPauses(clock);
  const abort = new AbortController();
  const batches = new Set<Promise<void>>();

  /** Resolves when the message can be deleted, to false when the forwarder stops before. */
  const handle = async (message: ReceivedMessage, receivedAt: number): Promise<boolean> => {
    const parsed = parse(message.body);
    if (!parsed.ok) {
      log("warn", "An outcome that cannot be read is dropped.", { reason: parsed.reason, detail: parsed.detail });
      return true;
    }
    const outcome = parsed.event;
    const voidAt = receivedAt + heldSeconds * 1_000;
    for (let attempt = 1; clock.monotonic() < voidAt; attempt += 1) {
      const applied = await apply(outcome).catch(
        (problem: unknown): Applied => ({ done: false, problem: textOf(problem) }),
      );
      if (applied.done) return true;
      log("warn", "An outcome is not applied yet.", { type: outcome.type, problem: applied.problem, attempt });
      if (pauses.ended) return false;
      const rest = voidAt - clock.monotonic();
      await pauses.pause(Math.min(backoffMilliseconds(attempt, random, applyBackoff), Math.max(rest, 0)));
    }
    log("warn", "An outcome was held too long and is dropped.", { type: outcome.type });
    return true;
  };

  const work = async (messages: readonly ReceivedMessage[]): Promise<void> => {
    const receivedAt = clock.monotonic();
    const handled = await Promise.all(messages.map((message) => handle(message, receivedAt)));
    const receipts = messages.filter((_, index) => handled[index]).map((message) => message.receipt);
    if (receipts.length === 0) return;
    // What is not deleted comes again, and is then found to be applied.
    await queues.delete(receipts).catch((problem: unknown) => {
      log("warn", "Outcomes were not deleted and will come again.", { problem: textOf(problem) });
    });
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!pauses.ended) {
      try {
        const messages = await queues.receive(abort.signal);
        failures = 0;
        if (messages.length === 0) continue;
        const batch = work(messages).finally(() => batches.delete(batch));
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

  return {
    start: () => void run(),
    stop: async (milliseconds) => {
      pauses.end();
      abort.abort();
      let cancel = () => {};
      const enough = new Promise<void>((resolve) => {
        cancel = clock.after(milliseconds, resolve);
      });
      await Promise.race([Promise.all(batches), enough]);
      cancel();
    },
  };
};
