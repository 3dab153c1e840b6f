import { describe, expect, test } from "vitest";
import { clusterQueueName, deadLettersName, defaultSlug, durations, sharedQueueName, variables } from "./names.ts";

describe("names", () => {
  test("a cluster's queue and its dead letters are named after stage, cluster and kind", () => {
    const name = clusterQueueName("prod", "blue", "pod-events");

    expect(name).toBe("trunkline-prod-blue-pod-events");
    expect(deadLettersName(name)).toBe("trunkline-prod-blue-pod-events-dead-letters");
    expect(sharedQueueName("prod", "branch-cooldown")).toBe("trunkline-prod-branch-cooldown");
  });

  test("a cluster name with dots becomes a slug that SQS takes", () => {
    expect(defaultSlug("eu.prod.example.com")).toBe("eu-prod-example-com");
  });

  test("every default lies between its floor and its maximum", () => {
    for (const { variable, defaultSeconds, floorSeconds, maxSeconds } of Object.values(durations)) {
      expect(defaultSeconds, variable).toBeGreaterThanOrEqual(floorSeconds);
      expect(defaultSeconds, variable).toBeLessThanOrEqual(maxSeconds);
    }
  });

  test("no two settings share a variable, and every duration names its unit last", () => {
    const durationVariables = Object.values(durations).map((duration) => duration.variable);
    const all = [...Object.values(variables), ...durationVariables];

    expect(new Set(all).size).toBe(all.length);
    expect(durationVariables.filter((variable) => !variable.endsWith("_SECONDS"))).toEqual([]);
  });
});
