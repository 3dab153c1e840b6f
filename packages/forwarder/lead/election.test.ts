import { beforeEach, describe, expect, test } from "vitest";
import type { KubernetesApi } from "../ports/api.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import { createFakeApi, type FakeApi } from "../testing/fake-api.ts";
import { createVirtualClock, type VirtualClock } from "../testing/virtual-clock.ts";
import { createElection, type Election } from "./election.ts";

const leases = "/apis/coordination.k8s.io/v1/leases";
const lease = { namespace: "kube-system", name: "trunkline-forwarder" };
const unreachable = () => Promise.reject(new Error("no route"));

let api: FakeApi;
let clock: VirtualClock;
/** Who believes to lead, and at which virtual time each became so or ceased to be. */
let leaders: Set<string>;
let turns: string[];

beforeEach(() => {
  api = createFakeApi();
  clock = createVirtualClock();
  leaders = new Set();
  turns = [];
});

interface Replica {
  readonly election: Election;
  /** Loses its way to the API server. */
  cut(answer?: KubernetesApi["request"]): void;
  mend(): void;
}

/** A replica whose wall clock is off by so much. */
const aReplica = (identity: string, { skewMilliseconds = 0, random = 0.5 } = {}): Replica => {
  let answer: KubernetesApi["request"] = api.request;
  const skewed: ForwarderClock = { ...clock, now: () => clock.now() + skewMilliseconds };
  const election = createElection({
    api: { ...api, request: (request) => answer(request) },
    clock: skewed,
    random: () => random,
    log: () => {},
    settings: { identity, lease, leaseSeconds: 15, renewSeconds: 10, retrySeconds: 2 },
    onElected: () => {
      leaders.add(identity);
      turns.push(`${identity} leads`);
    },
    onLost: () => {
      leaders.delete(identity);
      turns.push(`${identity} lost`);
    },
  });
  return {
    election,
    cut: (cutAnswer = unreachable) => {
      answer = cutAnswer;
    },
    mend: () => {
      answer = api.request;
    },
  };
};

const spec = () => api.get(leases, lease.name)?.spec as Record<string, unknown>;

/** How many milliseconds pass until the check holds. */
const until = async (check: () => boolean, mostMilliseconds = 60_000): Promise<number> => {
  const startedAt = clock.monotonic();
  while (!check() && clock.monotonic() - startedAt < mostMilliseconds) await clock.advance(100);
  return clock.monotonic() - startedAt;
};

describe("a replica that finds no Lease", () => {
  test("creates it, with its times in microseconds, and leads", async () => {
    aReplica("a").election.start();
    await clock.advance(10);

    expect(turns).toEqual(["a leads"]);
    expect(spec()).toEqual({
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      acquireTime: "2026-01-01T00:00:00.000000Z",
      renewTime: "2026-01-01T00:00:00.000000Z",
      leaseTransitions: 0,
    });
  });

  test("renews it every two seconds and leaves the time of taking it as it was", async () => {
    aReplica("a").election.start();
    await clock.advance(10_100);

    expect(spec()).toMatchObject({
      acquireTime: "2026-01-01T00:00:00.000000Z",
      renewTime: "2026-01-01T00:00:10.000000Z",
      leaseTransitions: 0,
    });
  });
});

test("of two replicas that start at once one leads, for as long as it renews", async () => {
  aReplica("a").election.start();
  aReplica("b").election.start();
  await clock.advance(600_000);

  expect(turns).toHaveLength(1);
});

describe("a leader that is gone without a word", () => {
  test.each([
    ["every attempt is as late as it may be", 0.999_999],
    ["every attempt is as early as it may be", 0],
  ])("is followed in 17.5 s at most when %s", async (_, random) => {
    const dead = aReplica("a", { random });
    const next = aReplica("b", { random });
    dead.election.start();
    await clock.advance(100);
    next.election.start();
    await clock.advance(60_000);

    dead.cut();
    const milliseconds = await until(() => leaders.has("b"));

    expect(milliseconds).toBeGreaterThan(13_000);
    expect(milliseconds).toBeLessThanOrEqual(17_500);
    expect(spec()).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
  });

  test("leads no more before another one does", async () => {
    const cutOff = aReplica("a");
    cutOff.election.start();
    await clock.advance(100);
    aReplica("b").election.start();
    await clock.advance(31_000);

    cutOff.cut();
    expect(await until(() => !leaders.has("a"))).toBeLessThanOrEqual(10_000);
    await clock.advance(20_000);

    expect(turns).toEqual(["a leads", "a lost", "b leads"]);
  });

  test("leads no more in time, also when its requests hang", async () => {
    const cutOff = aReplica("a");
    cutOff.election.start();
    await clock.advance(30_000);

    cutOff.cut(() => new Promise(() => {}));

    expect(await until(() => !leaders.has("a"))).toBeLessThanOrEqual(10_000);
  });

  test("leads again when nobody took the lease meanwhile", async () => {
    const alone = aReplica("a");
    alone.election.start();
    await clock.advance(1_000);
    alone.cut();
    await clock.advance(12_000);
    alone.mend();
    await clock.advance(5_000);

    expect(turns).toEqual(["a leads", "a lost", "a leads"]);
    expect(spec()).toMatchObject({ leaseTransitions: 1 });
  });
});

test("clocks that are hours apart make no difference, because only what changes on the own clock counts", async () => {
  aReplica("a", { skewMilliseconds: -7_200_000 }).election.start();
  await clock.advance(100);
  aReplica("b", { skewMilliseconds: 7_200_000 }).election.start();
  await clock.advance(120_000);

  expect(turns).toEqual(["a leads"]);
});

test("a replica that starts waits a whole lease before it takes one that is old by its time of renewal", async () => {
  api.put(leases, {
    metadata: { ...lease },
    spec: { holderIdentity: "dead", leaseDurationSeconds: 15, renewTime: "2020-01-01T00:00:00.000000Z" },
  });
  aReplica("a").election.start();
  await clock.advance(14_900);
  expect(turns).toEqual([]);

  await clock.advance(400);
  expect(turns).toEqual(["a leads"]);
});

test("the lease says itself how long it is good", async () => {
  api.put(leases, { metadata: { ...lease }, spec: { holderIdentity: "dead", leaseDurationSeconds: 3 } });
  aReplica("a").election.start();
  await clock.advance(3_400);

  expect(turns).toEqual(["a leads"]);
});

test("a lease that is given back is taken at the next attempt, about two seconds later", async () => {
  const first = aReplica("a");
  first.election.start();
  await clock.advance(100);
  aReplica("b").election.start();
  await clock.advance(30_000);

  await first.election.release();
  expect(spec()).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1, leaseTransitions: 0 });

  expect(await until(() => leaders.has("b"))).toBeLessThanOrEqual(2_200);
  expect(spec()).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
});

test("a replica that does not lead gives nothing back", async () => {
  aReplica("a").election.start();
  await clock.advance(100);
  const standby = aReplica("b");
  standby.election.start();
  await clock.advance(5_000);

  await standby.election.release();
  await clock.advance(60_000);

  expect(turns).toEqual(["a leads"]);
  expect(spec()).toMatchObject({ holderIdentity: "a" });
});

test("a leader whose lease was taken leads no more from its next attempt on", async () => {
  aReplica("a").election.start();
  await clock.advance(5_000);
  api.put(leases, { metadata: { ...lease }, spec: { holderIdentity: "thief", leaseDurationSeconds: 15 } });
  await clock.advance(2_300);

  expect(turns).toEqual(["a leads", "a lost"]);
});

test("of two replicas that take a free lease at once, the one that was second loses nothing and waits", async () => {
  api.put(leases, { metadata: { ...lease }, spec: { holderIdentity: "" } });
  const [first, second] = [aReplica("a"), aReplica("b")];
  first.election.start();
  second.election.start();
  await clock.advance(100);

  expect(turns).toEqual(["a leads"]);
});

test("what others wrote into the Lease stays there", async () => {
  api.put(leases, {
    metadata: { ...lease, labels: { team: "network" } },
    spec: { holderIdentity: "", strategy: "OldestEmulationVersion" },
  });
  aReplica("a").election.start();
  await clock.advance(100);

  expect(api.get(leases, lease.name)?.metadata.labels).toEqual({ team: "network" });
  expect(spec()).toMatchObject({ strategy: "OldestEmulationVersion", holderIdentity: "a" });
});

describe("an API server that is slow", () => {
  /** Answers, so much later. */
  const slowly =
    (milliseconds: number): KubernetesApi["request"] =>
    async (request) => {
      const answer = await api.request(request);
      await new Promise<void>((resolve) => void clock.after(milliseconds, resolve));
      return answer;
    };

  test("gives no leader more time than from its question: what was renewed then may long have ended", async () => {
    const leader = aReplica("a");
    leader.election.start();
    await clock.advance(1_900);
    // The renewal that is asked for at 2 s is answered 4 s later, and is the last one.
    leader.cut(slowly(2_000));
    await clock.advance(4_300);
    leader.cut();

    await clock.advance(5_700);
    expect(leaders).toEqual(new Set(["a"]));
    await clock.advance(200);
    expect(leaders).toEqual(new Set());
  });

  test("gets a lease back also when a renewal was under way", async () => {
    const leader = aReplica("a");
    leader.election.start();
    await clock.advance(1_900);
    leader.cut(slowly(500));
    await clock.advance(700);

    const released = leader.election.release();
    await clock.advance(5_000);
    await released;

    expect(spec()).toMatchObject({ holderIdentity: "" });
  });
});
