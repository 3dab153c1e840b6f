import type { NodeEvent, Outcome, PodEvent } from "@trunkline/core";
import { parseNodeEvent, parsePodEvent, serialise } from "@trunkline/messages";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Queues, ReceivedMessage } from "../ports/queues.ts";

/** The cluster's queues in memory. */
export interface FakeQueues extends Queues {
  /** What was accepted, in order; a body that the functions would refuse throws in the test. */
  readonly sent: (PodEvent | NodeEvent)[];
  /** Bodies per send. */
  readonly batches: number[];
  /** Rejects the next sends. */
  failures: number;
  deliver(...outcomes: readonly Outcome[]): void;
  deliverText(body: string): void;
  readonly deleted: string[];
  readonly putBackReceipts: string[];
  /** Outcomes that wait to be received. */
  readonly outcomesWaiting: number;
}

/** How long a receive waits, as in production. */
const waitMilliseconds = 3_000;

export const createFakeQueues = (clock: Pick<ForwarderClock, "after">): FakeQueues => {
  const pending: ReceivedMessage[] = [];
  /** Receivers that wait, the one that has waited longest first. */
  const waiting = new Set<() => void>();
  const received = new Map<string, string>();
  let receipts = 0;
  const queues: FakeQueues = {
    sent: [],
    batches: [],
    failures: 0,
    deleted: [],
    putBackReceipts: [],
    get outcomesWaiting() {
      return pending.length;
    },
    send: async (queue, bodies) => {
      if (queues.failures > 0) {
        queues.failures -= 1;
        throw new Error("SQS cannot be reached");
      }
      queues.batches.push(bodies.length);
      for (const body of bodies) {
        const parsed = queue === "pod-events" ? parsePodEvent(body) : parseNodeEvent(body);
        if (!parsed.ok) throw new Error(`${parsed.reason}: ${parsed.detail}`);
        queues.sent.push(parsed.event);
      }
      return bodies.map(() => true);
    },
    receive: (signal) =>
      new Promise((resolve) => {
        const take = (): void => {
          waiting.delete(take);
          cancel();
          const taken = signal.aborted ? [] : pending.splice(0, 10);
          for (const { receipt, body } of taken) received.set(receipt, body);
          resolve(taken);
        };
        const cancel = clock.after(waitMilliseconds, take);
        if (pending.length > 0 || signal.aborted) return take();
        waiting.add(take);
        signal.addEventListener("abort", take, { once: true });
      }),
    delete: async (gone) => void queues.deleted.push(...gone),
    putBack: async (returned) => {
      queues.putBackReceipts.push(...returned);
      for (const receipt of returned) {
        const body = received.get(receipt);
        if (body !== undefined) queues.deliverText(body);
      }
    },
    deliver: (...outcomes) => {
      for (const outcome of outcomes) queues.deliverText(serialise(outcome));
    },
    deliverText: (body) => {
      receipts += 1;
      pending.push({ body, receipt: String(receipts) });
      const [first] = waiting;
      first?.();
    },
  };
  return queues;
};
