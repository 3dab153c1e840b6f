import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createTelemetry } from "./telemetry.ts";

let lines: string[];

beforeEach(() => {
  // Development mode writes by way of the console, where a test can read, and would leave metrics out.
  vi.stubEnv("POWERTOOLS_DEV", "true");
  vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "false");
  lines = [];
  for (const method of ["log", "info", "warn", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((line: string) => void lines.push(line));
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const written = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

describe("telemetry", () => {
  test("a note is a line of JSON with its fields", () => {
    createTelemetry("trunkline-test").telemetry.note("warn", "The pod waits.", {
      cluster: "blue",
      instanceId: "i-01234567",
      podUid: "u",
    });

    expect(written()).toMatchObject([
      {
        level: "WARN",
        message: "The pod waits.",
        service: "trunkline-test",
        cluster: "blue",
        instanceId: "i-01234567",
        podUid: "u",
      },
    ]);
  });

  test("a count is written when the function ends, in CloudWatch's embedded format", () => {
    const { telemetry, metrics } = createTelemetry("trunkline-test");

    telemetry.count("PodsAssigned", 2);
    telemetry.count("PodsAssigned", 1);
    expect(lines).toHaveLength(0);
    metrics.publishStoredMetrics();

    expect(written()).toMatchObject([
      { PodsAssigned: [2, 1], _aws: { CloudWatchMetrics: [{ Namespace: "Trunkline" }] } },
    ]);
  });

  test("a count with dimensions stands by itself", () => {
    createTelemetry("trunkline-test").telemetry.count("MessagesRefused", 1, { reason: "malformed" });

    expect(written()).toMatchObject([{ MessagesRefused: 1, reason: "malformed" }]);
  });
});
