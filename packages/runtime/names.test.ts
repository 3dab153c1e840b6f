import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import {
  backendVersion,
  clusterQueueName,
  clusterQueueUrl,
  counts,
  deadLettersName,
  defaultSlug,
  durations,
  queueNameOf,
  sharedQueueName,
  variables,
} from "./names.ts";

const numbers = [...Object.values(durations), ...Object.values(counts)];

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

  test("a cluster's queue is found by the prefix of all URLs, and an event's ARN names the same queue", () => {
    const prefix = "https://sqs.us-west-2.amazonaws.com/123456789012/trunkline-prod-";

    const url = clusterQueueUrl(prefix, { cluster: "eu.example.com" }, "pod-events");

    expect(url).toBe(`${prefix}eu-example-com-pod-events`);
    expect(clusterQueueUrl(prefix, { cluster: "eu.example.com", slug: "eu" }, "outcomes")).toBe(`${prefix}eu-outcomes`);
    expect(queueNameOf("arn:aws:sqs:us-west-2:123456789012:trunkline-prod-eu-example-com-pod-events")).toBe(
      queueNameOf(url),
    );
  });

  test("every default lies between its floor and its maximum", () => {
    for (const { variable, default: value, floor, max } of numbers) {
      expect(value, variable).toBeGreaterThanOrEqual(floor);
      expect(value, variable).toBeLessThanOrEqual(max);
    }
  });

  test("no two settings share a variable", () => {
    const all = [...Object.values(variables), ...numbers.map(({ variable }) => variable)];

    expect(new Set(all).size).toBe(all.length);
  });

  test("a number's variable is named as the field that it fills", () => {
    for (const [field, { variable }] of Object.entries({ ...durations, ...counts })) {
      expect(variable).toBe(`TRUNKLINE_${field.replaceAll(/([A-Z])/g, "_$1").toUpperCase()}`);
    }
  });

  test("the reported version is the package's", async () => {
    const manifest = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));

    expect(backendVersion).toBe(manifest.version);
  });
});
