import { describe, expect, test } from "vitest";
import { podManifest } from "../testing.ts";
import { parseFieldSelector } from "./field-selector.ts";
import { formatSelector, parseLabelSelector, selectorPredicate } from "./label-selector.ts";

const pods = { group: "", resource: "pods" };

describe("label selectors", () => {
  test.each([
    ["", {}, true],
    ["a=b", { a: "b" }, true],
    ["a==b", { a: "c" }, false],
    ["a!=b", {}, true],
    ["a!=b", { a: "b" }, false],
    ["a in (b, c)", { a: "c" }, true],
    ["a notin (b,c)", { a: "c" }, false],
    ["a notin (b,c)", {}, true],
    ["a", { a: "" }, true],
    ["!a", { a: "" }, false],
    ["example.com/a=b,!c", { "example.com/a": "b" }, true],
    ["a in (b,c),d=e", { a: "b", d: "f" }, false],
    ["a=", { a: "" }, true],
  ])("%s of %j is %s", (selector, labels, chosen) => {
    expect(parseLabelSelector(selector)(labels)).toBe(chosen);
  });

  test("a malformed one is refused", () => {
    expect(() => parseLabelSelector("a in b")).toThrow("unable to parse requirement");
  });

  test("an absent selector object chooses nothing and an empty one everything", () => {
    expect(selectorPredicate(undefined)({ a: "b" })).toBe(false);
    expect(selectorPredicate({})({ a: "b" })).toBe(true);
  });

  test("an operator that does not exist chooses nothing", () => {
    expect(selectorPredicate({ matchExpressions: [{ key: "a", operator: "Like", values: ["b"] }] })({ a: "b" })).toBe(
      false,
    );
  });

  test("a selector object is shown as kubectl shows it", () => {
    const matchExpressions = [
      { key: "tier", operator: "In", values: ["b", "a"] },
      { key: "old", operator: "DoesNotExist" },
    ];
    expect(formatSelector({ matchLabels: { app: "x" }, matchExpressions })).toBe("app=x,tier in (a,b),!old");
    expect(formatSelector({})).toBe("<none>");
  });
});

describe("field selectors", () => {
  const pod = podManifest("a", { spec: { nodeName: "n1" } });

  test.each([
    ["metadata.name=a", true],
    ["metadata.name!=a", false],
    ["spec.nodeName=n1,metadata.namespace=default", true],
    ["spec.nodeName=", false],
    ["status.phase!=Running", true],
    ["spec.hostNetwork=false", true],
  ])("%s is %s", (selector, chosen) => {
    expect(parseFieldSelector(selector, pods)(pod)).toBe(chosen);
  });

  test("a field that the type does not offer is refused with the API server's text", () => {
    expect(() => parseFieldSelector("spec.image=x", pods)).toThrow("field label not supported: spec.image");
  });
});
