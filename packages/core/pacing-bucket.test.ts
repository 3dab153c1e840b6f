import { describe, expect, it } from "vitest";
import { backlogBefore, flow, fullBucket, learn, pass, rateOf, tokensFor, unclaimedOf } from "./pacing-bucket.ts";
import { emptyQueue } from "./pacing-queue.ts";
import { defaultQuotas, floorOf, scarcestAction, usableCapacity } from "./pacing-quotas.ts";

const quota = { capacity: 50, refillPerSecond: 5 };
const waiting = (tokens: number) => ({ ...emptyQueue, finishes: { a: tokens } });
const bucket = (changes: Partial<ReturnType<typeof fullBucket>> = {}) => ({
  ...fullBucket(quota),
  tokens: 0,
  ...changes,
});

describe("a bucket", () => {
  it("P18: keeps its margin in capacity and uses the whole rate", () => {
    expect(usableCapacity(quota)).toBe(45);
    expect(pass(bucket(), quota, 2)).toMatchObject({ tokens: 10 });
    expect(pass(bucket(), quota, 1_000).tokens).toBe(45);
  });

  it("P18: leaves tokens for pods when less urgent work takes some, and always gives at least one", () => {
    expect([floorOf(quota, "pod"), floorOf(quota, "clean-up"), floorOf(quota, "background")]).toEqual([0, 9, 22.5]);
    const tiny = { capacity: 1, refillPerSecond: 1 };
    expect([usableCapacity(tiny), floorOf(tiny, "background")]).toEqual([1, 0]);
  });

  it("P18: lets tokens flow to pods first, then to clean-up, then to the background", () => {
    const queues = { pod: waiting(4), "clean-up": waiting(6), background: waiting(9) };
    const after = flow(bucket({ queues, tokens: 20 }), quota);
    expect(after.queues.pod.finishes).toEqual({});
    expect(after.queues["clean-up"].finishes).toEqual({});
    expect(after.queues.background.finishes).toEqual({ a: 9 });
    expect([after.queues.pod.due, after.queues["clean-up"].due, unclaimedOf(after)]).toEqual([4, 6, 10]);
    expect(backlogBefore(bucket({ queues }), "background")).toBe(10);
  });

  it("P17: relieves everybody when it is full, and keeps virtual time", () => {
    const queues = { ...bucket().queues, pod: waiting(400) };
    const after = pass(bucket({ queues, tokens: 44 }), quota, 1);
    expect([after.tokens, unclaimedOf(after)]).toEqual([45, 45]);
    expect(after.queues.pod).toEqual({ virtualTime: 400, since: 400, due: 0, finishes: {} });
  });

  it("owes itself nothing when nobody waits", () => {
    const owing = (finishes: Record<string, number>) => ({ ...emptyQueue, due: -3, finishes });
    const of = (finishes: Record<string, number>) => bucket({ queues: { ...bucket().queues, pod: owing(finishes) } });
    expect(flow({ ...of({}), tokens: -3 }, quota).queues.pod.due).toBe(0);
    expect(flow({ ...of({ a: 4 }), tokens: -3 }, quota).queues.pod.due).toBe(-3);
  });

  it("P18: keeps what is due to pods from less urgent work", () => {
    const due = (tokens: number) => ({ ...emptyQueue, due: tokens });
    const queues = { pod: due(5), "clean-up": due(7), background: due(1) };
    const tokens = (["pod", "clean-up", "background"] as const).map((priority) =>
      tokensFor(bucket({ tokens: 40, queues }), quota, priority),
    );
    expect(tokens).toEqual([40, 40 - 9 - 5, 40 - 22.5 - 12]);
    expect(tokensFor(bucket({ queues: { ...queues, pod: due(-5) } }), quota, "clean-up")).toBe(-9);
  });

  it("P18: is emptied by a throttle, and still owes what has flowed to others", () => {
    const queues = { ...bucket().queues, pod: { ...emptyQueue, due: 10 } };
    const throttled = learn(bucket({ tokens: 30, queues }), { made: 5, throttled: 1 });
    expect(throttled).toMatchObject({ tokens: 0, throttled: 1, made: 5, rateShare: 1 });
    expect(unclaimedOf(throttled)).toBe(-10);
    expect(learn(bucket({ tokens: -2 }), { made: 5, throttled: 1 }).tokens).toBe(-2);
    expect(learn(bucket({ tokens: 30 }), { made: 5, throttled: 0 }).tokens).toBe(30);
  });

  it("P18: lowers the rate only when more than 3 of 100 calls were throttled, and by at most a tenth", () => {
    const three = learn(bucket(), { made: 50, throttled: 3 });
    expect(three.rateShare).toBe(1);
    expect(learn(three, { made: 10, throttled: 1 })).toMatchObject({ rateShare: 0.96, made: 0, throttled: 0 });
    expect(learn(three, { made: 50, throttled: 0 })).toMatchObject({ rateShare: 1, made: 0, throttled: 0 });
    expect(learn(bucket(), { made: 40, throttled: 40 }).rateShare).toBe(0.9);
  });

  it("P18: brings the rate back by a hundredth a minute, and never goes below a quarter", () => {
    const slow = bucket({ rateShare: 0.5 });
    expect(rateOf(slow, quota)).toBe(2.5);
    expect(pass(slow, quota, 60).rateShare).toBeCloseTo(0.51);
    expect(pass(slow, quota, 1e6).rateShare).toBe(1);
    expect(learn(bucket({ rateShare: 0.26 }), { made: 10, throttled: 10 }).rateShare).toBe(0.25);
  });
});

describe("the scarcest action of a unit of work", () => {
  it("is the one with the slowest refill, then with the smallest capacity", () => {
    expect(scarcestAction({ CreateNetworkInterface: 1, AssociateTrunkInterface: 1 }, defaultQuotas)).toBe(
      "AssociateTrunkInterface",
    );
    expect(scarcestAction({ DescribeInstances: 1, CreateNetworkInterface: 1 }, defaultQuotas)).toBe(
      "CreateNetworkInterface",
    );
    const raised = { ...defaultQuotas, AssociateTrunkInterface: { capacity: 500, refillPerSecond: 50 } };
    expect(scarcestAction({ CreateNetworkInterface: 1, AssociateTrunkInterface: 1 }, raised)).toBe(
      "CreateNetworkInterface",
    );
  });
});
