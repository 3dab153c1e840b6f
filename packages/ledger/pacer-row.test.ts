import {
  branded,
  type ClusterName,
  defaultQuotas,
  freshPacer,
  grantTokens,
  learnFromCalls,
  type PacerState,
} from "@trunkline/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pacerAttributesOf, pacerStateOf } from "./pacer-row.ts";

const now = 1_763_600_000_000;

/** A state after some requests, at odd times so that its numbers have many digits. */
function stateAfter(requests: readonly { cluster: string; units: number; after: number }[]): PacerState {
  let at = now;
  let state = freshPacer(now);
  for (const { cluster, units, after } of requests) {
    at += after;
    const unit = { CreateNetworkInterface: 1, AssociateTrunkInterface: 1 };
    const wanted = { cluster: branded<ClusterName>(cluster), unit, units, priority: "pod" as const };
    state = grantTokens(state, [wanted, { ...wanted, priority: "clean-up" }], at, defaultQuotas).state;
  }
  return learnFromCalls(state, { CreateNetworkInterface: { made: 60, throttled: 7 } }, at + 333, defaultQuotas);
}

const requests = fc.array(
  fc.record({
    cluster: fc.constantFrom("a", "b", "c"),
    units: fc.integer({ min: 1, max: 70 }),
    after: fc.integer({ min: 0, max: 5_000 }),
  }),
  { minLength: 1 },
);

describe("the pacer's row", () => {
  it("holds a state to four decimals, and never more tokens than there are", () => {
    fc.assert(
      fc.property(requests, (sequence) => {
        const state = stateAfter(sequence);
        const again = pacerStateOf(pacerAttributesOf(state));
        expect(again.at).toBe(state.at);
        expect(Object.keys(again.buckets).sort()).toEqual(Object.keys(state.buckets).sort());
        for (const action of ["CreateNetworkInterface", "AssociateTrunkInterface"] as const) {
          const [before, after] = [state.buckets[action], again.buckets[action]];
          expect(after?.tokens ?? 0).toBeLessThanOrEqual((before?.tokens ?? 0) + 1e-9);
          expect(after?.tokens).toBeCloseTo(before?.tokens ?? 0, 3);
          expect(after?.rateShare).toBeCloseTo(before?.rateShare ?? 0, 3);
          expect(after?.queues.pod.virtualTime).toBeCloseTo(before?.queues.pod.virtualTime ?? 0, 3);
          expect(after?.queues["clean-up"].due).toBeCloseTo(before?.queues["clean-up"].due ?? 0, 3);
        }
      }),
    );
  });

  it("does not change when it is written a second time", () => {
    fc.assert(
      fc.property(requests, (sequence) => {
        const once = pacerAttributesOf(stateAfter(sequence));
        expect(pacerAttributesOf(pacerStateOf(once))).toEqual(once);
      }),
    );
  });

  it("leaves out what is as in a bucket that nobody has used", () => {
    const { state } = grantTokens(
      freshPacer(now),
      [{ cluster: branded("a"), unit: { CreateTags: 1 }, units: 3, priority: "background" }],
      now,
      defaultQuotas,
    );
    expect(pacerAttributesOf(state)).toEqual({ at: now, b: { G: { t: 87 } } });
    expect(pacerStateOf(pacerAttributesOf(state))).toEqual(state);
  });
});
