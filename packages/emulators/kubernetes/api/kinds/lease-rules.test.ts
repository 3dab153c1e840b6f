import { expect, test } from "vitest";
import type { KubernetesObject } from "../../ports.ts";
import { testCluster } from "../testing.ts";

function lease(change: object = {}): KubernetesObject {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "l", namespace: "default" },
    spec: { holderIdentity: "x", leaseDurationSeconds: 15, leaseTransitions: 0, ...change },
  };
}

test.each([
  [{ leaseDurationSeconds: 0 }, "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
  [{ leaseTransitions: -1 }, "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"],
  [{ preferredHolder: "x" }, "spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"],
])("a Lease with %j is invalid", async (change, text) => {
  const { api } = await testCluster();
  const refused = api.create(lease(change));
  await expect(refused).rejects.toThrow(`Lease.coordination.k8s.io "l" is invalid: ${text}`);
  await expect(refused).rejects.toMatchObject({ code: 422, reason: "Invalid" });
});

test("a Lease without a holder, and one that was never renewed, are valid", async () => {
  const { api } = await testCluster();
  const spec = { holderIdentity: "", leaseDurationSeconds: 1 };
  expect((await api.create(lease(spec))).spec).toMatchObject(spec);
});

test.each(["2026-11-20T12:00:00Z", "2026-11-20T12:00:00.000Z", "2026-11-20T12:00:00.0000000Z", "soon"])(
  "a Lease cannot be read with the renewTime %s, which has not six digits after the point",
  async (renewTime) => {
    const { api } = await testCluster();
    const refused = api.create(lease({ renewTime }));
    await expect(refused).rejects.toMatchObject({ code: 400, reason: "BadRequest" });
    await expect(refused).rejects.toThrow(
      `Lease in version "v1" cannot be handled as a Lease: parsing time "${renewTime}" as "2006-01-02T15:04:05.000000Z07:00"`,
    );
  },
);

test("a Lease keeps the microseconds of its times, in UTC", async () => {
  const { api } = await testCluster();
  const times = { acquireTime: "2026-11-20T12:00:00.123456Z", renewTime: "2026-11-20T14:00:01.000007+02:00" };
  expect((await api.create(lease(times))).spec).toMatchObject({
    acquireTime: "2026-11-20T12:00:00.123456Z",
    renewTime: "2026-11-20T12:00:01.000007Z",
  });
});
