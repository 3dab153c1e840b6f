import { beforeEach, expect, test } from "vitest";
import type { ApiAccess, KubernetesObject } from "../../ports.ts";
import { at } from "../json.ts";
import { testCluster } from "../testing.ts";

const POD_ENI = "vpc.amazonaws.com/pod-eni";
const NODE = { group: "", resource: "nodes", name: "n" };

let api: ApiAccess;
beforeEach(async () => {
  ({ api } = await testCluster());
});

function node(status: object = {}): KubernetesObject {
  return { apiVersion: "v1", kind: "Node", metadata: { name: "n" }, status };
}

const setStatus = (status: object) => api.patch(NODE, { type: "merge", body: { status }, subresource: "status" });

test.each(["capacity", "allocatable"])("the %s of an extended resource is whole and not negative", async (list) => {
  await api.create(node());
  const refused = setStatus({ [list]: { [POD_ENI]: "1.5" } });
  await expect(refused).rejects.toThrow(`status.${list}.${POD_ENI}: Invalid value: "1500m": must be an integer`);
  await expect(refused).rejects.toMatchObject({ code: 422 });
  await expect(setStatus({ [list]: { [POD_ENI]: "-1" } })).rejects.toThrow("must be greater than or equal to 0");
  expect(at(await setStatus({ [list]: { [POD_ENI]: "9" } }), "status", list, POD_ENI)).toBe("9");
});

test("pods are counted in whole numbers, processors need not be", async () => {
  await expect(api.create(node({ capacity: { pods: "1500m" } }))).rejects.toThrow("must be an integer");
  expect(at(await api.create(node({ capacity: { cpu: "1930m" } })), "status", "capacity", "cpu")).toBe("1930m");
});

test("a quantity that is none cannot be read", async () => {
  await api.create(node());
  const refused = setStatus({ capacity: { [POD_ENI]: "nine" } });
  await expect(refused).rejects.toMatchObject({ code: 400, reason: "BadRequest" });
  await expect(refused).rejects.toThrow("quantities must match the regular expression");
});

test("metadata changes by way of the status too", async () => {
  await api.create(node());
  const metadata = { labels: { a: "b" }, finalizers: ["example.com/hold"] };
  const changed = await api.patch(NODE, { type: "merge", body: { metadata }, subresource: "status" });
  expect(changed.metadata).toMatchObject(metadata);
});
