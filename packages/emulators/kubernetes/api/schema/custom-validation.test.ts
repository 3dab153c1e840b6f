import { describe, expect, test } from "vitest";
import { validateCustom } from "./custom-validation.ts";

/** What is wrong with `spec` under the schema. */
function problems(spec: unknown, schema: object): string[] {
  return validateCustom({ spec }, { type: "object", properties: { spec: schema } }).map(
    ({ field, text }) => `${field}: ${text}`,
  );
}

describe("a structural schema", () => {
  test.each([
    ["x", { type: "string", enum: ["a", "b"] }, 'spec: Unsupported value: "x": supported values: "a", "b"'],
    ["", { type: "string", minLength: 1 }, 'spec: Invalid value: "": spec in body should be at least 1 chars long'],
    [
      "abc",
      { type: "string", maxLength: 2 },
      'spec: Invalid value: "abc": spec in body should be at most 2 chars long',
    ],
    [0, { type: "integer", minimum: 1 }, "spec: Invalid value: 0: spec in body should be greater than or equal to 1"],
    [9, { type: "integer", maximum: 8 }, "spec: Invalid value: 9: spec in body should be less than or equal to 8"],
    [1.5, { type: "integer" }, 'spec: Invalid value: "number": spec in body must be of type integer: "number"'],
    [[1, 2, 3], { type: "array", maxItems: 2 }, "spec: Too many: 3: must have at most 2 items"],
    [["a", "a"], { type: "array", "x-kubernetes-list-type": "set" }, 'spec[1]: Duplicate value: "a"'],
    [{}, { type: "object", required: ["a"] }, "spec.a: Required value"],
    [
      { a: 1 },
      { type: "object", additionalProperties: { type: "string" } },
      'spec.a: Invalid value: "integer": spec.a in body must be of type string: "integer"',
    ],
    [null, { type: "string" }, 'spec: Invalid value: "null": spec in body must be of type string: "null"'],
    [
      true,
      { "x-kubernetes-int-or-string": true },
      'spec: Invalid value: "boolean": spec in body must be of type integer,string: "boolean"',
    ],
    [
      "c",
      { anyOf: [{ enum: ["a"] }, { enum: ["b"] }] },
      'spec: Invalid value: "c": "spec" must validate at least one schema (anyOf)',
    ],
    [
      "soon",
      { type: "string", format: "date-time" },
      'spec: Invalid value: "soon": spec in body must be of type date-time: "soon"',
    ],
  ])("refuses %j under %j", (spec, schema, problem) => {
    expect(problems(spec, schema)).toEqual([problem]);
  });

  test.each([
    [null, { type: "string", nullable: true }],
    ["80%", { "x-kubernetes-int-or-string": true }],
    [{ a: "b" }, { type: "object", additionalProperties: { type: "string" } }],
    ["a", { oneOf: [{ enum: ["a"] }, { enum: ["b"] }], not: { enum: ["c"] } }],
    [
      [
        { n: "a", v: 1 },
        { n: "b", v: 1 },
      ],
      { type: "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"] },
    ],
    [2, { type: "number", multipleOf: 2 }],
  ])("accepts %j under %j", (spec, schema) => {
    expect(problems(spec, schema)).toEqual([]);
  });
});
