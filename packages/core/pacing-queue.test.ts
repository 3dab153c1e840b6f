import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { branded, type ClusterName } from "./ids.ts";
import { backlogOf, emptyQueue, flowOf, join, type QueueState, relieve, serve, workUpTo } from "./pacing-queue.ts";

const backlogMax = 1_000;
const entering = (flow: string, tokens: number, tag?: number) => ({ flow, tokens, tag, backlogMax });
const joinAll = (queue: QueueState, ...flows: readonly (readonly [string, number])[]) =>
  flows.reduce((state, [flow, tokens]) => join(state, entering(flow, tokens)).queue, queue);

describe("a fair queue", () => {
  it("lets a cluster that arrives start at virtual time, however much it had before", () => {
    const busy = serve(joinAll(emptyQueue, ["a", 100]), 60).queue;
    expect(join(busy, entering("b", 1)).start).toBe(60);
    expect(join(busy, entering("a", 1)).start).toBe(100);
  });

  it("lets tokens flow in equal streams, and gives the stream of one that is done to the others", () => {
    const { queue, left } = serve(joinAll(emptyQueue, ["a", 10], ["b", 40], ["c", 40]), 50);
    expect(queue).toEqual({ virtualTime: 20, since: 0, due: 50, finishes: { b: 40, c: 40 } });
    expect([left, backlogOf(queue)]).toEqual([0, 40]);
  });

  it("gives back what is left when nobody waits any more", () => {
    const { queue, left } = serve(joinAll(emptyQueue, ["a", 10], ["b", 4]), 20);
    expect([queue.finishes, queue.virtualTime, left]).toEqual([{}, 10, 6]);
    expect(serve(queue, -3)).toEqual({ queue, left: -3 });
  });

  it("keeps the place of a tag that is presented again, and does not count its work twice", () => {
    const queue = joinAll(emptyQueue, ["a", 10]);
    expect(join(queue, entering("a", 4, 6))).toEqual({ queue, start: 6, finish: 10 });
  });

  it("lets a tag from before the last relief go first, and counts it again", () => {
    const relieved = relieve(joinAll(emptyQueue, ["a", 10], ["b", 5]));
    expect(relieved).toEqual({ virtualTime: 10, since: 10, due: 0, finishes: {} });
    const busy = join(relieved, entering("a", 20)).queue;
    expect(join(busy, entering("a", 2, 3))).toMatchObject({ start: 10, queue: { finishes: { a: 32 } } });
  });

  it("takes the tag of a record that was lost for a new request", () => {
    expect(join(emptyQueue, entering("a", 2, 5_000))).toMatchObject({ start: 0, queue: { finishes: { a: 2 } } });
  });

  it("keeps no finish tag of work that is paid for, and none beyond the limit", () => {
    const served = serve(joinAll(emptyQueue, ["a", 10]), 10).queue;
    expect(join(served, entering("a", 4, 6)).queue).toBe(served);
    expect(join(emptyQueue, entering("a", 5_000)).queue.finishes).toEqual({ a: backlogMax });
  });

  it("counts what others have before a tag, and no more", () => {
    const queue = joinAll(emptyQueue, ["a", 10], ["b", 3], ["c", 50]);
    expect(workUpTo(queue, "a", 10)).toBe(10 + 3 + 10);
    expect(workUpTo(queue, "new", 1)).toBe(1 + 1 + 1 + 1);
  });

  it("makes and loses no token, whatever joins", () => {
    const arrivals = fc.array(
      fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.double({ min: 0, max: 90, noNaN: true })),
    );
    fc.assert(
      fc.property(arrivals, fc.double({ min: 0, max: 400, noNaN: true }), (flows, tokens) => {
        const before = joinAll(emptyQueue, ...flows);
        const { queue, left } = serve(before, tokens);
        expect(backlogOf(before) - backlogOf(queue)).toBeCloseTo(tokens - left, 6);
        expect(queue.virtualTime).toBeGreaterThanOrEqual(before.virtualTime);
        expect(left === 0 || backlogOf(queue) < 1e-9).toBe(true);
      }),
    );
  });

  it("names clusters in at most seven characters, and differently", () => {
    const names = Array.from({ length: 1_000 }, (_, count) =>
      flowOf(branded<ClusterName>(`cluster-${count}.example.com`)),
    );
    expect(new Set(names).size).toBe(1_000);
    expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(7);
  });
});
