import type { Incarnation, InstanceId, PodGone, PodUid, ResourceVersion } from "@trunkline/core";
import { serialise } from "@trunkline/messages";
import { beforeEach, expect, test } from "vitest";
import { createFakeQueues, type FakeQueues } from "../testing/fake-queues.ts";
import { createRecordedMetrics, type RecordedMetrics } from "../testing/recorded-metrics.ts";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import { createSender, type ForwarderEvent, type Sender } from "./sender.ts";

let queues: FakeQueues;
let clock: VirtualClock;
let sender: Sender;
let logged: string[];
let metrics: RecordedMetrics;

beforeEach(() => {
  clock = createVirtualClock();
  queues = createFakeQueues(clock);
  logged = [];
  metrics = createRecordedMetrics();
  const log = (_: string, message: string) => void logged.push(message);
  sender = createSender({ queues, clock, random: () => 0.5, log, metrics, serialise });
});

const gone = (pod: string, version = 1): PodGone => ({
  type: "PodGone",
  incarnation: "cluster" as Incarnation,
  instanceId: "i-01234567" as InstanceId,
  podUid: pod as PodUid,
  resourceVersion: String(version) as ResourceVersion,
  how: "deleted",
});
const versions = () => queues.sent.map((event) => "resourceVersion" in event && event.resourceVersion);

test("events are sent in batches of ten", async () => {
  for (let index = 0; index < 25; index += 1) sender.send(gone(`pod-${index}`));
  await clock.advance(50);

  expect(queues.batches).toEqual([10, 10, 5]);
  expect(new Set(queues.sent.map((event) => "podUid" in event && event.podUid)).size).toBe(25);
});

test("nothing is lost while SQS cannot be reached", async () => {
  queues.failures = 5;
  for (let index = 0; index < 12; index += 1) sender.send(gone(`pod-${index}`));
  await clock.advance(60_000);

  expect(queues.sent).toHaveLength(12);
});

test("what SQS does not accept of a batch is sent again", async () => {
  const { send } = queues;
  let isFirst = true;
  queues.send = async (queue, bodies) => {
    if (!isFirst) return send(queue, bodies);
    isFirst = false;
    await send(queue, bodies.slice(0, 1));
    return bodies.map((_, index) => index === 0);
  };
  for (let index = 0; index < 3; index += 1) sender.send(gone(`pod-${index}`));
  await clock.advance(5_000);

  expect(queues.sent).toHaveLength(3);
});

test("a newer wish replaces one that still waits, also when that one comes back", async () => {
  sender.send(gone("a", 1));
  sender.send(gone("a", 2));
  await clock.advance(50);
  expect(versions()).toEqual(["2"]);

  queues.failures = 1;
  sender.send(gone("a", 3));
  await clock.advance(5);
  sender.send(gone("a", 4));
  await clock.advance(5_000);

  expect(versions()).toEqual(["2", "4"]);
});

test("an event that waits longer than it is valid is dropped", async () => {
  queues.failures = 12;
  sender.send(gone("old"), 10_000);
  sender.send(gone("lasting"));
  await clock.advance(120_000);

  expect(queues.sent.map((event) => "podUid" in event && event.podUid)).toEqual(["lasting"]);
});

test("an event that no message could hold is logged and not sent", async () => {
  const huge: ForwarderEvent = {
    type: "ClusterRegistered",
    incarnation: "cluster" as Incarnation,
    cooldownSeconds: 60,
    forwarderVersion: "1",
    groupSets: Array.from({ length: 1_000 }, () => Array.from({ length: 20 }, () => "sg-0123456789abcdef0")),
  };
  sender.send(huge);
  await clock.advance(50);

  expect(queues.sent).toEqual([]);
  expect(logged).toEqual(["An event is too large for a message."]);
});

test("draining waits until everything is sent", async () => {
  sender.send(gone("a"));
  const drained = sender.drain(1_000).then(() => queues.sent.length);
  await clock.advance(1_000);

  expect(await drained).toBe(1);
});

test("events are counted by what became of them, and by queue while they wait", async () => {
  const counted = (result: string) => metrics.value("trunkline_events_total", { type: "PodGone", result });
  queues.failures = 1;
  for (let index = 0; index < 3; index += 1) sender.send(gone(`pod-${index}`));
  sender.send(gone("pod-0", 2));
  sender.send(gone("old"), 10);
  expect(metrics.value("trunkline_events_waiting", { queue: "pod-events" })).toBe(4);
  await clock.advance(60_000);

  expect([counted("sent"), counted("failed"), counted("replaced"), counted("expired")]).toEqual([3, 4, 1, 1]);
  expect(metrics.value("trunkline_events_waiting", { queue: "pod-events" })).toBe(0);
});

test("draining tells how many events are left", async () => {
  queues.send = () => new Promise(() => {});
  for (let index = 0; index < 25; index += 1) sender.send(gone(`pod-${index}`));
  const drained = sender.drain(1_000);
  await clock.advance(1_010);

  expect(await drained).toBe(25);
});

test("a stopped sender begins nothing more, and names in their turn what it has not sent", async () => {
  const { send } = queues;
  queues.send = () => new Promise(() => {});
  for (let index = 0; index < 45; index += 1) sender.send(gone(`pod-${index}`));
  await clock.advance(5);
  queues.send = send;
  sender.send(gone("last"));

  const unsent = sender.stop();
  await clock.advance(60_000);

  expect(queues.sent).toEqual([]);
  expect(unsent).toHaveLength(46);
  expect(unsent.slice(0, 7)).toEqual(
    [40, 41, 42, 43, 44].map((index) => `PodGone pod-${index}`).concat("PodGone last", "PodGone pod-0"),
  );
});

test("a sender that is stopped before its first batch is full sends nothing", async () => {
  sender.send(gone("a"));
  sender.stop();
  await clock.advance(60_000);

  expect(queues.sent).toEqual([]);
});

test("what the sender before has left goes first, in its order, and what it left is not waited for", async () => {
  const unsentBefore = ["PodGone pod-30", "PodGone elsewhere", "PodGone pod-20"];
  const next = createSender({ queues, clock, random: () => 0.5, log: () => {}, serialise, unsentBefore });
  for (let index = 0; index < 40; index += 1) next.send(gone(`pod-${index}`));
  await clock.advance(50);

  expect(queues.sent.slice(0, 3).map((event) => "podUid" in event && event.podUid)).toEqual([
    "pod-30",
    "pod-20",
    "pod-0",
  ]);
  expect(queues.sent).toHaveLength(40);

  for (const pod of ["a", "b", "elsewhere"]) next.send(gone(pod));
  await clock.advance(50);
  expect(queues.sent.slice(40).map((event) => "podUid" in event && event.podUid)).toEqual(["a", "b", "elsewhere"]);
});
