import { KubeConfig, Watch } from "@kubernetes/client-node";
import { afterEach, describe, expect, test } from "vitest";
import type { ApiAccess } from "../../ports.ts";
import { type KubernetesEmulator, type KubernetesEmulatorOptions, startKubernetesEmulator } from "../emulator.ts";
import { configMapManifest, coreRef, VirtualClock } from "../testing.ts";

const PATH = "/api/v1/namespaces/default/configmaps";

let emulator: KubernetesEmulator | undefined;
afterEach(async () => {
  await emulator?.stop();
  emulator = undefined;
});

async function start(
  options: KubernetesEmulatorOptions = {},
): Promise<{ emulator: KubernetesEmulator; api: ApiAccess }> {
  emulator = await startKubernetesEmulator(options);
  return { emulator, api: emulator.api.as("kubernetes-admin") };
}

interface Line {
  type: string;
  object: {
    code?: number;
    message?: string;
    metadata: { name?: string; resourceVersion: string; annotations?: object };
  };
}

/** Reads a watch line by line. */
class Reader {
  readonly #lines: AsyncGenerator<Line>;

  constructor(response: Response) {
    this.#lines = linesOf(response);
  }

  async next(): Promise<Line | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  async take(count: number): Promise<string[]> {
    const taken: string[] = [];
    while (taken.length < count) {
      const line = await this.next();
      taken.push(line === undefined ? "END" : `${line.type} ${line.object.metadata.name ?? ""}`.trim());
    }
    return taken;
  }
}

async function* linesOf(response: Response): AsyncGenerator<Line> {
  let rest = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    rest += chunk;
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Line;
  }
}

async function watch(query: string, accept = "application/json"): Promise<Reader> {
  return new Reader(await fetch(`${emulator?.url}${PATH}?watch=true&${query}`, { headers: { accept } }));
}

describe("a watch", () => {
  test("resumes after the version that it names", async () => {
    const { api } = await start();
    const first = await api.create(configMapManifest("a"));
    await api.create(configMapManifest("b"));
    const reader = await watch(`resourceVersion=${first.metadata.resourceVersion}`);
    await api.delete(coreRef("configmaps", "a"));
    expect(await reader.take(2)).toEqual(["ADDED b", "DELETED a"]);
  });

  test("without a version begins with everything that exists", async () => {
    const { api } = await start();
    await api.create(configMapManifest("a"));
    const reader = await watch("");
    await api.create(configMapManifest("b"));
    expect(await reader.take(2)).toEqual(["ADDED a", "ADDED b"]);
  });

  test("that asks for initial events is told where they end", async () => {
    const { api } = await start();
    await api.create(configMapManifest("a"));
    const reader = await watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
    expect(await reader.take(1)).toEqual(["ADDED a"]);
    const end = await reader.next();
    expect(end?.type).toBe("BOOKMARK");
    expect(end?.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
  });

  test("from a version that is forgotten ends with 410", async () => {
    const { api } = await start({ historyMax: 4 });
    const first = await api.create(configMapManifest("a"));
    for (let index = 0; index < 20; index += 1) await api.create(configMapManifest(`b${index}`));
    const reader = await watch(`resourceVersion=${first.metadata.resourceVersion}`);
    const error = await reader.next();
    expect(error).toMatchObject({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
    expect(error?.object.message).toMatch(/^too old resource version: \d+ \(\d+\)$/);
    expect(await reader.next()).toBeUndefined();
  });

  test("from a version that is yet to come is silent until then, as where a server was restored", async () => {
    const clock = new VirtualClock();
    const { api } = await start({ clock, bookmarkSeconds: 60 });
    const { resourceVersion = "" } = (await api.create(configMapManifest("a"))).metadata;
    const reader = await watch(`resourceVersion=${Number(resourceVersion) + 2}&allowWatchBookmarks=true`);
    clock.advance(60_000);
    for (const name of ["b", "c", "d"]) await api.create(configMapManifest(name));
    expect(await reader.take(1)).toEqual(["ADDED d"]);
  });

  test("can be made to find itself too old", async () => {
    const { emulator: running, api } = await start();
    const first = await api.create(configMapManifest("a"));
    running.inject({ kind: "expire-watch" });
    expect((await (await watch(`resourceVersion=${first.metadata.resourceVersion}`)).next())?.object.code).toBe(410);
  });

  test("ends when all watches are dropped, and can be resumed without loss", async () => {
    const { emulator: running, api } = await start();
    const first = await api.create(configMapManifest("a"));
    const reader = await watch(`resourceVersion=${first.metadata.resourceVersion}`);
    running.inject({ kind: "drop-watches" });
    expect(await reader.next()).toBeUndefined();
    await api.create(configMapManifest("b"));
    expect(await (await watch(`resourceVersion=${first.metadata.resourceVersion}`)).take(1)).toEqual(["ADDED b"]);
  });

  test("gets bookmarks as time passes, and ends at its time limit", async () => {
    const clock = new VirtualClock();
    const { api } = await start({ clock, bookmarkSeconds: 60 });
    const created = await api.create(configMapManifest("a"));
    const reader = await watch("resourceVersion=1&allowWatchBookmarks=true&timeoutSeconds=90");
    expect(await reader.take(1)).toEqual(["ADDED a"]);
    clock.advance(60_000);
    const bookmark = await reader.next();
    expect(bookmark?.type).toBe("BOOKMARK");
    expect(Number(bookmark?.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(
      Number(created.metadata.resourceVersion),
    );
    clock.advance(30_000);
    expect(await reader.take(2)).toEqual(["BOOKMARK", "END"]);
  });

  test("shows rows of a table to kubectl, with the columns once", async () => {
    const { api } = await start();
    await api.create(configMapManifest("a", { k: "1" }));
    const reader = await watch("", "application/json;as=Table;v=v1;g=meta.k8s.io");
    await api.create(configMapManifest("b"));
    const tables = [await reader.next(), await reader.next()].map((line) => line?.object);
    expect(tables).toMatchObject([
      { kind: "Table", rows: [{ cells: ["a", 1, expect.any(String)] }] },
      { kind: "Table", columnDefinitions: [], rows: [{ cells: ["b", 0, expect.any(String)] }] },
    ]);
  });

  test("is understood by the official client", async () => {
    const { emulator: running, api } = await start();
    const config = new KubeConfig();
    // The client refuses plain HTTP unless it is told not to insist on certificates.
    config.loadFromClusterAndUser({ name: "c", server: running.url, skipTLSVerify: true }, { name: "u" });
    await api.create(configMapManifest("a"));
    const heard: string[] = [];
    const opened = await new Promise<AbortController>((resolve, reject) => {
      const hear = (type: string, object: { metadata: { name: string } }) => {
        heard.push(`${type} ${object.metadata.name}`);
        // The first event shows that the watch is open.
        if (heard.length === 1) void change().catch(reject);
        if (type === "DELETED") resolve(watching);
      };
      const change = async () => {
        await api.patch(coreRef("configmaps", "a"), { type: "merge", body: { data: { k: "1" } } });
        await api.delete(coreRef("configmaps", "a"));
      };
      const watching = new Watch(config).watch(PATH, {}, hear, reject);
    });
    opened.abort();
    expect(heard).toEqual(["ADDED a", "MODIFIED a", "DELETED a"]);
  });
});
