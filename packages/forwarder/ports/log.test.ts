import { beforeEach, expect, test } from "vitest";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import { createJsonLog, createLimitedLog, type Log } from "./log.ts";

let clock: VirtualClock;
let lines: Record<string, unknown>[];
let json: Log;

beforeEach(() => {
  clock = createVirtualClock();
  lines = [];
  json = createJsonLog((line) => void lines.push(JSON.parse(line)), clock.now);
});

test("a line is one JSON object with time, level and message, and its fields", () => {
  json("warn", "Events were not sent.", { queue: "pod-events", failures: 2 });

  expect(lines).toEqual([
    {
      time: "2026-01-01T00:00:00.000Z",
      level: "warn",
      message: "Events were not sent.",
      queue: "pod-events",
      failures: 2,
    },
  ]);
});

test("a field cannot pose as time, level or message", () => {
  json("info", "This.", { level: "error", message: "That.", time: "never" });

  expect(lines).toEqual([{ time: "2026-01-01T00:00:00.000Z", level: "info", message: "This." }]);
});

test.each(["token", "bearerToken", "Authorization", "password", "clientSecret", "privateKey", "credentials"])(
  "a field that is called %s is never written",
  (name) => {
    json("info", "This.", { [name]: "abc" });

    expect(JSON.stringify(lines)).not.toContain("abc");
  },
);

test("a text that is very long is cut", () => {
  json("info", "This.", { problem: "x".repeat(100_000) });

  expect(JSON.stringify(lines).length).toBeLessThan(3_000);
});

test.each([
  ["debug", 4],
  ["info", 3],
  ["warn", 2],
  ["error", 1],
] as const)("at level %s %i of the four levels are written", (level, count) => {
  const log = createLimitedLog({ log: json, clock, level });
  for (const each of ["debug", "info", "warn", "error"] as const) log(each, `A line of ${each}.`);

  expect(lines).toHaveLength(count);
});

test("a message that is repeated is written twenty times in ten seconds, and then how often it was left out", async () => {
  let suppressed = 0;
  const onSuppressed = () => {
    suppressed += 1;
  };
  const log = createLimitedLog({ log: json, clock, level: "info", onSuppressed });
  for (let index = 0; index < 1_000; index += 1) log("warn", "Events were not sent.", { index });
  expect(lines).toHaveLength(20);
  expect(suppressed).toBe(980);

  await clock.advance(10_000);
  expect(lines.at(-1)).toMatchObject({ level: "warn", message: "Events were not sent.", suppressed: 980 });

  log("warn", "Events were not sent.", { index: 1_000 });
  expect(lines.at(-1)).toMatchObject({ index: 1_000 });
});

test("one message's repeats keep no other from being written", () => {
  const log = createLimitedLog({ log: json, clock, level: "info" });
  for (let index = 0; index < 1_000; index += 1) log("warn", "Events were not sent.");
  log("error", "Something else.");

  expect(lines.at(-1)).toMatchObject({ message: "Something else." });
});
