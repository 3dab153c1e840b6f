import { describe, expect, it } from "vitest";
import { drawsOf } from "./random.ts";

const sequence = (seed: number) => {
  const draws = drawsOf(seed);
  return Array.from({ length: 50 }, () => draws.between(1, 6));
};

describe("draws", () => {
  it("are the same for the same seed and others for another", () => {
    expect(sequence(7)).toEqual(sequence(7));
    expect(sequence(7)).not.toEqual(sequence(8));
  });

  it("reach both ends of a range and nothing beyond", () => {
    expect([...new Set(sequence(7))].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("follow the weights, and never take what weighs nothing", () => {
    const draws = drawsOf(7);
    const names = Array.from({ length: 1_000 }, () => draws.weighted({ often: 9, seldom: 1, never: 0 }));
    const often = names.filter((name) => name === "often").length;

    expect(names).not.toContain("never");
    expect(often).toBeGreaterThan(850);
    expect(often).toBeLessThan(950);
  });

  it("take nothing of nothing", () => {
    expect(drawsOf(7).one([])).toBeUndefined();
  });
});
