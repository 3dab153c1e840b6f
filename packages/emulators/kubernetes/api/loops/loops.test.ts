import { beforeEach, describe, expect, test } from "vitest";
import type { ApiAccess, KubernetesObject } from "../../ports.ts";
import { at, objectsAt } from "../json.ts";
import {
  configMapManifest,
  coreRef,
  deploymentManifest,
  podManifest,
  type TestCluster,
  testCluster,
  until,
  widget,
  widgetDefinition,
} from "../testing.ts";

function owned(manifest: KubernetesObject, owner: KubernetesObject, block = false): KubernetesObject {
  const { name = "", uid = "" } = owner.metadata;
  const reference = { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true };
  manifest.metadata.ownerReferences = [{ ...reference, ...(block ? { blockOwnerDeletion: true } : {}) }];
  return manifest;
}

let cluster: TestCluster;
let api: ApiAccess;
beforeEach(async () => {
  cluster = await testCluster();
  api = cluster.api;
});

function exists(resource: string, name: string, namespace = "default"): boolean {
  return cluster.model.state.store.get(`/${resource}`, namespace, name) !== undefined;
}

describe("garbage collection", () => {
  test("deletes what an owner leaves behind", async () => {
    const owner = await api.create(configMapManifest("owner"));
    await api.create(owned(podManifest("a"), owner));
    await api.delete(coreRef("configmaps", "owner"));
    await until(() => !exists("pods", "a"));
  });

  test("deletes what is created for an owner that is gone", async () => {
    const owner = await api.create(configMapManifest("owner"));
    await api.delete(coreRef("configmaps", "owner"));
    await api.create(owned(podManifest("a"), owner));
    await until(() => !exists("pods", "a"));
  });

  test("spares what has another owner, and forgets the one that is gone", async () => {
    const [one, two] = [await api.create(configMapManifest("one")), await api.create(configMapManifest("two"))];
    const pod = owned(podManifest("a"), one);
    pod.metadata.ownerReferences?.push({
      apiVersion: "v1",
      kind: "ConfigMap",
      name: "two",
      uid: two.metadata.uid ?? "",
    });
    await api.create(pod);
    await api.delete(coreRef("configmaps", "one"));
    await until(async () => (await api.get(coreRef("pods", "a"))).metadata.ownerReferences?.length === 1);
    expect((await api.get(coreRef("pods", "a"))).metadata.ownerReferences).toMatchObject([{ name: "two" }]);
  });

  test("keeps an owner in the foreground until its dependents are gone", async () => {
    const owner = await api.create(configMapManifest("owner"));
    const held = owned(configMapManifest("held"), owner, true);
    held.metadata.finalizers = ["example.com/hold"];
    await api.create(held);
    await api.delete(coreRef("configmaps", "owner"), { propagationPolicy: "Foreground" });
    await until(async () => (await api.get(coreRef("configmaps", "held"))).metadata.deletionTimestamp !== undefined);
    expect(exists("configmaps", "owner")).toBe(true);
    await api.patch(coreRef("configmaps", "held"), { type: "merge", body: { metadata: { finalizers: null } } });
    await until(() => !exists("configmaps", "held") && !exists("configmaps", "owner"));
  });

  test("lets dependents go when they are to be orphaned", async () => {
    const owner = await api.create(configMapManifest("owner"));
    await api.create(owned(podManifest("a"), owner));
    await api.delete(coreRef("configmaps", "owner"), { propagationPolicy: "Orphan" });
    await until(() => !exists("configmaps", "owner"));
    expect((await api.get(coreRef("pods", "a"))).metadata.ownerReferences).toBeUndefined();
  });
});

describe("namespaces", () => {
  const namespace: KubernetesObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: "demo" } };
  const inDemo = (manifest: KubernetesObject) => {
    manifest.metadata.namespace = "demo";
    return manifest;
  };

  test("have a service account from the start, also when somebody deletes it", async () => {
    await api.create(namespace);
    await until(() => exists("serviceaccounts", "default", "demo"));
    await api.delete({ group: "", resource: "serviceaccounts", namespace: "demo", name: "default" });
    await until(() => exists("serviceaccounts", "default", "demo"));
  });

  test("are emptied before they go, and take nothing new meanwhile", async () => {
    await api.create(namespace);
    await api.create(inDemo(deploymentManifest("web")));
    await api.create(inDemo(podManifest("a", { spec: { nodeName: "n1" } })));
    await api.delete({ group: "", resource: "namespaces", name: "demo" });
    await until(
      async () => (await api.list({ group: "apps", resource: "deployments", namespace: "demo" })).objects.length === 0,
    );
    expect(at(await api.get({ group: "", resource: "namespaces", name: "demo" }), "status", "phase")).toBe(
      "Terminating",
    );
    await expect(api.create(inDemo(configMapManifest("late")))).rejects.toThrow(
      "unable to create new content in namespace demo because it is being terminated",
    );
    await api.delete({ group: "", resource: "pods", namespace: "demo", name: "a" }, { gracePeriodSeconds: 0 });
    await until(() => cluster.model.state.store.get("/namespaces", undefined, "demo") === undefined);
  });

  test("that a cluster needs cannot be deleted", async () => {
    await expect(api.delete({ group: "", resource: "namespaces", name: "kube-system" })).rejects.toThrow(
      'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    );
  });
});

describe("custom types", () => {
  const ref = { group: "example.com", resource: "widgets", namespace: "default", name: "w" };
  const definitionRef = {
    group: "apiextensions.k8s.io",
    resource: "customresourcedefinitions",
    name: "widgets.example.com",
  };

  test("are served as soon as they are defined, and established", async () => {
    await api.create(widgetDefinition());
    await api.create(widget("w", { size: 1 }));
    await until(async () => objectsAt(await api.get(definitionRef), "status", "conditions").length === 2);
    expect(objectsAt(await api.get(definitionRef), "status", "conditions")).toMatchObject([
      { type: "NamesAccepted", status: "True" },
      { type: "Established", status: "True" },
    ]);
  });

  test("take their defaults, drop unknown fields and refuse what breaks their schema", async () => {
    const spec = {
      type: "object",
      required: ["groups"],
      properties: {
        groups: { type: "array", minItems: 1, items: { type: "string", pattern: "^sg-" } },
        size: { type: "integer", default: 3, minimum: 1 },
      },
    };
    await api.create(widgetDefinition(spec));
    const created = await api.create(widget("w", { groups: ["sg-1"], colour: "red" }));
    expect(created.spec).toEqual({ groups: ["sg-1"], size: 3 });
    await expect(api.create(widget("x", { groups: [] }))).rejects.toThrow(
      'Widget.example.com "x" is invalid: spec.groups: Invalid value: 0: spec.groups in body should have at least 1 items',
    );
    await expect(api.create(widget("x", { groups: ["eni-1"] }))).rejects.toThrow("should match '^sg-'");
    await expect(api.create(widget("x", { groups: ["sg-1"], size: "big" }))).rejects.toThrow(
      'spec.size: Invalid value: "big": spec.size in body must be of type integer: "big"',
    );
    await expect(api.create(widget("x", {}))).rejects.toThrow("spec.groups: Required value");
  });

  test("keep status and specification apart, and scale by their paths", async () => {
    await api.create(widgetDefinition());
    await api.create(widget("w", { replicas: 2 }));
    const status = await api.patch(ref, {
      type: "merge",
      body: { spec: { replicas: 9 }, status: { replicas: 1 } },
      subresource: "status",
    });
    expect(status).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 1 }, metadata: { generation: 1 } });
    const scale = await api.patch(ref, { type: "merge", body: { spec: { replicas: 5 } }, subresource: "scale" });
    expect(scale).toMatchObject({ kind: "Scale", spec: { replicas: 5 }, status: { replicas: 1 } });
    expect((await api.get(ref)).spec).toEqual({ replicas: 5 });
  });

  test("do not take strategic patches", async () => {
    await api.create(widgetDefinition());
    await api.create(widget("w", {}));
    await expect(api.patch(ref, { type: "strategic", body: {} })).rejects.toMatchObject({ code: 415 });
  });

  test("go with their objects when the definition is deleted", async () => {
    await api.create(widgetDefinition());
    await api.create(widget("w", {}));
    await api.delete(definitionRef);
    await until(() => cluster.model.state.types.byRef(ref) === undefined);
    expect(cluster.model.state.store.list("example.com/widgets")).toEqual([]);
    await expect(api.get(ref)).rejects.toMatchObject({ code: 404 });
  });

  test("must be named after their plural and group", async () => {
    const misnamed = widgetDefinition();
    misnamed.metadata.name = "widget.example.com";
    await expect(api.create(misnamed)).rejects.toThrow('must be spec.names.plural+"."+spec.group');
  });
});
