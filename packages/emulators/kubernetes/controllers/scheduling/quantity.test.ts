import { expect, test } from "vitest";
import { quantity } from "./quantity.ts";

test.each([
  ["100m", 0.1],
  ["2", 2],
  ["1Gi", 1_073_741_824],
  ["128Mi", 134_217_728],
  ["1e3", 1_000],
  ["5k", 5_000],
  [3, 3],
  [undefined, 0],
  ["much", 0],
  ["1Zi", 0],
])("%s stands for %d", (text, number) => {
  expect(quantity(text)).toBeCloseTo(number);
});
