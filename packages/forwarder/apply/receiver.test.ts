import type { Outcome } from "@trunkline/core";
import { parseOutcome } from "@trunkline/messages";
import { beforeEach, expect, test } from "vitest";
import { createFakeQueues, type FakeQueues } from "../testing/fake-queues.ts";
import { createRecordedMetrics, type RecordedMetrics } from "../testing/recorded-metrics.ts";
import { instanceId } from "../testing/scene.ts";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import type { Applied } from "./annotate.ts";
import { createReceiver, type Receiver } from "./receiver.ts";

const outcome: Outcome = { type: "SnapshotRequested", instanceId };

let queues: FakeQueues;
let clock: VirtualClock;
let apply: (applied: Outcome, isVoid: () => boolean) => Promise<Applied>;
let receiver: Receiver;
let applied: number;
let metrics: RecordedMetrics;

beforeEach(() => {
  clock = createVirtualClock();
  queues = createFakeQueues(clock);
  applied = 0;
  metrics = createRecordedMetrics();
  apply = async () => ({ done: true });
  receiver = createReceiver({
    queues,
    clock,
    random: () => 0.5,
    log: () => {},
    metrics,
    parse: parseOutcome,
    heldSeconds: 60,
    apply: (received, isVoid) => {
      applied += 1;
      return apply(received, isVoid);
    },
  });
});

test("outcomes are received again after the queue could not be reached", async () => {
  const { receive } = queues;
  let failures = 3;
  queues.receive = (signal) => {
    failures -= 1;
    return failures >= 0 ? Promise.reject(new Error("no connection")) : receive(signal);
  };
  queues.deliver(outcome);

  receiver.start();
  await clock.advance(10_000);

  expect(queues.deleted).toEqual(["1"]);
});

test("an outcome that throws is tried again and deleted when it is applied", async () => {
  let failures = 2;
  apply = async () => {
    failures -= 1;
    if (failures >= 0) throw new Error("no answer");
    return { done: true };
  };
  queues.deliver(outcome);

  receiver.start();
  await clock.advance(10_000);

  expect(applied).toBe(3);
  expect(queues.deleted).toEqual(["1"]);
});

test("a slow outcome does not keep the next from being applied", async () => {
  const waiting = new Promise<Applied>(() => {});
  apply = () => (applied === 1 ? waiting : Promise.resolve({ done: true }));
  receiver.start();

  queues.deliver(outcome);
  await clock.advance(10);
  queues.deliver(outcome);
  await clock.advance(10);

  expect(applied).toBe(2);
  expect(queues.deleted).toEqual(["2"]);
});

test("no more than 16 batches are applied at once", async () => {
  apply = () => new Promise(() => {});
  receiver.start();

  for (let batch = 0; batch < 20; batch += 1) {
    queues.deliver(outcome);
    await clock.advance(10);
  }

  expect(applied).toBe(16);
});

test("what is not applied when the forwarder stops is put back for the next leader", async () => {
  apply = async () => ({ done: false, problem: "the API server is away" });
  queues.deliver(outcome);
  receiver.start();
  await clock.advance(10);

  const stopped = receiver.stop(3_000);
  await clock.advance(3_000);
  await stopped;

  expect(queues.deleted).toEqual([]);
  expect(queues.outcomesWaiting).toBe(1);
});

test("an outcome that is still being applied when the time is over is put back, and not deleted afterwards", async () => {
  const applying = Promise.withResolvers<Applied>();
  apply = () => applying.promise;
  queues.deliver(outcome);
  receiver.start();
  await clock.advance(10);

  const stopped = receiver.stop(3_000);
  await clock.advance(2_990);
  expect(queues.putBackReceipts).toEqual([]);
  await clock.advance(10);
  await stopped;
  expect(queues.putBackReceipts).toContain("1");
  applying.resolve({ done: true });
  await clock.advance(10);

  expect(queues.deleted).toEqual([]);
  expect(queues.outcomesWaiting).toBe(1);
});

test("an outcome that is applied in time is deleted before the receiver has stopped", async () => {
  const applying = Promise.withResolvers<Applied>();
  apply = () => applying.promise;
  queues.deliver(outcome);
  receiver.start();
  await clock.advance(10);

  const stopped = receiver.stop(3_000);
  applying.resolve({ done: true });
  await clock.advance(3_000);
  await stopped;

  expect(queues.deleted).toEqual(["1"]);
  expect(queues.putBackReceipts).toEqual([]);
});

test("a queue that does not answer keeps nobody from stopping", async () => {
  apply = () => new Promise(() => {});
  queues.putBack = () => new Promise(() => {});
  queues.deliver(outcome);
  receiver.start();
  await clock.advance(10);

  const stopped = receiver.stop(0);
  await clock.advance(2_010);

  await expect(stopped).resolves.toBeUndefined();
});

test("what could not be deleted is no reason to stop", async () => {
  queues.delete = () => Promise.reject(new Error("no connection"));
  receiver.start();
  queues.deliver(outcome);
  await clock.advance(10);
  queues.deliver(outcome);
  await clock.advance(10);

  expect(applied).toBe(2);
});

test("what the last receive brings is still applied when the receiver stops in order", async () => {
  receiver.start();
  await clock.advance(10);

  const stopped = receiver.stop(3_000);
  await clock.advance(1_000);
  queues.deliver(outcome);
  await clock.advance(10);
  await stopped;

  expect(applied).toBe(1);
  expect(queues.deleted).toEqual(["1"]);
});

test("what the last receive brings after an abrupt end is put back and not applied", async () => {
  receiver.start();
  await clock.advance(10);

  receiver.abandon();
  queues.deliver(outcome);
  await clock.advance(10);

  expect(applied).toBe(0);
  expect(queues.putBackReceipts).toEqual(["1"]);
});

test("outcomes are counted by what became of them", async () => {
  const counted = (type: string, result: string) => metrics.value("trunkline_outcomes_total", { type, result });
  queues.deliver(outcome);
  queues.deliverText("no JSON");
  receiver.start();
  await clock.advance(10);
  apply = async () => ({ done: false, problem: "the API server is away" });
  queues.deliver(outcome);
  await clock.advance(61_000);
  queues.deliver(outcome);
  await clock.advance(10);
  receiver.abandon();
  await clock.advance(10_000);

  expect(counted("SnapshotRequested", "applied")).toBe(1);
  expect(counted("unknown", "unreadable")).toBe(1);
  expect(counted("SnapshotRequested", "expired")).toBe(1);
  expect(counted("SnapshotRequested", "returned")).toBe(1);
});

test("P11: an outcome that a frozen process received long ago is dropped when the process goes on", async () => {
  const { receive } = queues;
  // The answer lies in the socket while the process stands still.
  queues.receive = async (signal) => {
    const messages = await receive(signal);
    if (messages.length > 0) await new Promise<void>((resolve) => void clock.after(60_000, resolve));
    return messages;
  };
  queues.deliver(outcome);

  receiver.start();
  await clock.advance(61_000);

  expect(applied).toBe(0);
  expect(metrics.value("trunkline_outcomes_total", { type: outcome.type, result: "expired" })).toBe(1);
});

test("P11: whoever applies an outcome can tell at any time whether it has been held too long", async () => {
  const seen: boolean[] = [];
  apply = async (_, isVoid) => {
    seen.push(isVoid());
    await new Promise<void>((resolve) => void clock.after(59_999, resolve));
    seen.push(isVoid());
    await new Promise<void>((resolve) => void clock.after(1, resolve));
    seen.push(isVoid());
    return { done: true };
  };
  queues.deliver(outcome);

  receiver.start();
  await clock.advance(61_000);

  expect(seen).toEqual([false, false, true]);
});
