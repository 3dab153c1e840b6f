import { expect, test } from "vitest";
import { StatusError } from "../ports.ts";
import { createVirtualClock } from "./testing/virtual-clock.ts";
import { createWorkQueue } from "./work-queue.ts";

function createQueue(reconcile: (key: string) => Promise<void>, concurrency = 2) {
  const clock = createVirtualClock();
  const errors: unknown[] = [];
  const queue = createWorkQueue({ clock, concurrency, reconcile, onError: (error) => void errors.push(error) });
  return { clock, errors, queue };
}

function refusal(reason: string): StatusError {
  return new StatusError({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason });
}

test("a key that is added many times before its turn is worked on once", async () => {
  const worked: string[] = [];
  const { clock, queue } = createQueue(async (key) => void worked.push(key));

  for (let added = 0; added < 5; added += 1) queue.add("a");
  await clock.advance(1);

  expect(worked).toEqual(["a"]);
});

test("a key that is added while it is worked on is worked on once more, and never twice at once", async () => {
  let running = 0;
  let most = 0;
  let times = 0;
  const { clock, queue } = createQueue(async (key) => {
    running += 1;
    most = Math.max(most, running);
    times += 1;
    if (times === 1) queue.add(key);
    await Promise.resolve();
    running -= 1;
  });

  queue.add("a");
  await clock.advance(10);

  expect({ most, times }).toEqual({ most: 1, times: 2 });
});

test("no more keys than the concurrency allows are worked on at a time", async () => {
  const release: (() => void)[] = [];
  const { clock, queue } = createQueue(() => new Promise((resolve) => void release.push(resolve)), 2);

  for (const key of ["a", "b", "c"]) queue.add(key);
  await clock.advance(1);
  const before = release.length;
  release[0]?.();
  await clock.advance(1);

  expect([before, release.length]).toEqual([2, 3]);
});

test("a failing key is tried again with a growing pause until it succeeds", async () => {
  const times: number[] = [];
  const { clock, errors, queue } = createQueue(async () => {
    times.push(clock.now());
    if (times.length < 4) throw new Error("not yet");
  });

  queue.add("a");
  await clock.advance(60_000);

  const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  expect(pauses).toEqual([20, 40, 80]);
  expect(errors).toHaveLength(3);
});

test("conflicts and missing objects are tried again without a word", async () => {
  let tries = 0;
  const { clock, errors, queue } = createQueue(async () => {
    tries += 1;
    if (tries === 1) throw refusal("Conflict");
    if (tries === 2) throw refusal("NotFound");
  });

  queue.add("a");
  await clock.advance(1_000);

  expect({ tries, errors }).toEqual({ tries: 3, errors: [] });
});

test("the earlier of two timers of a key wins", async () => {
  const times: number[] = [];
  const { clock, queue } = createQueue(async () => void times.push(clock.now()));
  const start = clock.now();

  queue.addAfter("a", 500);
  queue.addAfter("a", 100);
  queue.addAfter("a", 900);
  await clock.advance(2_000);

  expect(times.map((time) => time - start)).toEqual([100]);
});

test("a queue that is stopped waits for what runs and starts nothing more", async () => {
  const worked: string[] = [];
  let release = () => {};
  const { clock, queue } = createQueue(async (key) => {
    worked.push(key);
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    worked.push(`${key} ended`);
  }, 1);

  queue.add("a");
  queue.add("b");
  queue.addAfter("c", 10);
  await clock.advance(1);
  const stopping = queue.stop();
  release();
  await stopping;
  await clock.advance(1_000);

  expect(worked).toEqual(["a", "a ended"]);
});
