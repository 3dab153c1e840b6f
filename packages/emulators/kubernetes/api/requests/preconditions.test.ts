import { beforeEach, describe, expect, test } from "vitest";
import type { ApiAccess, KubernetesObject } from "../../ports.ts";
import { configMapManifest, coreRef, testCluster, widget, widgetDefinition } from "../testing.ts";

const MAP = coreRef("configmaps", "a");

function lease(change: object = {}): KubernetesObject {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "l", namespace: "default" },
    spec: { holderIdentity: "x", leaseDurationSeconds: 15, ...change },
  };
}

/** The object without the version that it was read at. */
function unversioned(object: KubernetesObject): KubernetesObject {
  const { resourceVersion: _version, ...metadata } = object.metadata;
  return { ...object, metadata };
}

describe("a UID that is not the object's", () => {
  let api: ApiAccess;
  let present: KubernetesObject;
  beforeEach(async () => {
    ({ api } = await testCluster());
    present = await api.create(configMapManifest("a"));
  });

  test("makes a patch invalid, because a UID never changes", async () => {
    const refused = api.patch(MAP, { type: "merge", body: { metadata: { uid: "other" }, data: { k: "1" } } });
    await expect(refused).rejects.toThrow(
      'ConfigMap "a" is invalid: metadata.uid: Invalid value: "other": field is immutable',
    );
    await expect(refused).rejects.toMatchObject({
      code: 422,
      reason: "Invalid",
      status: { details: { causes: [{ field: "metadata.uid" }] } },
    });
    expect((await api.get(MAP)).data).toBeUndefined();
  });

  test("comes after a wrong version in the same patch", async () => {
    const body = { metadata: { uid: "other", resourceVersion: "1" } };
    const refused = api.patch(MAP, { type: "merge", body });
    await expect(refused).rejects.toMatchObject({ code: 409, reason: "Conflict" });
    await expect(refused).rejects.toThrow("the object has been modified");
  });

  test("is a precondition of a replacement, and comes before the version", async () => {
    const metadata = { ...present.metadata, uid: "other", resourceVersion: "1" };
    const refused = api.update({ ...present, metadata });
    await expect(refused).rejects.toMatchObject({ code: 409, reason: "Conflict" });
    await expect(refused).rejects.toThrow(
      `Precondition failed: UID in precondition: other, UID in object meta: ${present.metadata.uid}`,
    );
  });

  test("is a precondition of a deletion", async () => {
    const refused = api.delete(MAP, { uid: "other" });
    await expect(refused).rejects.toMatchObject({ code: 409, reason: "Conflict" });
    await expect(refused).rejects.toThrow(
      `the UID in the precondition (other) does not match the UID in record (${present.metadata.uid}). ` +
        "The object might have been deleted and then recreated",
    );
  });

  test("does no harm when it is the object's own, or empty", async () => {
    const own = { metadata: { uid: present.metadata.uid }, data: { k: "1" } };
    expect((await api.patch(MAP, { type: "merge", body: own })).data).toEqual({ k: "1" });
    const empty = { metadata: { uid: "" }, data: { k: "2" } };
    expect((await api.patch(MAP, { type: "merge", body: empty })).data).toEqual({ k: "2" });
  });
});

describe("a replacement without a version", () => {
  test("overwrites config maps, pods and the like whatever happened to them", async () => {
    const { api } = await testCluster();
    const present = await api.create(configMapManifest("a"));
    const replaced = await api.update({ ...unversioned(present), data: { k: "1" } });
    expect(replaced.data).toEqual({ k: "1" });
  });

  test.each([
    ["a Lease", lease(), 'leases.coordination.k8s.io "l"'],
    ["a custom object", widget("w", {}), 'widgets.example.com "w"'],
  ])("is refused for %s", async (_kind, manifest, name) => {
    const { api } = await testCluster();
    await api.create(widgetDefinition());
    const present = await api.create(manifest);
    const refused = api.update(unversioned(present));
    await expect(refused).rejects.toMatchObject({ code: 422, reason: "Invalid" });
    await expect(refused).rejects.toThrow(
      `${name} is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update`,
    );
  });

  test("is refused for a patch that takes the version of a Lease away", async () => {
    const { api } = await testCluster();
    await api.create(lease());
    const ref = { group: "coordination.k8s.io", resource: "leases", namespace: "default", name: "l" };
    const refused = api.patch(ref, { type: "merge", body: { metadata: { resourceVersion: null } } });
    await expect(refused).rejects.toMatchObject({ code: 422 });
  });
});
