import { describe, expect, test } from "vitest";
import { shapeBinding, shapeNode, shapePod } from "./shapes.ts";

const problemOf = (value: unknown) => {
  const shaped = shapePod(value);
  return shaped.ok ? "" : shaped.problem;
};

describe("a pod in an admission request", () => {
  test.each<[string, unknown]>([
    ["nothing but an object", {}],
    ["nulls everywhere", { metadata: null, spec: null }],
    ["null maps", { metadata: { labels: null, annotations: null }, spec: { nodeSelector: null, containers: null } }],
    ["null resources", { spec: { containers: [{ resources: null }, { resources: { limits: null } }] } }],
    ["quantities of both kinds", { spec: { containers: [{ resources: { limits: { cpu: 1, memory: "1Gi" } } }] } }],
    ["fields that nobody looks at", { spec: { volumes: 7 }, status: "x" }],
  ])("may have %s", (_, value) => {
    expect(shapePod(value)).toEqual({ ok: true, object: value });
  });

  test.each<[unknown, string]>([
    [undefined, "the object is missing"],
    [null, "the object is missing"],
    ["pod", "the object is missing"],
    [[], "the object is missing"],
    [{ metadata: "x" }, "metadata must be an object"],
    [{ metadata: { labels: "role=db" } }, "metadata.labels must be a map of texts"],
    [{ metadata: { labels: ["db"] } }, "metadata.labels must be a map of texts"],
    [{ metadata: { labels: { role: 1 } } }, "metadata.labels must be a map of texts"],
    [{ metadata: { annotations: { a: null } } }, "metadata.annotations must be a map of texts"],
    [{ metadata: { namespace: 1 } }, "metadata.namespace must be a text"],
    [{ spec: [] }, "spec must be an object"],
    [{ spec: { hostNetwork: "true" } }, "spec.hostNetwork must be true or false"],
    [{ spec: { serviceAccountName: {} } }, "spec.serviceAccountName must be a text"],
    [{ spec: { nodeSelector: 1 } }, "spec.nodeSelector must be a map of texts"],
    [{ spec: { os: "windows" } }, "spec.os must be an object"],
    [{ spec: { containers: { name: "a" } } }, "spec.containers must be a list"],
    [{ spec: { containers: [null] } }, "spec.containers[0] must be an object"],
    [{ spec: { containers: [{}, "b"] } }, "spec.containers[1] must be an object"],
    [{ spec: { containers: [{ resources: [] }] } }, "spec.containers[0].resources must be an object"],
    [
      { spec: { containers: [{ resources: { limits: { cpu: {} } } }] } },
      "spec.containers[0].resources.limits must be a map of quantities",
    ],
  ])("%j is refused with the field's name", (value, problem) => {
    expect(problemOf(value)).toBe(problem);
  });
});

test("nodes and bindings are looked at for their labels and annotations", () => {
  expect(shapeNode({ metadata: { labels: {} }, spec: 1 }).ok).toBe(true);
  expect(shapeNode({ metadata: { labels: 1 } })).toEqual({
    ok: false,
    problem: "metadata.labels must be a map of texts",
  });
  expect(shapeBinding({ metadata: { annotations: "x" } }).ok).toBe(false);
});
