import { describe, expect, it } from "vitest";
import { delayLine, hasPassed, memoryLine, type SoakResult, summaryLine } from "./summary.ts";

const mebibyte = 2 ** 20;
const middle = { heapUsed: 100 * mebibyte, rss: 200 * mebibyte };
const grown = (heapGrowth: number) => ({ samples: 60, middle, last: middle, heapGrowth });
const clean: SoakResult = {
  options: { minutes: 10, seed: 7, nodes: 50, pods: 400, replicas: 2, judgeMemory: true },
  pods: 12_345,
  delays: [],
  faults: 678,
  violations: [],
  disagreements: [],
  leftovers: [],
  troubles: [],
  memory: grown(0.012),
};

describe("the verdict of a soak", () => {
  it("is one line", () => {
    expect(summaryLine(clean)).toBe(
      "soak: 10 min, seed 7, 12,345 pods, 678 faults, 0 violations, 0 disagreements, 0 troubles, memory +1.2 %: passed",
    );
  });

  it.each<[string, Partial<SoakResult>]>([
    ["a violation", { violations: ["x"] }],
    ["a disagreement", { disagreements: ["x"] }],
    ["something left over", { leftovers: ["x"] }],
    ["an unhandled rejection", { troubles: ["x"] }],
    ["memory that grows", { memory: grown(0.051) }],
    ["memory that was not measured", { memory: undefined }],
  ])("fails for %s", (_, found) => {
    expect(hasPassed({ ...clean, ...found })).toBe(false);
    expect(summaryLine({ ...clean, ...found })).toContain("FAILED");
  });

  it("does not judge the memory of a short run", () => {
    expect(hasPassed({ ...clean, options: { ...clean.options, judgeMemory: false }, memory: undefined })).toBe(true);
  });

  it("tells delays and memory in figures", () => {
    expect(delayLine([30, 10, 20])).toBe("from bound to annotated: 20 ms median, 30 ms p99, 30 ms at most, of 3 pods");
    expect(memoryLine(grown(-0.012))).toBe(
      "memory: heap 100.0 MiB in the middle third and 100.0 MiB in the last (−1.2 %), resident 200.0 and 200.0 MiB, 60 samples",
    );
    expect(memoryLine(undefined)).toContain("too few samples");
  });
});
