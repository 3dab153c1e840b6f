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
