import { beforeEach, expect, test } from "vitest";
import type { QueueName } from "../ports/queues.ts";
import { createRecordedMetrics, type RecordedMetrics } from "../testing/recorded-metrics.ts";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import { readinessChecks } from "./checks.ts";
import { createQueueWatch, type QueueWatch } from "./queue-watch.ts";

let clock: VirtualClock;
let metrics: RecordedMetrics;
let away: Set<QueueName>;
let asked: QueueName[];
let watch: QueueWatch;

beforeEach(() => {
  clock = createVirtualClock();
  metrics = createRecordedMetrics();
  away = new Set();
  asked = [];
  watch = createQueueWatch({
    probe: async (queue) => {
      asked.push(queue);
      if (away.has(queue)) throw new Error("access denied");
    },
    clock,
    random: () => 0.5,
    log: () => {},
    metrics,
  });
});

const failing = (isReady = true, isStopping = false, hasCertificate = true) =>
  readinessChecks({
    forwarder: { isReady: () => isReady, isLeader: () => false },
    queueWatch: watch,
    certificates: { isReady: () => hasCertificate },
    isStopping: () => isStopping,
  })
    .filter(({ isOnlyShown, problem }) => isOnlyShown !== true && problem() !== undefined)
    .map(({ name }) => name);

test("a replica is not ready before every queue has answered once", async () => {
  away.add("outcomes");
  watch.start();
  expect(watch.neverReached()).toHaveLength(3);
  await clock.advance(60_000);
  expect(watch.neverReached()).toEqual(["outcomes (access denied)"]);
  expect(failing()).toEqual(["queues-since-start"]);

  away.clear();
  await clock.advance(15_000);
  expect(watch.neverReached()).toEqual([]);
  expect(failing()).toEqual([]);
});

test("a queue that is away later is told and measured, and takes no readiness away", async () => {
  watch.start();
  await clock.advance(1_000);
  expect(metrics.value("trunkline_queue_reachable", { queue: "outcomes" })).toBe(1);
  away.add("outcomes");
  await clock.advance(31_000);

  expect(watch.unreachable()).toEqual(["outcomes (access denied)"]);
  expect(metrics.value("trunkline_queue_reachable", { queue: "outcomes" })).toBe(0);
  expect(failing()).toEqual([]);

  away.clear();
  await clock.advance(31_000);
  expect(watch.unreachable()).toEqual([]);
  expect(metrics.value("trunkline_queue_reachable", { queue: "outcomes" })).toBe(1);
});

test("queues that answer are asked twice a minute each", async () => {
  watch.start();
  await clock.advance(299_000);

  expect(asked).toHaveLength(30);
});

test("nobody is asked any more after a stop", async () => {
  watch.start();
  await clock.advance(1_000);
  watch.stop();
  const before = asked.length;
  await clock.advance(300_000);

  expect(asked).toHaveLength(before);
});

test.each([
  ["the cluster is not known", false, false, true, ["copies"]],
  ["the replica is stopping", true, true, true, ["shutdown"]],
  ["it has no certificate", true, false, false, ["certificate"]],
] as const)("a replica is not ready while %s", async (_, isReady, isStopping, hasCertificate, names) => {
  watch.start();
  await clock.advance(1_000);

  expect(failing(isReady, isStopping, hasCertificate)).toEqual(names);
});
