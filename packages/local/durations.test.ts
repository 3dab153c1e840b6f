import { DEFAULT_SETTINGS } from "@trunkline/emulator-kubernetes/controllers";
import { expect, test } from "vitest";
import { shortenedDurations, worldDurations } from "./durations.ts";

test("what is told of nodes in production is what the emulated nodes do when nobody shortens it", () => {
  const { nodeStatusInterval, sandboxRetry, trunkLookInterval } = worldDurations;

  expect(nodeStatusInterval.production * 1_000).toBe(DEFAULT_SETTINGS.nodeStatusMs);
  expect(sandboxRetry.production * 1_000).toBe(DEFAULT_SETTINGS.sandboxRetryMs);
  expect(trunkLookInterval.production * 1_000).toBe(DEFAULT_SETTINGS.cniPollMs);
});

test("every duration that is told is shorter than production's", () => {
  expect(shortenedDurations().filter(({ local, production }) => local >= production)).toEqual([]);
});
