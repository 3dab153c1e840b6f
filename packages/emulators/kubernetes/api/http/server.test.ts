import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type KubernetesEmulator, startKubernetesEmulator } from "../emulator.ts";
import { configMapManifest, coreRef, podManifest, widget, widgetDefinition } from "../testing.ts";
import type { Exchange } from "./exchange.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

let emulator: KubernetesEmulator;
let exchanges: Exchange[];
beforeEach(async () => {
  exchanges = [];
  const tokens = [{ token: "secret", user: "system:serviceaccount:kube-system:robot" }];
  emulator = await startKubernetesEmulator({ tokens, onExchange: (exchange) => exchanges.push(exchange) });
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

describe("discovery", () => {
  test("lists groups and types, also all at once", async () => {
    const groups = (await call("GET", "/apis")).body.groups.map(({ name }: { name: string }) => name);
    expect(groups).toContain("apps");
    const core = (await call("GET", "/api/v1")).body;
    expect(core.resources).toContainEqual(
      expect.objectContaining({ name: "pods", shortNames: ["po"], namespaced: true }),
    );
    expect(core.resources).toContainEqual(
      expect.objectContaining({ name: "pods/eviction", group: "policy", kind: "Eviction" }),
    );
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const aggregated = await call("GET", "/apis", { headers: { accept } });
    expect(aggregated.headers.get("content-type")).toContain("g=apidiscovery.k8s.io;v=v2");
    expect(aggregated.body.kind).toBe("APIGroupDiscoveryList");
  });

  test("shows a custom type as soon as it is defined, with its short names and categories", async () => {
    await emulator.api.as("admin").create(widgetDefinition());
    const { body } = await call("GET", "/apis/example.com/v1");
    expect(body.resources[0]).toMatchObject({ name: "widgets", shortNames: ["wg"], categories: ["all"] });
  });

  test("says in its OpenAPI document that patches of every kind are validated on the server", async () => {
    const index = (await call("GET", "/openapi/v3")).body;
    const { serverRelativeURL } = index.paths["apis/apps/v1"];
    const document = (await call("GET", serverRelativeURL)).body;
    const { patch } = document.paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
    expect(patch.parameters.map(({ name }: { name: string }) => name)).toContain("fieldValidation");
    expect(patch["x-kubernetes-group-version-kind"]).toEqual({ group: "apps", version: "v1", kind: "Deployment" });
    const spec = document.components.schemas["apps.v1.PodSpec"];
    expect(spec.properties.containers["x-kubernetes-patch-merge-key"]).toBe("name");
  });
});

describe("requests", () => {
  test("create, read, replace, patch and delete", async () => {
    const created = await call("POST", CONFIG_MAPS, { body: configMapManifest("a", { k: "1" }) });
    expect([created.status, created.body.kind]).toEqual([201, "ConfigMap"]);
    const replaced = await call("PUT", `${CONFIG_MAPS}/a`, { body: { ...created.body, data: { k: "2" } } });
    expect([replaced.status, replaced.body.data.k]).toEqual([200, "2"]);
    const headers = { "content-type": "application/merge-patch+json" };
    const patched = await call("PATCH", `${CONFIG_MAPS}/a`, { headers, body: { data: { k: "3" } } });
    expect([patched.status, patched.body.data.k]).toEqual([200, "3"]);
    const deleted = await call("DELETE", `${CONFIG_MAPS}/a`);
    expect(deleted.body).toMatchObject({
      status: "Success",
      details: { name: "a", kind: "configmaps", uid: created.body.metadata.uid },
    });
    expect((await call("GET", `${CONFIG_MAPS}/a`)).body).toMatchObject({
      code: 404,
      reason: "NotFound",
      message: 'configmaps "a" not found',
    });
  });

  test("are refused with the right codes when they make no sense", async () => {
    await call("POST", CONFIG_MAPS, { body: configMapManifest("a") });
    const codes = await Promise.all([
      call("POST", CONFIG_MAPS, { body: configMapManifest("a") }),
      call("PATCH", `${CONFIG_MAPS}/a`, { headers: { "content-type": "text/plain" }, body: {} }),
      call("PUT", `${CONFIG_MAPS}/b`, { body: configMapManifest("a") }),
      call("PUT", CONFIG_MAPS, { body: configMapManifest("a") }),
      call("GET", "/api/v1/nothings"),
      call("GET", CONFIG_MAPS, { headers: { accept: "application/vnd.kubernetes.protobuf" } }),
      call("GET", `${CONFIG_MAPS}?fieldSelector=spec.x%3D1`),
      call("GET", CONFIG_MAPS, { headers: { authorization: "Bearer wrong" } }),
    ]);
    expect(codes.map(({ status }) => status)).toEqual([409, 415, 400, 405, 404, 406, 400, 401]);
  });

  test("that are too large or no JSON are refused", async () => {
    const large = await call("POST", CONFIG_MAPS, { body: configMapManifest("a", { k: "x".repeat(4 * 1024 * 1024) }) });
    expect(large.status).toBe(413);
    const headers = { "content-type": "application/json" };
    const broken = await fetch(`${emulator.url}${CONFIG_MAPS}`, { method: "POST", headers, body: "{" });
    expect(broken.status).toBe(400);
  });

  test("warn about unknown fields, or refuse them under strict validation", async () => {
    const body = { ...podManifest("a"), spec: { containers: [{ name: "app", image: "x", colour: "red" }] } };
    const pods = "/api/v1/namespaces/default/pods";
    const strict = await call("POST", `${pods}?fieldValidation=Strict`, { body });
    expect(strict.body).toMatchObject({
      code: 400,
      message:
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].colour"',
    });
    const warned = await call("POST", pods, { body });
    expect(warned.headers.get("warning")).toBe('299 - "unknown field \\"spec.containers[0].colour\\""');
    expect(warned.body.spec.containers[0].colour).toBeUndefined();
  });

  test("with a value of the wrong type are refused in the decoder's words", async () => {
    const body = {
      ...podManifest("a"),
      spec: { containers: [{ name: "app", image: "x", env: [{ name: "A", value: 1 }] }] },
    };
    const { body: status } = await call("POST", "/api/v1/namespaces/default/pods", { body });
    expect(status.message).toBe(
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string',
    );
  });

  test("leave the name of their manager behind", async () => {
    const { body } = await call("POST", `${CONFIG_MAPS}?fieldManager=me`, { body: configMapManifest("a", { k: "1" }) });
    expect(body.metadata.managedFields).toMatchObject([
      { manager: "me", operation: "Update", fieldsV1: { "f:data": { "f:k": {} } } },
    ]);
  });

  test("carry a user by their token, also by one that was asked for", async () => {
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    const whoIs = async (headers: Record<string, string>) =>
      (await call("POST", path, { body: review, headers })).body.status.userInfo.username;
    expect(await whoIs({})).toBe("kubernetes-admin");
    expect(await whoIs({ authorization: "Bearer secret" })).toBe("system:serviceaccount:kube-system:robot");
    const account = "/api/v1/namespaces/default/serviceaccounts/default/token";
    const { body } = await call("POST", account, { body: { spec: { expirationSeconds: 600 } } });
    expect(await whoIs({ authorization: `Bearer ${body.status.token}` })).toBe("system:serviceaccount:default:default");
  });

  test("delete a whole collection by its labels", async () => {
    for (const name of ["a", "b"]) {
      const manifest = configMapManifest(name);
      manifest.metadata.labels = { name };
      await call("POST", CONFIG_MAPS, { body: manifest });
    }
    await call("DELETE", `${CONFIG_MAPS}?labelSelector=name%3Da`);
    const left = (await call("GET", CONFIG_MAPS)).body.items;
    expect(left.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toEqual(["b"]);
  });

  test("are told to whoever records them", async () => {
    await call("POST", CONFIG_MAPS, { body: configMapManifest("a", { k: "1" }) });
    expect(exchanges.at(-1)).toMatchObject({ method: "POST", url: CONFIG_MAPS, status: 201 });
    expect(JSON.parse(exchanges.at(-1)?.requestBody ?? "").data).toEqual({ k: "1" });
    expect(JSON.parse(exchanges.at(-1)?.responseBody ?? "").kind).toBe("ConfigMap");
  });
});

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

  test("whose state is forgotten end with 410", async () => {
    for (const name of ["a", "b", "c"]) await call("POST", CONFIG_MAPS, { body: configMapManifest(name) });
    const first = (await call("GET", `${CONFIG_MAPS}?limit=2`)).body;
    await call("POST", "/_control/faults", { body: { kind: "forget-history" } });
    const second = await call("GET", `${CONFIG_MAPS}?limit=2&continue=${first.metadata.continue}`);
    expect(second.body).toMatchObject({ code: 410, reason: "Expired" });
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
