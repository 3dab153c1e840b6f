import { beforeEach, describe, expect, test } from "vitest";
import type { KubernetesApi, WatchEnding } from "../ports/api.ts";
import { createFakeApi, type FakeApi, type FakeObject } from "../testing/fake-api.ts";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import { createReflector, type Kept, type Reflector, type ReflectorOptions } from "./reflector.ts";

const path = "/api/v1/pods";
const project = (raw: unknown): Kept => {
  const { metadata } = raw as FakeObject;
  return {
    uid: metadata.uid ?? "",
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    resourceVersion: metadata.resourceVersion ?? "",
  };
};

let api: FakeApi;
let clock: VirtualClock;
let reflector: Reflector<Kept>;
let told: string[];

beforeEach(() => {
  api = createFakeApi();
  clock = createVirtualClock();
  told = [];
  reflector = make();
});

const make = (options: Partial<ReflectorOptions<Kept>> = {}) =>
  createReflector({
    api,
    clock,
    random: () => 0.5,
    log: () => {},
    path,
    project,
    onChange: (change) =>
      told.push(change.type === "seen" ? `seen ${change.object.uid}` : `${change.how} ${change.object.uid}`),
    ...options,
  });

const put = (name: string, uid = `uid-${name}`) => api.put(path, { metadata: { name, uid } });
const names = () => [...reflector.values()].map((object) => object.name);
const lists = () => api.requests.filter((request) => !request.path.includes("watch=")).length;

describe("a reflector", () => {
  test("lists every page and then follows the changes", async () => {
    for (let index = 0; index < 551; index += 1) put(`pod-${index}`);

    reflector.start();
    await clock.advance(10);
    put("late");
    api.remove(path, "pod-7");
    await clock.advance(10);

    expect(lists()).toBe(3);
    expect(names()).toHaveLength(551);
    expect(reflector.get("", "late")?.uid).toBe("uid-late");
    expect(told.slice(-2)).toEqual(["seen uid-late", "deleted uid-pod-7"]);
  });

  test("is not synced before its first list has arrived", async () => {
    api.failNext(() => true, new Error("no connection"), 2);
    reflector.start();
    await clock.advance(10);
    expect(reflector.isSynced()).toBe(false);

    await clock.advance(1_000);

    expect(reflector.isSynced()).toBe(true);
  });

  test("goes on from its version when a watch breaks, without a new list", async () => {
    reflector.start();
    await clock.advance(5_000);
    const before = lists();

    api.endWatches();
    await clock.advance(1_000);
    put("late");
    await clock.advance(10);

    expect(lists()).toBe(before);
    expect(names()).toEqual(["late"]);
  });

  test.each<[string, () => void]>([
    ["is refused with 410", () => api.endWatches(410)],
    ["tells that its version is too old", () => api.tellWatches("ERROR", { kind: "Status", code: 410 })],
  ])("lists again when a watch %s, and tells what has gone meanwhile", async (_, expire) => {
    put("old");
    reflector.start();
    await clock.advance(5_000);
    told.length = 0;

    expire();
    api.remove(path, "old");
    put("new");
    await clock.advance(1_000);

    expect(told).toEqual(["absent-from-list uid-old", "seen uid-new"]);
  });

  test("takes the version of a bookmark", async () => {
    reflector.start();
    await clock.advance(5_000);
    api.tellWatches("BOOKMARK", { kind: "Pod", metadata: { resourceVersion: "4711" } });
    const watches: string[] = [];
    const { watch } = api;
    api.watch = (watchPath, listener) => {
      watches.push(watchPath);
      return watch(watchPath, listener);
    };

    api.endWatches();
    await clock.advance(1_000);

    expect(watches[0]).toContain("resourceVersion=4711");
    expect(watches[0]).toContain("allowWatchBookmarks=true");
  });

  test("opens another watch when one is silent for two minutes", async () => {
    reflector.start();
    await clock.advance(119_000);
    const { watch } = api;
    let opened = 0;
    api.watch = (watchPath, listener) => {
      opened += 1;
      return watch(watchPath, listener);
    };

    await clock.advance(2_000);

    expect(opened).toBe(1);
    expect(api.watchCount).toBe(1);
  });

  test.each<[string, WatchEnding]>([
    ["fails", { status: 500 }],
    ["is closed", {}],
  ])("backs off, and does not list, when every watch %s at once", async (_, ending) => {
    let opened = 0;
    api.watch = (_, listener) => {
      opened += 1;
      queueMicrotask(() => listener.ended(ending));
      return () => {};
    };

    reflector.start();
    await clock.advance(60_000);

    expect(opened).toBeGreaterThan(5);
    expect(opened).toBeLessThan(20);
    expect(lists()).toBe(1);
  });

  test("spreads its attempts: half of each back-off is by chance", async () => {
    const waits = async (random: number): Promise<readonly number[]> => {
      const opened: number[] = [];
      const failing: KubernetesApi = {
        request: api.request,
        watch: (_, listener) => {
          opened.push(clock.monotonic());
          queueMicrotask(() => listener.ended({ status: 503 }));
          return () => {};
        },
      };
      const spread = make({ api: failing, random: () => random });
      spread.start();
      await clock.advance(60_000);
      spread.stop();
      return opened.slice(1, 11).map((at, index) => Math.round(at - (opened[index] ?? 0)));
    };

    expect(await waits(0)).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 7_500, 7_500]);
    const latest = await waits(1 - Number.EPSILON);
    expect(latest.slice(0, 9)).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000]);
  });

  test.each([
    [5, 5_075],
    [3_600, 60_075],
  ])(
    "waits for %i s when it is asked to, a minute at most, and some more by chance",
    async (retryAfterSeconds, wait) => {
      api.failNext(() => true, { status: 429, body: {}, retryAfterSeconds });
      reflector.start();
      await clock.advance(wait - 1);
      expect(reflector.isSynced()).toBe(false);

      await clock.advance(1);
      expect(reflector.isSynced()).toBe(true);
    },
  );

  test("does not resume from nonsense for ever: after two watches in a row it lists", async () => {
    put("a");
    reflector.start();
    await clock.advance(2_000);
    expect(lists()).toBe(1);

    api.tellWatches("RENAMED", {});
    await clock.advance(200);
    expect(lists()).toBe(1);
    api.tellWatches("RENAMED", {});
    await clock.advance(1_000);

    expect(lists()).toBe(2);
    expect(api.watchCount).toBe(1);
  });

  test("lists again when a watch is refused for good, and finds that the type is gone", async () => {
    reflector = make({ isOptional: true });
    put("a");
    reflector.start();
    await clock.advance(5_000);
    told.length = 0;

    api.missing.add(path);
    api.endWatches(404);
    await clock.advance(1_000);

    expect(told).toEqual(["absent-from-list uid-a"]);
  });

  test("tells an object that was replaced under its name as two", async () => {
    put("a", "first");
    reflector.start();
    await clock.advance(10);
    told.length = 0;

    put("a", "second");

    expect(told).toEqual(["absent-from-list first", "seen second"]);
  });

  test("does not tell again what has not changed", async () => {
    put("a");
    reflector.start();
    await clock.advance(5_000);
    told.length = 0;

    api.endWatches(410);
    await clock.advance(1_000);

    expect(told).toEqual([]);
  });

  test("takes a type that may be missing as empty, and finds it when it comes", async () => {
    api.missing.add(path);
    reflector = make({ isOptional: true });
    reflector.start();
    await clock.advance(10);
    expect(reflector.isSynced()).toBe(true);
    expect(names()).toEqual([]);

    api.missing.delete(path);
    put("a");
    await clock.advance(6_000);

    expect(names()).toEqual(["a"]);
  });

  test("does not take another type that is not found as empty", async () => {
    put("a");
    reflector.start();
    await clock.advance(5_000);
    told.length = 0;

    api.missing.add(path);
    api.endWatches(410);
    await clock.advance(60_000);

    expect(told).toEqual([]);
    expect(names()).toEqual(["a"]);
  });

  test("leaves no watch open when it is stopped, also during its list", async () => {
    reflector.start();
    reflector.stop();
    await clock.advance(60_000);
    expect(api.watchCount).toBe(0);

    const other = make();
    other.start();
    await clock.advance(10);
    expect(api.watchCount).toBe(1);
    other.stop();
    await clock.advance(60_000);
    expect(api.watchCount).toBe(0);
  });
});
