import type { EventText } from "@trunkline/kubernetes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeApi, type FakeApi } from "../testing/fake-api.ts";
import { paths } from "../testing/scene.ts";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import { createRecorder, involvedNode, involvedPod, type Recorder } from "./recorder.ts";

let api: FakeApi;
let clock: VirtualClock;
let logged: string[];
let recorder: Recorder;

const createAnother = () =>
  createRecorder({
    api,
    clock,
    random: () => 1,
    log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
  });

beforeEach(() => {
  api = createFakeApi();
  clock = createVirtualClock();
  logged = [];
  recorder = createAnother();
});

afterEach(() => recorder.stop());

interface EventObject {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly count: number;
  readonly message: string;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly involvedObject: object;
}

const pod = involvedPod({ namespace: "shop", name: "db", uid: "uid-db" });
const failed: EventText = { type: "Warning", reason: "BranchAllocationFailed", message: "failed: InternalError" };
const allocated: EventText = { type: "Normal", reason: "ResourceAllocated", message: "Allocated []", isOnce: true };
const posts = () => api.requests.filter((request) => request.method === "POST");
const written = (): readonly EventObject[] =>
  [...new Set(posts().map((request) => (request.body as EventObject).metadata.name))].flatMap(
    (name) => (api.get(paths.events, name) ?? []) as unknown as EventObject,
  );

describe("an event", () => {
  test("K75: about a pod stands in the pod's namespace and names the pod by its UID", async () => {
    recorder.record(pod, failed);
    await clock.advance(1_000);

    expect(posts().map((request) => request.path)).toEqual(["/api/v1/namespaces/shop/events"]);
    expect(written()).toMatchObject([
      {
        metadata: { namespace: "shop" },
        involvedObject: { apiVersion: "v1", kind: "Pod", namespace: "shop", name: "db", uid: "uid-db" },
        type: "Warning",
        reason: "BranchAllocationFailed",
        message: "failed: InternalError",
        source: { component: "vpc-resource-controller" },
        reportingComponent: "vpc-resource-controller",
        firstTimestamp: "2026-01-01T00:00:00Z",
        lastTimestamp: "2026-01-01T00:00:00Z",
        count: 1,
      },
    ]);
    expect(written()[0]).not.toHaveProperty("isOnce");
  });

  test("K75: about a node stands in default and has the node's name as UID, which is what kubectl looks for", async () => {
    recorder.record(involvedNode("ip-10-0-0-1.ec2.internal"), failed);
    await clock.advance(1_000);

    expect(written()).toMatchObject([
      {
        metadata: { namespace: "default" },
        involvedObject: { apiVersion: "v1", kind: "Node", uid: "ip-10-0-0-1.ec2.internal" },
      },
    ]);
    expect(written()[0]?.involvedObject).not.toHaveProperty("namespace");
  });

  test.each([
    ["a name with dots", "ip-10-0-0-1.us-west-2.compute.internal"],
    ["the longest name", "a".repeat(253)],
    ["a name whose cut would end with a dot", `${"a".repeat(235)}.${"b".repeat(17)}`],
    ["a name whose cut would end with hyphens", `${"a".repeat(234)}--${"b".repeat(17)}`],
  ])("has a valid name for an object with %s", async (_, name) => {
    recorder.record(involvedNode(name), failed);
    await clock.advance(1_000);

    const eventName = written()[0]?.metadata.name ?? "";
    expect(eventName.length).toBeLessThanOrEqual(253);
    expect(eventName).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    expect(written()[0]?.involvedObject).toMatchObject({ name });
  });

  test("with a message that is too long is cut, clearly", async () => {
    recorder.record(pod, { ...failed, message: "é".repeat(2_000) });
    await clock.advance(1_000);

    expect(Buffer.byteLength(written()[0]?.message ?? "")).toBeLessThanOrEqual(1_024);
    expect(written()[0]?.message).toMatch(/é \.\.\. \(cut\)$/);
  });
});

describe("K76: a repeat", () => {
  test("within a minute is no news", async () => {
    for (let time = 0; time < 50; time += 1) {
      recorder.record(pod, failed);
      await clock.advance(1_000);
    }

    expect(written()).toMatchObject([{ count: 1 }]);
    expect(api.requests).toHaveLength(1);
  });

  test("after a minute, or by another replica, raises the count", async () => {
    recorder.record(pod, failed);
    await clock.advance(61_000);
    recorder.record(pod, failed);
    await clock.advance(1_000);
    createAnother().record(pod, failed);
    await clock.advance(1_000);

    expect(written()).toMatchObject([
      { count: 3, firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:01:02Z" },
    ]);
  });

  test("of what is told once raises no count, neither later nor by another replica", async () => {
    recorder.record(pod, allocated);
    await clock.advance(61_000);
    recorder.record(pod, allocated);
    createAnother().record(pod, allocated);
    await clock.advance(1_000);

    expect(written()).toMatchObject([{ count: 1 }]);
    expect(posts()).toHaveLength(2);
  });

  test("begins again when the event has expired, or was written by somebody else, between look and write", async () => {
    recorder.record(pod, failed);
    await clock.advance(61_000);
    const isCount = (request: { method: string }) => request.method === "PATCH";
    api.failNext(isCount, { status: 409, body: { message: "modified" } });
    api.failNext((request) => request.method === "GET", { status: 404, body: { message: "not found" } });
    recorder.record(pod, failed);
    await clock.advance(10_000);

    expect(written()).toMatchObject([{ count: 2 }]);
    expect(logged).toEqual([]);
  });
});

describe("what cannot be written", () => {
  test.each([
    ["403 in a namespace that is being deleted", 403, 'namespaces "shop" is being terminated'],
    ["403 for lack of a right", 403, "events is forbidden"],
    ["404 in a namespace that is gone", 404, 'namespaces "shop" not found'],
    ["422 for what is wrong with it", 422, "Event is invalid"],
  ])("for good (%s) is not tried again, and said", async (_, status, message) => {
    api.failNext(() => true, { status, body: { message } }, 100);
    recorder.record(pod, failed);
    await clock.advance(60_000);

    expect(api.requests).toHaveLength(1);
    expect(logged).toEqual([
      `warn An event was not written. ${JSON.stringify({ reason: failed.reason, object: "db", problem: message })}`,
    ]);
  });

  test.each([
    ["a 500", { status: 500, body: { message: "busy" } }],
    ["a 429", { status: 429, body: { message: "busy" } }],
    ["no answer", new Error("no connection")],
  ])("for now (%s) is tried again, four times at most", async (_, answer) => {
    api.failNext(() => true, answer, 2);
    recorder.record(pod, failed);
    await clock.advance(20_000);
    expect(written()).toHaveLength(1);
    expect(logged).toEqual([]);

    api.failNext(() => true, answer, 100);
    api.requests.length = 0;
    recorder.record(pod, { ...failed, message: "another" });
    await clock.advance(60_000);
    expect(api.requests).toHaveLength(4);
    expect(logged).toHaveLength(1);
  });
});

describe("an object with more events than anybody reads", () => {
  test("gets 25 at once and then one a minute, and holds up no other", async () => {
    for (let second = 0; second < 600; second += 1) {
      recorder.record(pod, { ...failed, message: `failed: ${second}` });
      await clock.advance(1_000);
    }
    recorder.record(involvedNode("node-a"), failed);
    await clock.advance(1_000);

    const onPod = written().filter((event) => event.metadata.namespace === "shop");
    expect(onPod.length).toBeGreaterThan(25);
    expect(onPod.length).toBeLessThanOrEqual(25 + 11);
    expect(written().some((event) => event.metadata.namespace === "default")).toBe(true);
  });
});

test("no more than 5,000 wait while the API server is slow; those beyond are dropped and said", async () => {
  api.request = () => new Promise(() => {});
  for (let index = 0; index < 5_010; index += 1) {
    recorder.record(involvedPod({ namespace: "shop", name: `p-${index}`, uid: `u-${index}` }), failed);
  }
  await clock.advance(1_000);

  // Four are under way.
  expect(logged.filter((line) => line.includes("Too many events are waiting"))).toHaveLength(6);
});

describe("draining", () => {
  test("waits until everything is written", async () => {
    api.failNext(() => true, { status: 500, body: {} }, 2);
    for (let index = 0; index < 20; index += 1) recorder.record(pod, { ...failed, message: `failed: ${index}` });

    const drained = recorder.drain(3_000);
    await clock.advance(3_000);
    await drained;
    recorder.stop();

    expect(written()).toHaveLength(20);
  });

  test("does not wait longer than its time", async () => {
    api.failNext(() => true, { status: 500, body: {} }, 100);
    recorder.record(pod, failed);

    let isDrained = false;
    void recorder.drain(100).then(() => {
      isDrained = true;
    });
    await clock.advance(90);
    expect(isDrained).toBe(false);
    await clock.advance(30);

    expect(isDrained).toBe(true);
  });
});
