import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { branded, type ClusterName } from "./ids.ts";
import { freshPacer, grantTokens, type PacerState, urgentTag } from "./pacing.ts";
import { defaultQuotas, type Quotas, usableCapacity } from "./pacing-quotas.ts";
import type { Ec2Action, Priority, TokenGrant, TokenRequest } from "./ports.ts";

const begin = 1_763_600_000_000;
const lane = "AssociateTrunkInterface";
const branch = { CreateNetworkInterface: 1, [lane]: 1 } as const;
const clusterNumber = (count: number): ClusterName => branded(`cluster-${count}`);

/** A pod that waits for its tokens, and what became of it. */
interface Pod {
  readonly cluster: ClusterName;
  readonly arrivesAt: number;
  tag?: number | undefined;
  asked: number;
  startsAt?: number;
}

const pods = (cluster: number, count: number, arrivesAt = (_pod: number) => begin): Pod[] =>
  Array.from({ length: count }, (_, pod) => ({ cluster: clusterNumber(cluster), arrivesAt: arrivesAt(pod), asked: 0 }));

/**
 * Lets every pod ask when it arrives, and again when it was told to come back: in whole seconds, as queues delay, and
 * some milliseconds late, as queues deliver.
 */
function play(waiting: readonly Pod[], until: number, quotas: Quotas = defaultQuotas): Pod[] {
  let state: PacerState = freshPacer(begin);
  const agenda = waiting.map((pod) => ({ pod, at: pod.arrivesAt }));
  let late = 0;
  for (;;) {
    agenda.sort((one, other) => other.at - one.at);
    const next = agenda.pop();
    if (next === undefined || next.at > until) return [...waiting];
    const { pod, at } = next;
    const request: TokenRequest = { cluster: pod.cluster, unit: branch, units: 1, priority: "pod", tag: pod.tag };
    const answered = grantTokens(state, [request], at, quotas);
    state = answered.state;
    const grant = answered.grants[0] as TokenGrant;
    pod.asked += 1;
    pod.tag = grant.tag;
    if (grant.granted === 1) pod.startsAt = grant.startsAt;
    else {
      late = (late + 37) % 110;
      agenda.push({ pod, at: at + Math.ceil((grant.wakeAt - at) / 1_000) * 1_000 + late });
    }
  }
}

const startedBy = (played: readonly Pod[], cluster: number, until: number) =>
  played.filter((pod) => pod.cluster === clusterNumber(cluster) && (pod.startsAt ?? Infinity) <= until).length;

/** When a bucket that was full has been emptied by whoever came first. */
const burstIsOver = begin + 2_000;

/** Jain's index of fairness: 1 when all have the same. https://doi.org/10.48550/arXiv.cs/9809099 */
const jain = (shares: readonly number[]) =>
  shares.reduce((sum, share) => sum + share, 0) ** 2 /
  (shares.length * shares.reduce((sum, share) => sum + share ** 2, 0));

describe("the pacer over time", () => {
  it("P17: gives a lone cluster everything that the account has", () => {
    const until = begin + 60_000;
    const played = play(pods(1, 500), until + 2_000);
    expect(startedBy(played, 1, until)).toBeGreaterThanOrEqual(45 + 60 * 5 - 10);
  });

  it("P15: seldom lets a pod of a lone cluster ask more than twice", () => {
    const played = play(pods(1, 300), begin + 120_000);
    expect(played.every((pod) => pod.startsAt !== undefined)).toBe(true);
    expect(played.reduce((sum, pod) => sum + pod.asked, 0) / played.length).toBeLessThan(2.2);
  });

  it("P17: shares equally among five clusters with the same demand", () => {
    const demand = [1, 2, 3, 4, 5].flatMap((cluster) => pods(cluster, 200));
    const until = begin + 60_000;
    const played = play(demand, until);
    const shares = [1, 2, 3, 4, 5].map(
      (cluster) => startedBy(played, cluster, until) - startedBy(played, cluster, burstIsOver),
    );
    expect(jain(shares)).toBeGreaterThanOrEqual(0.98);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeGreaterThanOrEqual(58 * 5 - 10);
  });

  it("L06: gives a cluster at least nine tenths of its share beside one that asks for much more", () => {
    const until = begin + 60_000;
    const played = play([...pods(1, 2_000), ...pods(2, 300, (pod) => begin + pod * 100)], until);
    expect(startedBy(played, 2, until)).toBeGreaterThanOrEqual(0.9 * 60 * 2.5);
  });

  it("P17: lets a cluster with one pod now and then pass those that wait for many", () => {
    const small = pods(3, 20, (pod) => begin + 5_000 + pod * 2_000);
    const played = play([...pods(1, 500), ...pods(2, 500), ...small], begin + 60_000);
    const waits = played
      .filter((pod) => pod.cluster === clusterNumber(3))
      .map((pod) => (pod.startsAt ?? 0) - pod.arrivesAt);
    expect(Math.max(...waits)).toBeLessThanOrEqual(3_000);
  });

  it("P17: serves a hundred clusters with little capacity without losing rate", () => {
    const demand = Array.from({ length: 100 }, (_, cluster) => pods(cluster, 10)).flat();
    const played = play(demand, begin + 120_000);
    const started = played.filter((pod) => (pod.startsAt ?? Infinity) <= begin + 100_000);
    expect(started.length).toBeGreaterThanOrEqual((45 + 100 * 5) * 0.97);
  });

  it("P18: wakes clean-up that has no tags in turn, though all of it asks at once", () => {
    const unit = { DisassociateTrunkInterface: 1, DeleteNetworkInterface: 1 };
    const request: TokenRequest = { cluster: clusterNumber(1), unit, units: 1, priority: "clean-up" };
    let state: PacerState = freshPacer(begin);
    let agenda = Array.from({ length: 400 }, () => begin);
    let asks = 0;
    let end = begin;
    while (agenda.length > 0) {
      agenda = agenda.sort((one, other) => one - other);
      const at = agenda.shift() as number;
      const answered = grantTokens(state, [request], at, defaultQuotas);
      state = answered.state;
      asks += 1;
      end = at;
      const { granted, wakeAt } = answered.grants[0] as TokenGrant;
      if (granted === 0) agenda.push(at + Math.ceil((wakeAt - at) / 1_000) * 1_000);
    }
    expect(asks / 400).toBeLessThan(2.5);
    expect(end - begin).toBeLessThanOrEqual((400 - 36) * 200 * 1.1);
  });

  it("P17: holds nobody back longer for work whose owner never comes back", () => {
    const ghosts = grantTokens(
      freshPacer(begin),
      [{ cluster: clusterNumber(1), unit: branch, units: 145, priority: "pod" }],
      begin,
      defaultQuotas,
    ).state;
    const request: TokenRequest = { cluster: clusterNumber(2), unit: branch, units: 1, priority: "pod" };
    expect(grantTokens(ghosts, [request], begin + 1_000, defaultQuotas).grants[0]?.granted).toBe(1);
    const relieved = grantTokens(ghosts, [{ ...request, units: 45 }], begin + 10_000, defaultQuotas).grants[0];
    expect(relieved?.granted).toBe(45);
  });
});

interface Asked {
  readonly afterMilliseconds: number;
  readonly cluster: number;
  readonly units: number;
  readonly priority: Priority;
  readonly unit: Partial<Record<Ec2Action, number>>;
  readonly tag: number | undefined;
  readonly comesBack: boolean;
  readonly skewMilliseconds: number;
}

const asked = (skewMax: number): fc.Arbitrary<Asked> =>
  fc.record({
    afterMilliseconds: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 20_000 })),
    cluster: fc.integer({ min: 1, max: 5 }),
    units: fc.integer({ min: 1, max: 60 }),
    priority: fc.constantFrom<Priority[]>("pod", "clean-up", "background"),
    unit: fc.constantFrom<Partial<Record<Ec2Action, number>>[]>(
      branch,
      { [lane]: 1 },
      { CreateNetworkInterface: 2 },
      { [lane]: 2, DescribeInstances: 1 },
    ),
    tag: fc.constantFrom(undefined, undefined, urgentTag, 30),
    comesBack: fc.boolean(),
    skewMilliseconds: fc.integer({ min: 0, max: skewMax }),
  });

/** Plays requests one after the other, some presented again, and lists the starts of one action's calls in true time. */
function startsOf(action: Ec2Action, sequence: readonly Asked[]): { at: number; tokens: number }[] {
  let state = freshPacer(begin);
  let at = begin;
  const starts: { at: number; tokens: number }[] = [];
  let back: TokenRequest[] = [];
  for (const { afterMilliseconds, cluster, comesBack, skewMilliseconds, ...rest } of sequence) {
    at += afterMilliseconds;
    const requests = [...back, { cluster: clusterNumber(cluster), ...rest }];
    const answered = grantTokens(state, requests, at + skewMilliseconds, defaultQuotas);
    state = answered.state;
    for (const [place, { granted, startsAt }] of answered.grants.entries()) {
      starts.push({ at: startsAt - skewMilliseconds, tokens: granted * (requests[place]?.unit[action] ?? 0) });
    }
    back = answered.grants.flatMap(({ granted, tag }, place) => {
      const request = requests[place] as TokenRequest;
      return comesBack && granted < request.units ? [{ ...request, units: request.units - granted, tag }] : [];
    });
  }
  return starts.sort((one, other) => one.at - other.at);
}

/** The least number of tokens that EC2's bucket would ever have held. */
function lowestLevel(starts: readonly { at: number; tokens: number }[], capacity: number, rate: number): number {
  let level = capacity;
  let lowest = capacity;
  let last = begin;
  for (const { at, tokens } of starts) {
    level = Math.min(capacity, level + ((at - last) / 1_000) * rate) - tokens;
    last = at;
    lowest = Math.min(lowest, level);
  }
  return lowest;
}

describe("what the pacer grants", () => {
  const actions = [lane, "CreateNetworkInterface", "DescribeInstances"] as const;

  it("P17: is never more in any time than the usable capacity and the refill of that time", () => {
    fc.assert(
      fc.property(fc.array(asked(0), { maxLength: 40 }), (sequence) => {
        for (const action of actions) {
          const quota = defaultQuotas[action];
          const lowest = lowestLevel(startsOf(action, sequence), usableCapacity(quota), quota.refillPerSecond);
          expect(lowest).toBeGreaterThanOrEqual(-1e-6);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("P18: stays within the account's bucket though the workers' clocks differ by a second", () => {
    fc.assert(
      fc.property(fc.array(asked(1_000), { maxLength: 40 }), (sequence) => {
        for (const action of actions) {
          const { capacity, refillPerSecond } = defaultQuotas[action];
          const lowest = lowestLevel(startsOf(action, sequence), capacity, refillPerSecond);
          expect(lowest).toBeGreaterThanOrEqual(-1e-6);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("P17: starts at most a second ahead, and always tells when to come back", () => {
    fc.assert(
      fc.property(fc.array(asked(0), { minLength: 1, maxLength: 30 }), (sequence) => {
        let state = freshPacer(begin);
        let at = begin;
        for (const { afterMilliseconds, cluster, ...rest } of sequence) {
          at += afterMilliseconds;
          const request = { cluster: clusterNumber(cluster), ...rest };
          const answered = grantTokens(state, [request], at, defaultQuotas);
          state = answered.state;
          const grant = answered.grants[0] as TokenGrant;
          expect(grant.startsAt - at).toBeLessThanOrEqual(1_000);
          expect(grant.granted).toBeLessThanOrEqual(request.units);
          expect(grant.wakeAt).toBeGreaterThanOrEqual(grant.granted < request.units ? at + 1 : at);
          expect(grant.wakeAt - at).toBeLessThanOrEqual(900_000);
        }
      }),
    );
  });

  it("P17: is everything in the end, whoever else asks, when the rest comes back as told", () => {
    fc.assert(
      fc.property(fc.array(asked(0), { maxLength: 15 }), fc.integer({ min: 1, max: 100 }), (before, units) => {
        let state = freshPacer(begin);
        let at = begin;
        for (const { afterMilliseconds, cluster, ...rest } of before) {
          at += afterMilliseconds;
          state = grantTokens(state, [{ cluster: clusterNumber(cluster), ...rest }], at, defaultQuotas).state;
        }
        let request: TokenRequest = { cluster: clusterNumber(9), unit: branch, units, priority: "background" };
        for (let asks = 0; request.units > 0; asks += 1) {
          expect(asks).toBeLessThan(30);
          const answered = grantTokens(state, [request], at, defaultQuotas);
          state = answered.state;
          const { granted, wakeAt, tag } = answered.grants[0] as TokenGrant;
          request = { ...request, units: request.units - granted, tag };
          at = wakeAt;
        }
      }),
    );
  });
});
