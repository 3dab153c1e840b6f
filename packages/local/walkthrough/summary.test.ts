import { describe, expect, it } from "vitest";
import { percentile, summarise } from "./summary.ts";

const held = { title: "One", seconds: 1, seen: [] };

const input = {
  results: [held],
  stepsTotal: 1,
  calls: { DeleteNetworkInterface: { calls: 3, throttled: 1 }, CreateNetworkInterface: { calls: 12, throttled: 0 } },
  annotationDelays: [100, 200, 900],
  figures: new Map([["ENIs of ours left", "0"]]),
  shortened: [{ name: "cooldownSeconds", local: 3, production: 60 }],
};

describe("the summary", () => {
  it("shows calls, throttles, delays, figures and shortened durations", () => {
    const lines = summarise(input).split("\n");

    expect(lines).toContain(`  ${"CreateNetworkInterface".padEnd(36)}   12`);
    expect(lines).toContain(`  ${"throttled".padEnd(36)}    1`);
    expect(lines).toContain(`  ${"bound to annotated, p50".padEnd(48)}200 ms`);
    expect(lines).toContain(`  ${"ENIs of ours left".padEnd(48)}0`);
    expect(lines).toContain(`  ${"cooldownSeconds".padEnd(48)}3  60`);
    expect(lines).toContain("All 1 steps hold.");
  });

  it("names the step that failed and why", () => {
    const text = summarise({ ...input, stepsTotal: 5, results: [{ ...held, unmet: "no label" }] });

    expect(text).toContain("Step 1 of 5 does not hold: One: no label");
  });

  it.each([
    [[], 0.5, 0],
    [[5], 0.99, 5],
    [[1, 2, 3, 4], 0.5, 2],
  ])("takes the percentile of %j at %d as %d", (values, share, expected) => {
    expect(percentile(values, share)).toBe(expected);
  });
});
