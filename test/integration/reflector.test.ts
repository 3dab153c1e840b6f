import { KubeConfig } from "@kubernetes/client-node";
import { type KubernetesEmulator, startKubernetesEmulator } from "@trunkline/emulator-kubernetes";
import { createHttpApi, type KubernetesApi } from "@trunkline/forwarder";
import { createReflector, type Kept, type Reflector } from "@trunkline/forwarder/follow";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createHurriedClock } from "../support/hurried-clock.ts";

const path = "/api/v1/pods";
/** Two minutes of silence pass in four seconds. */
const clock = createHurriedClock(30);

interface Asked {
  readonly at: number;
  readonly query: URLSearchParams;
  readonly isWatch: boolean;
}

let kubernetes: KubernetesEmulator;
let http: ReturnType<typeof createHttpApi>;
let reflector: Reflector<Kept>;
let asked: Asked[];
let told: string[];
let logged: string[];
let onListed: () => void;

beforeEach(async () => {
  kubernetes = await startKubernetesEmulator({ clock });
  asked = [];
  told = [];
  logged = [];
  onListed = () => {};
  connect();
});

afterEach(async () => {
  reflector.stop();
  http.close();
  await kubernetes.stop();
});

/** The reflector on the real client; every request is noted. */
const connect = (): void => {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser({ name: "c", server: kubernetes.url, skipTLSVerify: true }, { name: "u" });
  http = createHttpApi(kubeConfig);
  const note = (requested: string) => {
    const query = new URL(requested, kubernetes.url).searchParams;
    asked.push({ at: clock.monotonic(), query, isWatch: query.has("watch") });
  };
  const api: KubernetesApi = {
    request: async (request) => {
      note(request.path);
      const answer = await http.request(request);
      onListed();
      return answer;
    },
    watch: (requested, listener) => {
      note(requested);
      return http.watch(requested, listener);
    },
  };
  reflector = createReflector({
    api,
    clock,
    random: Math.random,
    log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
    path,
    project: (raw) => {
      const { uid, namespace, name, resourceVersion } = (raw as { metadata: Kept }).metadata;
      return { uid, namespace, name, resourceVersion };
    },
    onChange: (change) => {
      const { name, uid } = change.object;
      told.push(`${change.type === "seen" ? "seen" : change.how} ${name} ${uid}`);
    },
  });
};

const administrator = () => kubernetes.api.as("kubernetes-admin");
const pod = (name: string) => ({ group: "", resource: "pods", namespace: "default", name });
const create = async (name: string): Promise<string> => {
  const created = await administrator().create({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { containers: [{ name: "a", image: "nginx" }] },
  });
  return created.metadata.uid ?? "";
};
const remove = (name: string) => administrator().delete(pod(name), { gracePeriodSeconds: 0 });
const names = () => [...reflector.values()].map(({ name }) => name).sort();
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 60_000, interval: 10 });
const lists = () => asked.filter(({ isWatch, query }) => !isWatch && !query.has("continue"));
const watches = () => asked.filter(({ isWatch }) => isWatch);

/** A reflector that has listed and watches. */
const following = async (...pods: readonly string[]): Promise<void> => {
  for (const name of pods) await create(name);
  reflector.start();
  await eventually(() => expect(watches()).toHaveLength(1));
  // A watch that is asked for may still be on its way: only what it tells shows that it is open.
  await create("marker");
  await eventually(() => expect(names()).toContain("marker"));
  await remove("marker");
  await eventually(() => expect(names()).toEqual([...pods].sort()));
  asked.length = 0;
  told.length = 0;
};

const target = { method: "GET", path } as const;

describe("client-node's informer, and not this reflector,", () => {
  test("stops on a reset connection", async () => {
    await following("a");
    kubernetes.inject({ kind: "reset", ...target, count: 3 });
    kubernetes.dropWatches();
    await create("b");

    await eventually(() => expect(names()).toEqual(["a", "b"]));
    expect(lists()).toEqual([]);
  });

  test.each([500, 502, 503, 504])("stops on a %i", async (code) => {
    await following("a");
    kubernetes.inject({ kind: "status", code, ...target, count: 3 });
    kubernetes.dropWatches();
    await create("b");

    await eventually(() => expect(names()).toEqual(["a", "b"]));
    expect(lists()).toEqual([]);
  });

  test("leaks a watch when it is stopped during its list", async () => {
    await create("a");
    const listed = new Promise<void>((resolve) => {
      onListed = resolve;
    });
    kubernetes.inject({ kind: "delay", delayMs: 5_000, ...target });
    reflector.start();
    reflector.stop();
    await listed;
    await new Promise((resolve) => clock.after(30_000, () => resolve(undefined)));

    expect(asked).toHaveLength(1);
    expect(watches()).toEqual([]);
    expect(told).toEqual([]);
  });

  test("tells an error when it is stopped", async () => {
    await following("a");
    reflector.stop();
    await create("b");
    await new Promise((resolve) => clock.after(30_000, () => resolve(undefined)));

    expect([...told, ...logged, ...asked]).toEqual([]);
  });

  test("shows a pod that was created anew under its name as an update", async () => {
    await following("a");
    const [{ uid: first = "" } = {}] = [...reflector.values()];
    onListed = () => {};
    kubernetes.inject({ kind: "outage", durationMs: 5_000 });
    await remove("a");
    const second = await create("a");
    kubernetes.inject({ kind: "forget-history" });

    await eventually(() => expect(told).toEqual([`absent-from-list a ${first}`, `seen a ${second}`]));
  });

  test("knows no pages", async () => {
    const many = Array.from({ length: 600 }, (_, index) => `pod-${index}`);
    for (const name of many) await create(name);
    reflector.start();
    await eventually(() => expect(reflector.isSynced()).toBe(true));

    expect(names()).toEqual(many.sort());
    const pages = asked.filter(({ isWatch }) => !isWatch);
    expect(pages.map(({ query }) => [query.get("limit"), query.has("continue"), query.has("resourceVersion")])).toEqual(
      [
        ["250", false, false],
        ["250", true, false],
        ["250", true, false],
      ],
    );
  });

  test("knows no bookmarks", async () => {
    await following("a");
    const listedAt = Number([...reflector.values()][0]?.resourceVersion);
    for (let index = 0; index < 10; index += 1)
      await administrator().create({ apiVersion: "v1", kind: "Namespace", metadata: { name: `n${index}` } });
    await new Promise((resolve) => clock.after(110_000, () => resolve(undefined)));
    kubernetes.dropWatches();
    await eventually(() => expect(watches()).toHaveLength(1));

    expect(Number(watches()[0]?.query.get("resourceVersion"))).toBeGreaterThan(listedAt + 9);
  });
});

describe("a version that is too old", () => {
  test("by a refused watch lists again, and what ended meanwhile is told", async () => {
    await following("a");
    kubernetes.inject({ kind: "status", code: 410, ...target });
    const uid = [...reflector.values()][0]?.uid;
    kubernetes.inject({ kind: "outage", durationMs: 2_000 });
    await remove("a");
    await create("b");

    await eventually(() => expect(told[0]).toBe(`absent-from-list a ${uid}`));
    expect(names()).toEqual(["b"]);
    expect(lists()).toHaveLength(1);
  });

  test("in the middle of a stream lists again, in no tight loop", async () => {
    await following("a");
    kubernetes.inject({ kind: "expire-watch", path, count: 5 });
    kubernetes.dropWatches();
    await create("b");

    await eventually(() => expect(watches()).toHaveLength(6));
    expect(names()).toEqual(["a", "b"]);
    expect(lists()).toHaveLength(5);
    const waits = lists().map(({ at }, index) => at - (lists()[index - 1]?.at ?? at));
    // 100 ms doubled each time, at least half of it; a timer may be a moment early.
    expect(waits.at(-1)).toBeGreaterThan(700);
  });

  test("in the middle of a paged list lists again from the first page, never by the token for another state", async () => {
    for (let index = 0; index < 600; index += 1) await create(`pod-${index}`);
    onListed = () => {
      onListed = () => {};
      kubernetes.inject({ kind: "forget-history" });
    };
    reflector.start();
    await eventually(() => expect(reflector.isSynced()).toBe(true));

    expect(names()).toHaveLength(600);
    const pages = asked.filter(({ isWatch }) => !isWatch);
    expect(pages.map(({ query }) => query.has("continue"))).toEqual([false, true, false, true, true]);
  });
});

describe("a server that asks for patience", () => {
  test.each([
    ["is given it", 20, 20_000],
    ["is given a minute at most", 3_600, 60_000],
  ])("%s", async (_, retryAfterSeconds, least) => {
    await following("a");
    kubernetes.inject({ kind: "status", code: 429, retryAfterSeconds, ...target });
    kubernetes.dropWatches();
    await create("b");
    await eventually(() => expect(names()).toEqual(["a", "b"]));

    const [refused = 0, next = 0] = watches().map(({ at }) => at);
    expect(next - refused).toBeGreaterThanOrEqual(least);
    expect(next - refused).toBeLessThan(3_600_000);
  });
});

describe("a server that", () => {
  test("is down is asked again until it is up, and no list is needed", async () => {
    await following("a");
    kubernetes.inject({ kind: "outage", durationMs: 20_000 });
    await create("b");

    await eventually(() => expect(names()).toEqual(["a", "b"]));
    expect(lists()).toEqual([]);
    expect(watches().length).toBeGreaterThan(1);
    expect(watches().length).toBeLessThan(20);
  });

  test("is silent is left after two minutes", async () => {
    await following("a");
    kubernetes.inject({ kind: "silence", path });
    await create("b");
    expect(names()).toEqual(["a"]);

    await eventually(() => expect(names()).toEqual(["a", "b"]));
    expect(lists()).toEqual([]);
  });

  test("was restored and counts its versions anew is listed after two silent watches", async () => {
    await following("a", "b", "c");
    for (let index = 0; index < 50; index += 1) await create(`d${index}`);
    await eventually(() => expect(names()).toHaveLength(53));
    const { port } = kubernetes;
    await kubernetes.stop();
    kubernetes = await startKubernetesEmulator({ clock, port });
    await create("e");

    await eventually(() => expect(names()).toEqual(["e"]));
    expect(told.filter((line) => line.startsWith("absent-from-list"))).toHaveLength(53);
  });
});
