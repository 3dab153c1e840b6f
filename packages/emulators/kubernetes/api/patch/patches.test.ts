import { describe, expect, test } from "vitest";
import type { StatusError } from "../../ports.ts";
import { jsonPatch } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";

describe("a merge patch", () => {
  test.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("of %j with %j is %j, as RFC 7396 says", (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });
});

describe("a JSON patch", () => {
  const pod = { metadata: { uid: "1", annotations: { a: "b" } } };

  test("applies its operations in order and leaves the target alone", () => {
    const patch = [
      { op: "test", path: "/metadata/uid", value: "1" },
      { op: "add", path: "/metadata/annotations/vpc.amazonaws.com~1pod-eni", value: "[]" },
      { op: "remove", path: "/metadata/annotations/a" },
    ];
    expect(jsonPatch(pod, patch)).toEqual({
      metadata: { uid: "1", annotations: { "vpc.amazonaws.com/pod-eni": "[]" } },
    });
    expect(pod.metadata.annotations).toEqual({ a: "b" });
  });

  test("is refused with 422 when a test fails or a path is missing", () => {
    const codes = [
      [{ op: "test", path: "/metadata/uid", value: "2" }],
      [{ op: "remove", path: "/metadata/labels/x" }],
      [{ op: "add", path: "/spec/a/b", value: 1 }],
    ].map((patch) => {
      try {
        jsonPatch(pod, patch);
        return 200;
      } catch (error) {
        return (error as StatusError).code;
      }
    });
    expect(codes).toEqual([422, 422, 422]);
  });

  test("is refused with 400 when it is no list of operations, and with 413 when it is too long", () => {
    expect(() => jsonPatch(pod, { op: "add" })).toThrow("cannot unmarshal");
    const endless = Array.from({ length: 10_001 }, () => ({ op: "test", path: "/metadata/uid", value: "1" }));
    expect(() => jsonPatch(pod, endless)).toThrow("allowed maximum operations");
  });
});
