import { describe, expect, it } from "vitest";
import { branded, type ClusterName } from "./ids.ts";
import { freshPacer, grantTokens, learnFromCalls, type PacerState, unenteredTag, urgentTag } from "./pacing.ts";
import { defaultQuotas } from "./pacing-quotas.ts";
import type { TokenRequest } from "./ports.ts";

const now = 1_763_600_000_000;
const branch = { CreateNetworkInterface: 1, AssociateTrunkInterface: 1 };
const asks = (units: number, changes: Partial<TokenRequest> = {}): TokenRequest => ({
  cluster: branded("a"),
  unit: branch,
  units,
  priority: "pod",
  ...changes,
});
const ask = (state: PacerState, requests: readonly TokenRequest[], at = now) =>
  grantTokens(state, requests, at, defaultQuotas);
/** A state whose branches' tokens are spent, those of the next second too. */
const spent = () => ask(freshPacer(now), [asks(45), asks(5)]).state;

describe("the pacer", () => {
  it("P17: gives a lone cluster all that is there, and a second's worth ahead", () => {
    const { grants } = ask(freshPacer(now), [asks(44), asks(1), asks(3), asks(9)]);
    expect(grants.map(({ granted }) => granted)).toEqual([44, 1, 3, 2]);
    expect(grants.map(({ startsAt }) => startsAt - now)).toEqual([0, 0, 600, 1_000]);
    expect(grants.every(({ startsAt, expiresAt }) => expiresAt === startsAt + 2_000)).toBe(true);
  });

  it("P17: tells the rest when its turn comes, and it comes then", () => {
    const first = ask(freshPacer(now), [asks(60)]);
    expect(first.grants[0]).toMatchObject({ granted: 45, wakeAt: now + 3_000, tag: 45 });
    const again = asks(15, { tag: 45 });
    expect(ask(first.state, [again], now + 1_500).grants[0]?.granted).toBe(12);
    expect(ask(first.state, [again], now + 3_000).grants[0]).toMatchObject({ granted: 15, startsAt: now + 3_000 });
  });

  it("P17: wakes one after the other who wait for one token each", () => {
    const { grants } = ask(spent(), [asks(1), asks(1), asks(1)]);
    expect(grants.map(({ granted, wakeAt }) => [granted, wakeAt - now])).toEqual([
      [0, 1_200],
      [0, 1_400],
      [0, 1_600],
    ]);
  });

  it("P17: lets a cluster that has just arrived in between the pods of one that waits for many", () => {
    const flooded = ask(spent(), [asks(500)]).state;
    const { grants } = ask(flooded, [asks(1, { cluster: branded("b") })], now + 1_000);
    expect(grants[0]).toMatchObject({ granted: 1 });
    const { grants: later } = ask(flooded, [asks(1, { cluster: branded("a") })], now + 1_000);
    expect(later[0]?.granted).toBe(0);
  });

  it("P17: tells at most 15 minutes to wait, and at most as much as a bucket holds to come together", () => {
    const { grants } = ask(spent(), [asks(300), asks(9_000), asks(1)]);
    expect(grants.map(({ wakeAt }) => wakeAt - now)).toEqual([10_000, 70_000, 900_000]);
  });

  it("P17: promises nothing ahead to clean-up, which waits until its floor is free", () => {
    const cleanUp = { unit: { DeleteNetworkInterface: 1 }, priority: "clean-up" } as const;
    const first = ask(freshPacer(now), [asks(80, cleanUp)]);
    expect(first.grants[0]).toMatchObject({ granted: 76, startsAt: now, wakeAt: now + 800 });
    expect(ask(first.state, [asks(4, cleanUp)], now + 800).grants[0]?.granted).toBe(4);
  });

  it("P18: serves cuts before clean-up before the background, whatever the order of asking", () => {
    const drain = asks(40, { unit: { DisassociateTrunkInterface: 1 } });
    const of = (priority: TokenRequest["priority"]) => asks(5, { unit: { DisassociateTrunkInterface: 1 }, priority });
    const { grants, state } = ask(freshPacer(now), [of("background"), of("clean-up"), drain, of("pod")]);
    expect(grants.map(({ granted }) => granted)).toEqual([0, 0, 40, 5]);
    const wakes = ask(state, [of("background"), of("clean-up"), of("pod")]).grants.map(({ wakeAt }) => wakeAt - now);
    expect(wakes[2]).toBeLessThan(wakes[1] ?? 0);
    expect(wakes[1]).toBeLessThan(wakes[0] ?? 0);
  });

  it("takes the tokens of every action of a unit, and waits for the one that has none", () => {
    const creates = { unit: { CreateNetworkInterface: 1 } };
    const noCreates = ask(freshPacer(now), [asks(95, creates), asks(5, creates)]).state;
    const { grants, state } = ask(noCreates, [asks(1)]);
    expect(grants[0]).toMatchObject({ granted: 0, wakeAt: now + 1_200 });
    expect(ask(state, [asks(1, { tag: grants[0]?.tag })], now + 1_200).grants[0]?.granted).toBe(1);
  });

  it("counts a request that was never entered as new", () => {
    const { grants } = ask(spent(), [asks(1, { tag: unenteredTag })]);
    expect(grants[0]).toMatchObject({ granted: 0, tag: 50, wakeAt: now + 1_200 });
  });

  it("lets work that is under way go before the cluster's new work, and counts it to the cluster", () => {
    const { state } = ask(spent(), [asks(100)]);
    const step = asks(1, { unit: { AssociateTrunkInterface: 1 }, tag: urgentTag });
    const first = ask(state, [step], now + 1_000);
    expect(first.grants[0]).toMatchObject({ granted: 1, startsAt: now + 1_200 });
    const last = (from: PacerState) => (ask(from, [asks(1)], now + 1_000).grants[0]?.wakeAt ?? 0) - now;
    expect(last(first.state) - last(state)).toBe(200);
  });

  it("wakes work that is under way in turn when there are no tokens for it", () => {
    const cut = asks(1, { unit: { DisassociateTrunkInterface: 1 }, tag: urgentTag });
    const cuts = Array.from({ length: 60 }, () => cut);
    const { grants } = ask(freshPacer(now), cuts);
    expect(grants.filter(({ granted }) => granted === 1)).toHaveLength(50);
    expect(grants.at(-1)).toMatchObject({ tag: urgentTag, wakeAt: now + 3_000 });
  });

  it("P18: waits after a throttle until tokens have come again", () => {
    const counts = {
      AssociateTrunkInterface: { made: 3, throttled: 1 },
      CreateNetworkInterface: { made: 3, throttled: 0 },
    };
    const state = learnFromCalls(freshPacer(now - 60_000), counts, now, defaultQuotas);
    expect(ask(state, [asks(20)]).grants[0]).toMatchObject({ granted: 5, startsAt: now + 1_000 });
  });

  it("starts no more at once than a bucket holds, and loses the refill that a full one cannot take", () => {
    expect(ask(freshPacer(now), [asks(46)]).grants[0]).toMatchObject({ granted: 45, startsAt: now });
    const late = ask(freshPacer(now), [asks(45, { unit: { AssociateTrunkInterface: 1 } }), asks(5)]);
    expect(late.grants[1]).toMatchObject({ granted: 5, startsAt: now + 1_000 });
    const creates = asks(95, { unit: { CreateNetworkInterface: 1 } });
    expect(ask(late.state, [creates], now + 1_000).grants[0]).toMatchObject({ granted: 95, startsAt: now + 2_000 });
  });

  it("makes no tokens for a worker whose clock is behind, and heals from a clock that was far ahead", () => {
    const state = spent();
    const behind = ask(state, [asks(1)], now - 1_000);
    expect(behind.grants[0]?.granted).toBe(0);
    expect(behind.state.at).toBe(now);
    const ahead = { ...state, at: now + 600_000 };
    expect(ask(ahead, [asks(1)]).state.at).toBe(now);
  });

  it("refuses units that no bucket could ever give, as bugs", () => {
    expect(() => ask(freshPacer(now), [asks(1, { unit: {} })])).toThrow(RangeError);
    expect(() => ask(freshPacer(now), [asks(1, { unit: { CreateTags: 0 } })])).toThrow(RangeError);
    expect(() => ask(freshPacer(now), [asks(1, { unit: { CreateTags: 91 } })])).toThrow(RangeError);
  });

  it("wakes many clusters one after the other, and answers an empty batch with nothing", () => {
    const { state, grants } = ask(spent(), []);
    expect(grants).toEqual([]);
    const clusters = Array.from({ length: 20 }, (_, count) => asks(1, { cluster: branded<ClusterName>(`c${count}`) }));
    const wakes = ask(state, clusters).grants.map(({ wakeAt }) => wakeAt - now);
    expect([wakes[9], wakes[14], wakes[19]]).toEqual([2_200, 3_200, 4_200]);
  });
});
