import { beforeEach, describe, expect, test } from "vitest";
import type { ApiAccess, KubernetesObject } from "../../ports.ts";
import { at, objectsAt } from "../json.ts";
import { coreRef, deploymentManifest, testCluster } from "../testing.ts";

const ref = { group: "apps", resource: "deployments", namespace: "default", name: "web" };

function config(spec: object = {}): KubernetesObject {
  return deploymentManifest("web", spec);
}

describe("server-side apply", () => {
  let api: ApiAccess;
  beforeEach(async () => {
    ({ api } = await testCluster());
  });
  const apply = (manager: string, body: unknown, force = false) =>
    api.patch(ref, { type: "apply", body, fieldManager: manager, force });

  test("creates what is absent and records its manager", async () => {
    const created = await apply("one", config({ replicas: 2 }));
    expect(at(created, "spec", "replicas")).toBe(2);
    expect(created.metadata.managedFields?.map(({ manager, operation }) => [manager, operation])).toEqual([
      ["one", "Apply"],
    ]);
  });

  test("changes nothing, not even the version, when applied again", async () => {
    const first = await apply("one", config({ replicas: 2 }));
    const second = await apply("one", config({ replicas: 2 }));
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test("refuses a field that another manager set to another value, and says whose it is", async () => {
    await apply("one", config({ replicas: 2 }));
    const refused = apply("two", config({ replicas: 3 }));
    await expect(refused).rejects.toThrow('Apply failed with 1 conflict: conflict with "one": .spec.replicas');
    await expect(refused).rejects.toMatchObject({ code: 409 });
  });

  test("takes the field by force, and the other manager no longer owns it", async () => {
    await apply("one", config({ replicas: 2 }));
    await apply("two", config({ replicas: 3 }), true);
    const kept = await apply("one", config());
    expect(at(kept, "spec", "replicas")).toBe(3);
  });

  test("removes what its manager no longer applies, and only that", async () => {
    const labelled = config();
    labelled.metadata.labels = { a: "1", b: "2" };
    await apply("one", labelled);
    const unlabelled = config();
    unlabelled.metadata.labels = { a: "1" };
    const after = await apply("one", unlabelled);
    expect(after.metadata.labels).toEqual({ a: "1" });
  });

  test("merges containers by name, so that two managers can own one each", async () => {
    await apply("one", config());
    const sidecar = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      spec: { template: { spec: { containers: [{ name: "sidecar", image: "envoy:1" }] } } },
    };
    const after = await apply("two", sidecar);
    expect(objectsAt(after, "spec", "template", "spec", "containers").map(({ name }) => name)).toEqual([
      "app",
      "sidecar",
    ]);
  });

  test("finds a service's port by its default protocol too", async () => {
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "default" } };
    await api.create({ ...service, spec: { ports: [{ port: 80, targetPort: 8080 }] } });
    const body = { ...service, spec: { ports: [{ port: 80, targetPort: 9090 }] } };
    const after = await api.patch(coreRef("services", "web"), { type: "apply", body, fieldManager: "one" });
    expect(objectsAt(after, "spec", "ports")).toEqual([{ port: 80, targetPort: 9090, protocol: "TCP" }]);
  });

  test("needs the name of a manager and an object of the same name", async () => {
    await expect(api.patch(ref, { type: "apply", body: config() })).rejects.toThrow("fieldManager: Required value");
    await expect(
      api.patch(coreRef("configmaps", "x"), {
        type: "apply",
        fieldManager: "one",
        body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "y" } },
      }),
    ).rejects.toThrow("name in URL does not match");
  });
});
