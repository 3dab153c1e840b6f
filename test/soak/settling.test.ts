import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { untilQuiet } from "./settling.ts";
import type { Truth } from "./truth.ts";

const truth = {} as Truth;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Waits while the answers are given out one by one, the last one for ever. */
const settle = (answers: readonly (readonly string[])[], mayBeSilent = false) => {
  const said: string[] = [];
  const unrest = vi.fn(async () => {});
  let look = 0;
  const done = untilQuiet({
    what: "it is quiet",
    collect: async () => truth,
    compare: () => answers[Math.min(look++, answers.length - 1)] ?? [],
    say: (line) => said.push(line),
    mayBeSilent,
    onUnrest: unrest,
  });
  return { done, said, unrest, looks: () => look };
};

describe("untilQuiet", () => {
  it("takes one quiet look for chance and two in a row for rest", async () => {
    const { done, said, unrest, looks } = settle([["a"], [], ["b"], [], []]);
    await vi.advanceTimersByTimeAsync(8_000);

    expect(await done).toEqual([]);
    expect(looks()).toBe(5);
    expect(said).toEqual(["it is quiet, after 4 s"]);
    expect(unrest).not.toHaveBeenCalled();
  });

  it.each([
    [false, 150_000],
    [true, 300_000],
  ])("gives up in time and keeps what was there (silent streams: %s)", async (mayBeSilent, milliseconds) => {
    const { done, said, unrest } = settle([["a", "b"]], mayBeSilent);
    await vi.advanceTimersByTimeAsync(milliseconds);
    expect(unrest).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(4_000);

    expect(await done).toEqual(["a", "b"]);
    expect(unrest).toHaveBeenCalledWith(truth);
    expect(said[0]).toBe("waiting until it is quiet: 2 differ, such as a; b");
  });
});
