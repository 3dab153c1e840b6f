import { describe, expect, test } from "vitest";
import { compileFilters, type FilterTable, type Tagged } from "./filters.ts";
import { refusal } from "./testing.ts";

interface Named extends Tagged {
  readonly name: string;
}

const TABLE: FilterTable<Named> = { name: (record) => [record.name] };
const record = (name: string, tags: Record<string, string> = {}): Named => ({
  name,
  tags: new Map(Object.entries(tags)),
});
const matches = (pattern: string, name: string) =>
  compileFilters([{ Name: "name", Values: [pattern] }], TABLE)(record(name));

describe("filters", () => {
  test.each([
    ["web", "web", true],
    ["web", "web1", false],
    ["web*", "web-1", true],
    ["*", "", true],
    ["w?b", "wob", true],
    ["w?b", "wb", false],
    ["a.c", "abc", false],
    ["a\\*c", "a*c", true],
    ["a\\*c", "abc", false],
    ["[ab]*", "a1", false],
    ["Web", "web", false],
  ])("%j against %j: %s", (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  test("must all match, each by one of its values", () => {
    const filters = [
      { Name: "name", Values: ["a", "b"] },
      { Name: "tag:colour", Values: ["red", "green"] },
    ];
    const match = compileFilters(filters, TABLE);
    expect(match(record("b", { colour: "green" }))).toBe(true);
    expect(match(record("b", { colour: "blue" }))).toBe(false);
    expect(match(record("c", { colour: "red" }))).toBe(false);
    expect(match(record("a"))).toBe(false);
  });

  test("look at tags by key and by value", () => {
    const match = (Name: string) => compileFilters([{ Name, Values: ["x*"] }], TABLE)(record("a", { x1: "x2" }));
    expect(match("tag-key")).toBe(true);
    expect(match("tag-value")).toBe(true);
    expect(match("tag:x1")).toBe(true);
    expect(match("tag:x2")).toBe(false);
  });

  test("are refused when they are unknown, empty, or too many", () => {
    const compile = (Name: string, Values: string[]) => compileFilters([{ Name, Values }], TABLE);
    expect(refusal(() => compile("toString", ["a"])).message).toBe("The filter 'toString' is invalid");
    expect(refusal(() => compile("name", [])).code).toBe("InvalidParameterValue");
    const many = Array.from({ length: 201 }, (_, index) => `value-${index}`);
    expect(refusal(() => compile("name", many)).code).toBe("FilterLimitExceeded");
  });
});
