import { describe, expect, test } from "vitest";
import type { LabelSelector, LabelSelectorRequirement, StringMap } from "./objects.ts";
import { compileSelector } from "./selectors.ts";

const matches = (selector: LabelSelector, labels: StringMap): boolean | string => {
  const compiled = compileSelector(selector);
  return compiled.ok ? compiled.matches(labels) : compiled.problem;
};

const expression = (key: string, operator: string, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 ? { values } : {}) } as LabelSelectorRequirement],
});

describe("K23: a selector matches as Kubernetes matches", () => {
  test.each<[string, LabelSelector, StringMap, boolean]>([
    ["an empty selector matches everything", {}, { role: "db" }, true],
    ["an empty selector matches no labels", {}, {}, true],
    ["null lists are empty", { matchLabels: null, matchExpressions: null }, {}, true],
    ["matchLabels wants the value", { matchLabels: { role: "db" } }, { role: "db" }, true],
    ["matchLabels refuses another value", { matchLabels: { role: "db" } }, { role: "web" }, false],
    ["matchLabels refuses a missing key", { matchLabels: { role: "db" } }, {}, false],
    ["all of matchLabels must hold", { matchLabels: { role: "db", tier: "a" } }, { role: "db" }, false],
    ["In takes one of its values", expression("role", "In", "db", "web"), { role: "web" }, true],
    ["In refuses others", expression("role", "In", "db", "web"), { role: "ui" }, false],
    ["In refuses a missing key", expression("role", "In", "db"), {}, false],
    ["NotIn refuses its values", expression("role", "NotIn", "db"), { role: "db" }, false],
    ["NotIn takes others", expression("role", "NotIn", "db"), { role: "web" }, true],
    ["NotIn takes a missing key", expression("role", "NotIn", "db"), {}, true],
    ["Exists takes any value", expression("role", "Exists"), { role: "" }, true],
    ["Exists refuses a missing key", expression("role", "Exists"), {}, false],
    ["Exists does not take what every object inherits", expression("constructor", "Exists"), {}, false],
    ["DoesNotExist takes a missing key", expression("role", "DoesNotExist"), {}, true],
    ["DoesNotExist refuses a key", expression("role", "DoesNotExist"), { role: "db" }, false],
    ["In refuses another case", expression("role", "In", "DB"), { role: "db" }, false],
    ["In takes the empty value", expression("role", "In", ""), { role: "" }, true],
    ["NotIn refuses the empty value", expression("role", "NotIn", ""), { role: "" }, false],
    ["NotIn takes what every object inherits", expression("toString", "NotIn", "x"), {}, true],
    ["matchLabels does not take what every object inherits", { matchLabels: { valueOf: "x" } }, {}, false],
    [
      "a key named like the prototype is a key",
      JSON.parse('{"matchExpressions":[{"key":"a.b/constructor","operator":"In","values":["x"]}]}'),
      { "a.b/constructor": "x" },
      true,
    ],
    [
      "all expressions must hold",
      { matchExpressions: [...(expression("a", "Exists").matchExpressions ?? []), { key: "b", operator: "Exists" }] },
      { a: "" },
      false,
    ],
    [
      "In and NotIn of one key",
      {
        matchExpressions: [
          { key: "role", operator: "In", values: ["db", "web"] },
          { key: "role", operator: "NotIn", values: ["web"] },
        ],
      },
      { role: "web" },
      false,
    ],
    ["a key with a prefix is not the key without", { matchLabels: { "a.b/role": "db" } }, { role: "db" }, false],
    ["an empty value is a value", { matchLabels: { role: "" } }, { role: "" }, true],
    [
      "labels and expressions must both hold",
      { matchLabels: { role: "db" }, ...expression("tier", "Exists") },
      { role: "db" },
      false,
    ],
    [
      "keys may have a prefix",
      { matchLabels: { "app.kubernetes.io/name": "a" } },
      { "app.kubernetes.io/name": "a" },
      true,
    ],
  ])("%s", (_, selector, labels, expected) => {
    expect(matches(selector, labels)).toBe(expected);
  });
});

describe("K24: an invalid selector is reported", () => {
  test.each<[string, LabelSelector, RegExp]>([
    ["In without values", expression("role", "In"), /In needs at least one value/],
    ["NotIn without values", expression("role", "NotIn"), /NotIn needs at least one value/],
    ["Exists with values", expression("role", "Exists", "x"), /Exists takes no values/],
    ["DoesNotExist with values", expression("role", "DoesNotExist", "x"), /DoesNotExist takes no values/],
    ["an unknown operator", expression("role", "Gt", "1"), /"Gt" is not a label selector operator/],
    ["a missing key", { matchExpressions: [{ operator: "Exists" }] }, /"" is not a label key/],
    ["a key with a space", { matchLabels: { "my role": "db" } }, /"my role" is not a label key/],
    ["an operator in another case", expression("role", "in", "db"), /"in" is not a label selector operator/],
    ["a missing operator", { matchExpressions: [{ key: "role" }] }, /undefined is not a label selector operator/],
    ["a key with two slashes", { matchLabels: { "a/b/c": "d" } }, /is not a label key/],
    ["a key with an empty prefix", { matchLabels: { "/c": "d" } }, /is not a label key/],
    ["a key with an empty name", { matchLabels: { "a.b/": "d" } }, /is not a label key/],
    ["a name that is too long", { matchLabels: { ["x".repeat(64)]: "d" } }, /is not a label key/],
    ["a prefix that is too long", { matchLabels: { [`${"x".repeat(254)}/a`]: "d" } }, /is not a label key/],
    ["the prototype as a key", JSON.parse('{"matchLabels":{"__proto__":"x"}}'), /"__proto__" is not a label key/],
    ["a value that ends with a dash", expression("role", "In", "db-"), /"db-" is not a label value/],
    ["a value that is no text", { matchLabels: { role: 1 as never } }, /1 is not a label value/],
    ["a key with a wrong prefix", { matchLabels: { "A_B/c": "db" } }, /is not a label key/],
    ["a value with a space", { matchLabels: { role: "my db" } }, /"my db" is not a label value/],
    ["a value that is too long", { matchLabels: { role: "x".repeat(64) } }, /is not a label value/],
  ])("%s", (_, selector, problem) => {
    expect(matches(selector, {})).toMatch(problem);
  });
});
