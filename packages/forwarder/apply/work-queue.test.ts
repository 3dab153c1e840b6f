import { beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import { createWorkQueue, type Work, type WorkQueue } from "./work-queue.ts";

let clock: VirtualClock;
let looks: { key: string; at: number }[];
let problems: string[];
let contests: string[];

beforeEach(() => {
  clock = createVirtualClock();
  looks = [];
  problems = [];
  contests = [];
});

const queueOf = (work: (key: string) => Work | Promise<Work>): WorkQueue =>
  createWorkQueue({
    clock,
    random: () => 1,
    work: async (key) => {
      looks.push({ key, at: clock.monotonic() });
      return work(key);
    },
    onProblem: (key, problem) => void problems.push(`${key} ${problem}`),
    onContest: (key) => void contests.push(key),
  });
const unchanged: Work = { isChanged: false };
const times = () => looks.map((look) => look.at);

test("a key is looked at once for each time that it is added", async () => {
  const queue = queueOf(() => unchanged);

  queue.add("a");
  queue.add("b");
  await clock.advance(0);
  queue.add("a");
  await clock.advance(100_000);

  expect(looks.map((look) => look.key)).toEqual(["a", "b", "a"]);
});

test("a key that is added while it is looked at is looked at once more, and never twice at a time", async () => {
  let underWay = 0;
  let underWayMost = 0;
  const queue = queueOf(async () => {
    underWay += 1;
    underWayMost = Math.max(underWayMost, underWay);
    await new Promise<void>((resolve) => clock.after(10, resolve));
    underWay -= 1;
    return unchanged;
  });

  queue.add("a");
  await clock.advance(5);
  for (let time = 0; time < 5; time += 1) queue.add("a");
  await clock.advance(100);

  expect(looks).toHaveLength(2);
  expect(underWayMost).toBe(1);
});

test("no more than eight keys are looked at at a time", async () => {
  let underWay = 0;
  let underWayMost = 0;
  const queue = queueOf(async () => {
    underWay += 1;
    underWayMost = Math.max(underWayMost, underWay);
    await new Promise<void>((resolve) => clock.after(10, resolve));
    underWay -= 1;
    return unchanged;
  });

  for (let key = 0; key < 100; key += 1) queue.add(String(key));
  await clock.advance(1_000);

  expect(looks).toHaveLength(100);
  expect(underWayMost).toBe(8);
});

describe("a key that fails", () => {
  test("is tried again by itself, with rests that double to a minute, however often it is added", async () => {
    const queue = queueOf(() => ({ isChanged: false, problem: "refused" }));
    const repeat = () => {
      queue.add("a");
      clock.after(100, repeat);
    };
    repeat();

    await clock.advance(180_000);

    expect(times()).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 31_500, 63_500, 123_500]);
    expect(problems).toHaveLength(9);
    expect(problems[0]).toBe("a refused");
  });

  test("starts over once it succeeds", async () => {
    let failures = 3;
    const queue = queueOf(() => {
      failures -= 1;
      if (failures >= 0) throw new Error("no connection");
      return unchanged;
    });

    queue.add("a");
    await clock.advance(10_000);
    failures = 1;
    queue.add("a");
    await clock.advance(10_000);

    expect(times()).toEqual([0, 500, 1_500, 3_500, 10_000, 10_500]);
    expect(problems[0]).toBe("a no connection");
  });

  test("holds up no other", async () => {
    const queue = queueOf((key) => (key === "a" ? { isChanged: false, problem: "refused" } : unchanged));

    queue.add("a");
    await clock.advance(400);
    queue.add("b");
    await clock.advance(0);

    expect(looks.at(-1)).toEqual({ key: "b", at: 400 });
  });
});

test("a key that somebody else keeps undoing is written six times at once, then every ten seconds, and it is said", async () => {
  const queue = queueOf((key) => {
    clock.after(10, () => queue.add(key));
    return { isChanged: true };
  });

  queue.add("a");
  await clock.advance(60_000);

  expect(times().slice(0, 6)).toEqual([0, 10, 20, 30, 40, 50]);
  expect(times().length).toBeLessThanOrEqual(12);
  expect(contests.length).toBeGreaterThan(0);
});

test("what is forgotten or stopped is not looked at again", async () => {
  const queue = queueOf(() => ({ isChanged: false, problem: "refused" }));

  queue.add("a");
  queue.add("b");
  await clock.advance(0);
  queue.forget("a");
  await clock.advance(600);
  queue.stop();
  queue.add("c");
  await clock.advance(60_000);

  expect(looks.map((look) => look.key)).toEqual(["a", "b", "b"]);
});
