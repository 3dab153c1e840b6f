import { branded, type Clock, type ClusterName, defaultQuotas, type Pacer, type Quotas } from "@trunkline/core";
import { beforeEach, describe, expect, it } from "vitest";

/** A clock that stands still but for `sleep` and for what a test adds. */
export interface SteppedClock extends Clock {
  add(milliseconds: number): void;
}

/** Makes a clock that begins at some time. */
export function createSteppedClock(): SteppedClock {
  let now = 1_763_600_000_000;
  return {
    now: () => now,
    sleep: async (milliseconds) => {
      now += Math.ceil(milliseconds);
    },
    add: (milliseconds) => {
      now += milliseconds;
    },
  };
}

const cluster = (name: string): ClusterName => branded(name);

/** A request for so many branches. */
export const branches = (units: number, name = "a", tag?: number) => ({
  cluster: cluster(name),
  unit: { CreateNetworkInterface: 1, AssociateTrunkInterface: 1 },
  units,
  priority: "pod" as const,
  tag,
});

/**
 * What every implementation of the pacer must do.
 *
 * @param make - makes an account with full buckets; what it gives makes one worker of that account after the other.
 */
export function pacerContract(name: string, make: (clock: Clock, quotas: Quotas) => Promise<() => Pacer>): void {
  describe(`the pacer's contract: ${name}`, () => {
    let clock: SteppedClock;
    let worker: () => Pacer;
    beforeEach(async () => {
      clock = createSteppedClock();
      worker = await make(clock, defaultQuotas);
    });

    it("answers each request of a batch in its place", async () => {
      const grants = await worker().ask([branches(40), branches(20), branches(1)]);
      expect(grants.map(({ granted }) => granted)).toEqual([40, 10, 0]);
      expect(grants[1]).toMatchObject({ startsAt: clock.now() + 1_000, expiresAt: clock.now() + 3_000 });
      expect(await worker().ask([])).toEqual([]);
    });

    it("gives the tokens of one account to all of its workers", async () => {
      const [one, two] = [worker(), worker()];
      await one.ask([branches(30)]);
      expect((await two.ask([branches(20)]))[0]?.granted).toBe(20);
      clock.add(2_000);
      expect((await one.ask([branches(30)]))[0]?.granted).toBe(10);
    });

    it("gives no token twice to workers that ask at the same time", async () => {
      const grants = await Promise.all(Array.from({ length: 6 }, () => worker().ask([branches(20)])));
      const granted = grants.flat().reduce((sum, grant) => sum + grant.granted, 0);
      expect(granted).toBeLessThanOrEqual(51);
      expect(granted).toBeGreaterThanOrEqual(45);
    });

    it("P17: keeps the turn of what waits", async () => {
      const pacer = worker();
      const [first] = await pacer.ask([branches(60)]);
      await worker().ask([branches(300)]);
      clock.add((first?.wakeAt ?? 0) - clock.now());
      const [again] = await pacer.ask([branches(15, "a", first?.tag)]);
      expect(again?.granted).toBe(15);
    });

    it("P17: lets another cluster in between", async () => {
      const pacer = worker();
      await pacer.ask([branches(45), branches(5), branches(300)]);
      clock.add(1_000);
      const grants = await pacer.ask([branches(1), branches(1, "b")]);
      expect(grants.map(({ granted }) => granted)).toEqual([0, 1]);
    });

    it("P18: tells every worker of a throttle", async () => {
      await worker().report({ AssociateTrunkInterface: { made: 1, throttled: 1 } });
      expect((await worker().ask([branches(20)]))[0]?.granted).toBe(5);
    });

    it("P18: lowers the rate after many throttles, and only of that action", async () => {
      const pacer = worker();
      await pacer.report({ AssociateTrunkInterface: { made: 100, throttled: 50 } });
      clock.add(2_000);
      const release = { ...branches(20), unit: { DeleteNetworkInterface: 1 } };
      const grants = await pacer.ask([branches(20), release]);
      expect(grants.map(({ granted }) => granted)).toEqual([13, 20]);
    });
  });
}
