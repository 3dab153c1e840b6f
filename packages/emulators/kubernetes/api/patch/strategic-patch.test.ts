import { describe, expect, test } from "vitest";
import { modelSchema } from "../schema/builtin-schema.ts";
import { strategicPatch } from "./strategic-patch.ts";

const pod = modelSchema("V1Pod");
const deployment = modelSchema("V1Deployment");

function podOf(containers: object[], rest: object = {}) {
  return { metadata: { name: "p" }, spec: { containers, ...rest } };
}

describe("a strategic merge patch", () => {
  test("merges containers by name and their variables by name, new ones first", () => {
    const before = podOf([
      { name: "a", image: "x", env: [{ name: "A", value: "1" }] },
      { name: "b", image: "y" },
    ]);
    const patch = { spec: { containers: [{ name: "a", env: [{ name: "B", value: "2" }] }] } };
    expect(strategicPatch(before, patch, pod)).toEqual(
      podOf([
        {
          name: "a",
          image: "x",
          env: [
            { name: "B", value: "2" },
            { name: "A", value: "1" },
          ],
        },
        { name: "b", image: "y" },
      ]),
    );
  });

  test("takes out the entry that a directive names", () => {
    const before = podOf([{ name: "a" }, { name: "b" }]);
    const patch = { spec: { containers: [{ $patch: "delete", name: "a" }] } };
    expect(strategicPatch(before, patch, pod)).toEqual(podOf([{ name: "b" }]));
  });

  test("replaces a list when a directive says so", () => {
    const before = podOf([{ name: "a" }, { name: "b" }]);
    const patch = { spec: { containers: [{ name: "c" }, { $patch: "replace" }] } };
    expect(strategicPatch(before, patch, pod)).toEqual(podOf([{ name: "c" }]));
  });

  test("orders entries as the patch says and leaves the server's own between their neighbours", () => {
    const before = podOf([{ name: "a" }, { name: "injected" }, { name: "b" }]);
    const patch = {
      spec: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }], containers: [{ name: "a", image: "x" }] },
    };
    const after = strategicPatch(before, patch, pod) as { spec: { containers: { name: string }[] } };
    expect(after.spec.containers.map(({ name }) => name)).toEqual(["injected", "b", "a"]);
  });

  test("takes values out of a list of values", () => {
    const before = { metadata: { finalizers: ["x/a", "x/b"] } };
    const patch = { metadata: { "$deleteFromPrimitiveList/finalizers": ["x/a"] } };
    expect(strategicPatch(before, patch, pod)).toEqual({ metadata: { finalizers: ["x/b"] } });
  });

  test("adds finalizers to those that are there, where a merge patch would replace them", () => {
    const before = { metadata: { finalizers: ["x/a"] } };
    expect(strategicPatch(before, { metadata: { finalizers: ["x/b"] } }, pod)).toEqual({
      metadata: { finalizers: ["x/b", "x/a"] },
    });
  });

  test("drops what $retainKeys does not name, as a change of strategy does", () => {
    const before = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
    expect(strategicPatch(before, patch, deployment)).toEqual({ spec: { strategy: { type: "Recreate" } } });
  });

  test("replaces lists without a merge key as a whole", () => {
    const before = podOf([], { tolerations: [{ key: "a" }] });
    const patch = { spec: { tolerations: [{ key: "b" }] } };
    expect(strategicPatch(before, patch, pod)).toEqual(podOf([], { tolerations: [{ key: "b" }] }));
  });

  test("removes fields by null and does not keep nulls of new fields", () => {
    const before = { metadata: { labels: { a: "1", b: "2" } } };
    const patch = { metadata: { labels: { a: null, c: "3" }, annotations: { d: null } } };
    expect(strategicPatch(before, patch, pod)).toEqual({ metadata: { labels: { b: "2", c: "3" }, annotations: {} } });
  });

  test("merges conditions by type", () => {
    const before = { status: { conditions: [{ type: "Ready", status: "False", reason: "x" }] } };
    const patch = { status: { conditions: [{ type: "Ready", status: "True" }] } };
    expect(strategicPatch(before, patch, pod)).toEqual({
      status: { conditions: [{ type: "Ready", status: "True", reason: "x" }] },
    });
  });

  test("is refused when an entry lacks the merge key, or when a directive does not exist", () => {
    expect(() => strategicPatch(podOf([]), { spec: { containers: [{ image: "x" }] } }, pod)).toThrow("merge key");
    expect(() => strategicPatch(podOf([]), { spec: { $patch: "mix" } }, pod)).toThrow("unknown patch type");
  });

  test("leaves its arguments alone", () => {
    const before = podOf([{ name: "a", env: [{ name: "A", value: "1" }] }]);
    const copyOfBefore = structuredClone(before);
    strategicPatch(before, { spec: { containers: [{ name: "a", env: [{ name: "A", value: "2" }] }] } }, pod);
    expect(before).toEqual(copyOfBefore);
  });
});
