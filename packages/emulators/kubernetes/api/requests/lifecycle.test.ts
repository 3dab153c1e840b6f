import { beforeEach, describe, expect, test } from "vitest";
import type { ApiAccess, WatchEvent } from "../../ports.ts";
import { at, objectsAt } from "../json.ts";
import {
  configMapManifest,
  coreRef,
  deploymentManifest,
  podManifest,
  type TestCluster,
  testCluster,
} from "../testing.ts";

describe("objects", () => {
  let cluster: TestCluster;
  let api: ApiAccess;
  beforeEach(async () => {
    cluster = await testCluster();
    api = cluster.api;
  });

  test("get a UID, a creation time and a version", async () => {
    const created = await api.create(configMapManifest("a"));
    expect(created.metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(created.metadata.creationTimestamp).toBe("2026-11-20T12:00:00Z");
    expect(Number(created.metadata.resourceVersion)).toBeGreaterThan(0);
  });

  test("that exist are refused under the same name, and absent ones are not found, in kubectl's words", async () => {
    await api.create(configMapManifest("a"));
    await expect(api.create(configMapManifest("a"))).rejects.toThrow('configmaps "a" already exists');
    await expect(api.get(coreRef("configmaps", "b"))).rejects.toThrow('configmaps "b" not found');
    const deployment = { group: "apps", resource: "deployments", namespace: "default", name: "x" };
    await expect(api.get(deployment)).rejects.toThrow('deployments.apps "x" not found');
  });

  test("get names that begin as generateName says and differ", async () => {
    const manifest = configMapManifest("");
    manifest.metadata = { generateName: "web-", namespace: "default" };
    const names = [await api.create(manifest), await api.create(manifest)].map(({ metadata }) => metadata.name);
    expect(names[0]).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(names[1]).not.toBe(names[0]);
  });

  test("with a name that is no name are refused as invalid", async () => {
    const refused = api.create(configMapManifest("Not_A_Name"));
    await expect(refused).rejects.toThrow(
      'ConfigMap "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name"',
    );
    await expect(refused).rejects.toMatchObject({ code: 422, reason: "Invalid" });
  });

  test("are not updated from an old version, and the refusal says what to do", async () => {
    const first = await api.create(configMapManifest("a", { k: "1" }));
    await api.update({ ...first, data: { k: "2" } });
    const refused = api.update({ ...first, data: { k: "3" } });
    await expect(refused).rejects.toThrow(
      'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    );
    await expect(refused).rejects.toMatchObject({ code: 409, reason: "Conflict" });
  });

  test("keep their version when an update changes nothing", async () => {
    const first = await api.create(configMapManifest("a", { k: "1" }));
    const second = await api.patch(coreRef("configmaps", "a"), { type: "merge", body: { data: { k: "1" } } });
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test("patched at the same time all keep their change", async () => {
    await api.create(configMapManifest("a"));
    const keys = Array.from({ length: 5 }, (_, index) => `k${index}`);
    await Promise.all(
      keys.map((key) => api.patch(coreRef("configmaps", "a"), { type: "merge", body: { data: { [key]: "1" } } })),
    );
    const after = await api.get(coreRef("configmaps", "a"));
    expect(Object.keys(after.data as object).toSorted()).toEqual(keys);
  });

  test("with finalizers stay, marked, until the last finalizer goes", async () => {
    const manifest = configMapManifest("a");
    manifest.metadata.finalizers = ["example.com/hold"];
    await api.create(manifest);
    await api.delete(coreRef("configmaps", "a"));
    const held = await api.get(coreRef("configmaps", "a"));
    expect(held.metadata.deletionTimestamp).toBe("2026-11-20T12:00:00Z");
    const more = { metadata: { finalizers: ["example.com/hold", "example.com/more"] } };
    await expect(api.patch(coreRef("configmaps", "a"), { type: "merge", body: more })).rejects.toThrow(
      "no new finalizers can be added",
    );
    await expect(api.create(configMapManifest("a"))).rejects.toThrow(
      'object is being deleted: configmaps "a" already exists',
    );
    await api.patch(coreRef("configmaps", "a"), { type: "merge", body: { metadata: { finalizers: null } } });
    await expect(api.get(coreRef("configmaps", "a"))).rejects.toMatchObject({ code: 404 });
  });

  test("count the changes of their specification, not of their labels or status", async () => {
    await api.create(deploymentManifest("web"));
    const ref = { group: "apps", resource: "deployments", namespace: "default", name: "web" };
    await api.patch(ref, { type: "merge", body: { metadata: { labels: { a: "b" } } } });
    await api.patch(ref, { type: "merge", body: { status: { replicas: 1 } }, subresource: "status" });
    expect((await api.get(ref)).metadata.generation).toBe(1);
    const scaled = await api.patch(ref, { type: "merge", body: { spec: { replicas: 3 }, status: { replicas: 9 } } });
    expect(scaled.metadata.generation).toBe(2);
    expect(at(scaled, "status", "replicas")).toBe(1);
  });

  test("are told to a watcher from the first to the last", async () => {
    const heard: string[] = [];
    await api.create(configMapManifest("a"));
    const listener = ({ type, object }: WatchEvent) => heard.push(`${type} ${object.metadata.name}`);
    const stop = api.watch({ group: "", resource: "configmaps", namespace: "default" }, listener);
    await api.create(configMapManifest("b"));
    await api.patch(coreRef("configmaps", "b"), { type: "merge", body: { data: { k: "1" } } });
    await api.delete(coreRef("configmaps", "a"));
    stop();
    await api.delete(coreRef("configmaps", "b"));
    expect(heard).toEqual(["ADDED a", "ADDED b", "MODIFIED b", "DELETED a"]);
  });

  test("that leave a watcher's selection are gone for it", async () => {
    const heard: string[] = [];
    api.watch({ group: "", resource: "pods" }, ({ type, object }) => heard.push(`${type} ${object.metadata.name}`), {
      labelSelector: "role=web",
    });
    await api.create(podManifest("a", { labels: { role: "web" } }));
    await api.patch(coreRef("pods", "a"), { type: "merge", body: { metadata: { labels: { role: "db" } } } });
    await api.patch(coreRef("pods", "a"), { type: "merge", body: { metadata: { labels: { role: "web" } } } });
    expect(heard).toEqual(["ADDED a", "DELETED a", "ADDED a"]);
  });

  test("in a namespace that does not exist are refused", async () => {
    const manifest = configMapManifest("a");
    manifest.metadata.namespace = "nowhere";
    await expect(api.create(manifest)).rejects.toThrow('namespaces "nowhere" not found');
  });

  test("of the events group are the core events under other names", async () => {
    await api.create({
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { name: "e", namespace: "default" },
      regarding: { kind: "Pod", name: "a", namespace: "default" },
      reason: "Started",
      note: "Started container app",
      type: "Normal",
      action: "Start",
      reportingController: "kubelet",
      reportingInstance: "node-1",
      eventTime: "2026-11-20T12:00:00.000000Z",
    });
    const core = await api.list({ group: "", resource: "events" }, { fieldSelector: "involvedObject.name=a" });
    expect(core.objects.map((event) => event.message)).toEqual(["Started container app"]);
    const newer = await api.get({ group: "events.k8s.io", resource: "events", namespace: "default", name: "e" });
    expect(newer).toMatchObject({
      apiVersion: "events.k8s.io/v1",
      note: "Started container app",
      regarding: { name: "a" },
    });
  });

  test("of kind Service get an address in the cluster, and node ports when they ask for them", async () => {
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "default" } };
    const created = await api.create({ ...service, spec: { type: "NodePort", ports: [{ port: 80 }] } });
    expect(at(created, "spec", "clusterIP")).toMatch(/^10\.100\.\d+\.\d+$/);
    const [port] = objectsAt(created, "spec", "ports");
    expect(port).toMatchObject({ protocol: "TCP", targetPort: 80 });
    expect(Number(port?.nodePort)).toBeGreaterThanOrEqual(30_000);
  });

  test("survive the loss of their events only: these expire after an hour", async () => {
    const event = { apiVersion: "v1", kind: "Event", metadata: { name: "e", namespace: "default" } };
    await api.create({ ...event, reason: "Old", lastTimestamp: "2026-11-20T12:00:00Z" });
    cluster.clock.advance(62 * 60_000);
    expect((await api.list({ group: "", resource: "events" })).objects).toEqual([]);
  });
});
