import { beforeEach, expect, test } from "vitest";
import { viewPod } from "../follow/views.ts";
import { createRecordedMetrics, type RecordedMetrics } from "../testing/recorded-metrics.ts";
import { aPod, podEniKey } from "../testing/scene.ts";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import { type BoundTimes, createBoundTimes } from "./bound-times.ts";

let clock: VirtualClock;
let metrics: RecordedMetrics;
let isReady: boolean;
let isLeader: boolean;
let times: BoundTimes;

beforeEach(() => {
  clock = createVirtualClock();
  metrics = createRecordedMetrics();
  isReady = true;
  isLeader = true;
  times = createBoundTimes({ clock, metrics, isReady: () => isReady, isLeader: () => isLeader });
});

const pod = (change: { annotated?: boolean; bound?: boolean } = {}) => {
  const raw = aPod("db");
  return viewPod({
    ...raw,
    metadata: {
      ...raw.metadata,
      uid: "uid-db",
      annotations: change.annotated === true ? { [podEniKey]: "[]" } : undefined,
    },
    spec: { ...(raw.spec as object), nodeName: change.bound === false ? undefined : "node-a" },
  });
};
const measured = () => metrics.durations("trunkline_pod_bound_to_annotated_seconds");

test("a pod is measured from the sight of its binding to the sight of its annotation", async () => {
  times.pod({ type: "seen", object: pod({ bound: false }) });
  await clock.advance(5_000);
  times.pod({ type: "seen", object: pod() });
  await clock.advance(1_000);
  times.pod({ type: "seen", object: pod() });
  await clock.advance(1_500);
  times.pod({ type: "seen", object: pod({ annotated: true }) });
  times.pod({ type: "seen", object: pod({ annotated: true }) });

  expect(measured()).toEqual([2.5]);
});

test("a pod of the first list is not measured: nobody knows since when it is bound", () => {
  isReady = false;
  times.pod({ type: "seen", object: pod() });
  isReady = true;
  times.pod({ type: "seen", object: pod({ annotated: true }) });

  expect(measured()).toEqual([]);
});

test("only the leader measures, also a pod that was bound before it led", async () => {
  isLeader = false;
  times.pod({ type: "seen", object: pod() });
  await clock.advance(4_000);
  isLeader = true;
  times.pod({ type: "seen", object: pod({ annotated: true }) });
  expect(measured()).toEqual([4]);

  isLeader = false;
  times.pod({ type: "gone", object: pod(), how: "deleted", version: "9" });
  times.pod({ type: "seen", object: pod() });
  times.pod({ type: "seen", object: pod({ annotated: true }) });
  expect(measured()).toEqual([4]);
});

test("a pod that ended without an annotation is forgotten", async () => {
  times.pod({ type: "seen", object: pod() });
  times.pod({ type: "gone", object: pod(), how: "deleted", version: "9" });
  times.pod({ type: "seen", object: pod({ annotated: true }) });

  expect(measured()).toEqual([]);
});
