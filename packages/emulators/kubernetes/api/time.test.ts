import { describe, expect, test } from "vitest";
import { ageOf, humanDuration, microTimestamp, timestamp } from "./time.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("times", () => {
  test.each([
    [-5, "<invalid>"],
    [0, "0s"],
    [119, "119s"],
    [2 * MINUTE, "2m"],
    [9 * MINUTE + 5, "9m5s"],
    [59 * MINUTE, "59m"],
    [3 * HOUR + 7 * MINUTE, "3h7m"],
    [30 * HOUR, "30h"],
    [2 * DAY + 4 * HOUR, "2d4h"],
    [400 * DAY, "400d"],
    [3 * 365 * DAY + 20 * DAY, "3y20d"],
    [9 * 365 * DAY, "9y"],
  ])("%d seconds are shown as %s", (seconds, shown) => {
    expect(humanDuration(seconds * 1000)).toBe(shown);
  });

  test("are written with seconds or microseconds, and an absent one has no age", () => {
    const epochMs = Date.parse("2026-11-20T12:00:00.250Z");
    expect(timestamp(epochMs)).toBe("2026-11-20T12:00:00Z");
    expect(microTimestamp(epochMs)).toBe("2026-11-20T12:00:00.250000Z");
    expect(ageOf("2026-11-20T11:59:00Z", epochMs)).toBe("60s");
    expect(ageOf(undefined, epochMs)).toBe("<unknown>");
  });
});
