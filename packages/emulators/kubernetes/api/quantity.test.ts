import { describe, expect, test } from "vitest";
import { canonicalQuantity, parseQuantity } from "./quantity.ts";

describe("quantities", () => {
  test.each([
    ["1", 1],
    ["500m", 0.5],
    ["1Gi", 1024 ** 3],
    ["1.5k", 1500],
    ["2e3", 2000],
    [3, 3],
    ["1GiB", undefined],
    ["", undefined],
  ])("%s is %s", (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });

  test.each([
    ["1000m", "1"],
    ["0.5", "500m"],
    ["1024Mi", "1Gi"],
    ["1.5Gi", "1536Mi"],
    ["1500", "1500"],
    ["1000", "1k"],
    ["0", "0"],
    [2, "2"],
    ["100n", "100n"],
    ["nonsense", "nonsense"],
  ])("%s is written as %s", (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });
});
