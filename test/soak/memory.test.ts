import { describe, expect, it } from "vitest";
import { memoryTrend } from "./memory.ts";

const samples = (heaps: readonly number[]) => heaps.map((heapUsed) => ({ heapUsed, rss: 2 * heapUsed }));

describe("memoryTrend", () => {
  it("compares the means of the last and the middle third, and leaves the first out", () => {
    const heaps = [...Array(5).fill(10), ...Array(5).fill(100), 104, 106, 104, 106, 105];

    expect(memoryTrend(samples(heaps))).toEqual({
      samples: 15,
      middle: { heapUsed: 100, rss: 200 },
      last: { heapUsed: 105, rss: 210 },
      heapGrowth: expect.closeTo(0.05),
    });
  });

  it("says nothing about a run that was too short", () => {
    expect(memoryTrend(samples(Array(14).fill(1)))).toBeUndefined();
  });
});
