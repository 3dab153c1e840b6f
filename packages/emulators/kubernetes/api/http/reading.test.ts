import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type KubernetesEmulator, startKubernetesEmulator } from "../emulator.ts";
import { configMapManifest, coreRef, podManifest, widget, widgetDefinition } from "../testing.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

let emulator: KubernetesEmulator;
beforeEach(async () => {
  emulator = await startKubernetesEmulator();
});
afterEach(() => emulator.stop());

async function call(method: string, path: string, options: { body?: unknown; headers?: Record<string, string> } = {}) {
  const response = await fetch(`${emulator.url}${path}`, {
    method,
    headers: { "content-type": "application/json", ...options.headers },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text.startsWith("{") ? JSON.parse(text) : text };
}

describe("lists", () => {
  const names = (body: { items: { metadata: { name: string } }[] }) => body.items.map(({ metadata }) => metadata.name);

  test("come in pages of the same state, whatever happens between them", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) await call("POST", CONFIG_MAPS, { body: configMapManifest(name) });
    const first = (await call("GET", `${CONFIG_MAPS}?limit=2`)).body;
    expect([names(first), first.metadata.remainingItemCount]).toEqual([["a", "b"], 3]);
    await call("DELETE", `${CONFIG_MAPS}/c`);
    await call("POST", CONFIG_MAPS, { body: configMapManifest("cc") });
    const second = (await call("GET", `${CONFIG_MAPS}?limit=2&continue=${first.metadata.continue}`)).body;
    const third = (await call("GET", `${CONFIG_MAPS}?limit=2&continue=${second.metadata.continue}`)).body;
    expect([...names(second), ...names(third)]).toEqual(["c", "d", "e"]);
    expect(third.metadata.continue).toBeUndefined();
    expect(third.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test.each([
    ["a label selector", "labelSelector=a%3Db"],
    ["a field selector", "fieldSelector=metadata.namespace%3Ddefault"],
  ])("narrowed by %s do not tell how many are left", async (_selector, query) => {
    for (const name of ["a", "b", "c"]) {
      const manifest = configMapManifest(name);
      await call("POST", CONFIG_MAPS, {
        body: { ...manifest, metadata: { ...manifest.metadata, labels: { a: "b" } } },
      });
    }
    const { metadata } = (await call("GET", `${CONFIG_MAPS}?limit=2&${query}`)).body;
    expect(metadata.continue).toEqual(expect.any(String));
    expect(metadata).not.toHaveProperty("remainingItemCount");
  });

  test("whose state is forgotten end with 410", async () => {
    for (const name of ["a", "b", "c"]) await call("POST", CONFIG_MAPS, { body: configMapManifest(name) });
    const first = (await call("GET", `${CONFIG_MAPS}?limit=2`)).body;
    await call("POST", "/_control/faults", { body: { kind: "forget-history" } });
    const second = await call("GET", `${CONFIG_MAPS}?limit=2&continue=${first.metadata.continue}`);
    expect(second.body).toMatchObject({ code: 410, reason: "Expired" });
  });

  test("whose state is forgotten offer a token for the rest as it is now, which is another state", async () => {
    for (const name of ["a", "b", "c"]) await call("POST", CONFIG_MAPS, { body: configMapManifest(name) });
    const first = (await call("GET", `${CONFIG_MAPS}?limit=2`)).body;
    await call("DELETE", `${CONFIG_MAPS}/a`);
    await call("POST", CONFIG_MAPS, { body: configMapManifest("d") });
    await call("POST", "/_control/faults", { body: { kind: "forget-history" } });
    const refused = (await call("GET", `${CONFIG_MAPS}?limit=2&continue=${first.metadata.continue}`)).body;
    const rest = (await call("GET", `${CONFIG_MAPS}?limit=2&continue=${refused.metadata.continue}`)).body;
    expect(names(rest)).toEqual(["c", "d"]);
    expect(Number(rest.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion));
  });

  test("say their kind once and not in every entry, as the real ones of built-in types do", async () => {
    await call("POST", CONFIG_MAPS, { body: configMapManifest("a") });
    const { body } = await call("GET", CONFIG_MAPS);
    expect([body.kind, body.apiVersion, body.items[0].kind]).toEqual(["ConfigMapList", "v1", undefined]);
  });

  test("of metadata only leave the rest out", async () => {
    await call("POST", CONFIG_MAPS, { body: configMapManifest("a", { k: "1" }) });
    const accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    const { body } = await call("GET", CONFIG_MAPS, { headers: { accept } });
    expect(body.kind).toBe("PartialObjectMetadataList");
    expect(body.items[0].data).toBeUndefined();
  });
});

describe("tables", () => {
  test("of pods have kubectl's columns", async () => {
    const api = emulator.api.as("admin");
    await api.create(podManifest("a"));
    await api.create({ ...podManifest("b"), spec: { nodeName: "n1", containers: [{ name: "app", image: "x" }] } });
    const status = {
      phase: "Running",
      podIP: "10.0.0.7",
      containerStatuses: [{ name: "app", ready: true, restartCount: 2, state: { running: {} } }],
    };
    await api.patch(coreRef("pods", "b"), { type: "merge", body: { status }, subresource: "status" });
    await api.delete(coreRef("pods", "b"));
    const { body } = await call("GET", "/api/v1/pods", { headers: { accept: TABLE } });
    expect(body.kind).toBe("Table");
    expect(body.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual([
      "Name",
      "Ready",
      "Status",
      "Restarts",
      "Age",
      "IP",
      "Node",
      "Nominated Node",
      "Readiness Gates",
    ]);
    const cells = body.rows.map((row: { cells: unknown[] }) => row.cells.filter((_, index) => index !== 4));
    expect(cells).toEqual([
      ["a", "0/1", "Pending", "0", "<none>", "<none>", "<none>", "<none>"],
      ["b", "1/1", "Terminating", "2", "10.0.0.7", "n1", "<none>", "<none>"],
    ]);
    expect(body.rows[0].object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "a" } });
  });

  test("of custom types have the columns of their definition", async () => {
    const api = emulator.api.as("admin");
    await api.create(widgetDefinition());
    await api.create(widget("w", { groups: ["sg-1", "sg-2"] }));
    const path = "/apis/example.com/v1/namespaces/default/widgets/w";
    const { body } = await call("GET", path, { headers: { accept: TABLE } });
    expect(body.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual(["Name", "Groups"]);
    expect(body.rows[0].cells).toEqual(["w", '["sg-1","sg-2"]']);
  });
});

describe("logs", () => {
  const path = "/api/v1/namespaces/default/pods/a/log";
  const startedPod = () => emulator.api.as("admin").create(podManifest("a", { spec: { nodeName: "n1" } }));

  test("come from the kubelet's source, and can be cut to the last lines", async () => {
    await startedPod();
    emulator.setLogSource({ lines: () => ["one", "two", "three"] });
    expect((await call("GET", path)).body).toBe("one\ntwo\nthree\n");
    expect((await call("GET", `${path}?tailLines=1`)).body).toBe("three\n");
  });

  test("are followed until the pod ends", async () => {
    await startedPod();
    let tell: (line: string) => void = () => {};
    emulator.setLogSource({
      lines: () => ["one"],
      follow: (_namespace, _pod, _container, listener) => {
        tell = listener;
        return () => {};
      },
    });
    const response = await fetch(`${emulator.url}${path}?follow=true`);
    tell("two");
    const end = { type: "merge", body: { status: { phase: "Succeeded" } }, subresource: "status" } as const;
    await emulator.api.as("kubelet").patch(coreRef("pods", "a"), end);
    expect(await response.text()).toBe("one\ntwo\n");
  });

  test("that do not exist yet are refused with the reason", async () => {
    await startedPod();
    emulator.setLogSource({ lines: () => undefined });
    expect((await call("GET", path)).body.message).toBe(
      'container "app" in pod "a" is waiting to start: ContainerCreating',
    );
    expect((await call("GET", `${path}?container=b`)).body.message).toBe("container b is not valid for pod a");
  });
});

describe("faults on request", () => {
  const fault = (body: unknown) => call("POST", "/_control/faults", { body });

  test("answer the next requests that match with a status, and no others", async () => {
    await fault({ kind: "status", code: 429, retryAfterSeconds: 3, count: 2, method: "GET", path: "/configmaps" });
    const first = await call("GET", CONFIG_MAPS);
    expect([first.status, first.headers.get("retry-after"), first.body.reason]).toEqual([429, "3", "TooManyRequests"]);
    expect((await call("GET", "/api/v1/pods")).status).toBe(200);
    expect((await call("GET", CONFIG_MAPS)).status).toBe(429);
    expect((await call("GET", CONFIG_MAPS)).status).toBe(200);
  });

  test("reset the connection before or after the effect", async () => {
    await fault({ kind: "reset", method: "POST" });
    await expect(call("POST", CONFIG_MAPS, { body: configMapManifest("before") })).rejects.toThrow("fetch failed");
    await fault({ kind: "reset", when: "after", method: "POST" });
    await expect(call("POST", CONFIG_MAPS, { body: configMapManifest("after") })).rejects.toThrow("fetch failed");
    expect((await call("GET", `${CONFIG_MAPS}/before`)).status).toBe(404);
    expect((await call("GET", `${CONFIG_MAPS}/after`)).status).toBe(200);
  });

  test("delay requests", async () => {
    await fault({ kind: "delay", delayMs: 50 });
    const startMs = performance.now();
    await call("GET", CONFIG_MAPS);
    expect(performance.now() - startMs).toBeGreaterThan(45);
  });

  test("are refused when they are none, and can be listed and taken back", async () => {
    expect((await fault({ kind: "explode" })).status).toBe(400);
    expect((await fault({ kind: "status" })).status).toBe(400);
    await fault([{ kind: "status", code: 500 }]);
    expect((await call("GET", "/_control/faults")).body.faults).toMatchObject([
      { kind: "status", code: 500, count: 1 },
    ]);
    await call("DELETE", "/_control/faults");
    expect((await call("GET", CONFIG_MAPS)).status).toBe(200);
  });
});
