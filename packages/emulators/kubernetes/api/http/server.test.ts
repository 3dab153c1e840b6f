import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type KubernetesEmulator, startKubernetesEmulator } from "../emulator.ts";
import { configMapManifest, podManifest, widgetDefinition } from "../testing.ts";
import type { Exchange } from "./exchange.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

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
