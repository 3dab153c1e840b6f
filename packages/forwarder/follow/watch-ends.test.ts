import { afterEach, beforeEach, expect, test } from "vitest";
import type { WatchListener } from "../ports/api.ts";
import { createFakeApi } from "../testing/fake-api.ts";
import { createRecordedMetrics, type RecordedMetrics } from "../testing/recorded-metrics.ts";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import { createReflector, type Kept, type Reflector } from "./reflector.ts";

const reasons = ["closed", "expired", "refused", "garbled", "silent"];
let clock: VirtualClock;
let metrics: RecordedMetrics;
let reflector: Reflector<Kept>;
let listeners: WatchListener[];

beforeEach(async () => {
  clock = createVirtualClock();
  metrics = createRecordedMetrics();
  listeners = [];
  const watch = (_: string, listener: WatchListener) => {
    listeners.push(listener);
    return () => {};
  };
  reflector = createReflector({
    api: { ...createFakeApi(), watch },
    clock,
    metrics,
    random: () => 0.5,
    log: () => {},
    path: "/api/v1/namespaces/kube-system/configmaps",
    project: (raw) => raw as Kept,
    onChange: () => {},
  });
  reflector.start();
  await clock.advance(10);
});

afterEach(() => reflector.stop());

const counted = () =>
  Object.fromEntries(
    reasons.flatMap((reason) => {
      const count = metrics.value("trunkline_watches_ended_total", { collection: "configmaps", reason });
      return count === undefined ? [] : [[reason, count]];
    }),
  );
const expired = { kind: "Status", code: 410, reason: "Expired" };

test.each<[string, (listener: WatchListener) => void]>([
  ["closed", ({ ended }) => ended({})],
  ["expired", ({ event }) => event("ERROR", expired)],
  ["expired", ({ ended }) => ended({ status: 410 })],
  ["refused", ({ ended }) => ended({ status: 403 })],
  ["refused", ({ ended }) => ended({ status: 500 })],
  ["garbled", ({ ended }) => ended({ garbled: "no JSON" })],
  ["garbled", ({ event }) => event("ERROR", { code: 500, message: "etcd is gone" })],
])("a watch that ends as %s is counted so, once", async (reason, end) => {
  end(listeners[0] as WatchListener);
  await clock.advance(1);

  expect(counted()).toEqual({ [reason]: 1 });
});

test("a watch from which nothing is heard is counted as silent", async () => {
  await clock.advance(125_000);

  expect(counted()).toEqual({ silent: 1 });
});

test("a watch that ends with its reflector is not counted", async () => {
  reflector.stop();
  await clock.advance(1);

  expect(counted()).toEqual({});
});

test("a watch from which something is heard now and then is kept, and is silent two minutes after the last of it", async () => {
  const bookmark = { metadata: { resourceVersion: "200" } };
  for (const rest of [100_000, 100_000, 119_000]) {
    listeners[0]?.event("BOOKMARK", bookmark);
    await clock.advance(rest);
  }
  expect(counted()).toEqual({});

  await clock.advance(2_000);

  expect(counted()).toEqual({ silent: 1 });
});

test("watches that expire within a minute are failures, so that the lists after them come ever more slowly", async () => {
  const startedAt = clock.monotonic();
  for (let expiry = 0; expiry < 6; expiry += 1) {
    const opened = listeners.length;
    await clock.advance(5_000);
    listeners.at(-1)?.ended({ status: 410 });
    while (listeners.length === opened) await clock.advance(10);
  }

  // Six watches of 5 s, and back-offs of 75, 150 … 2,400 ms between.
  expect(clock.monotonic() - startedAt).toBeGreaterThan(30_000 + 4_000);
});
