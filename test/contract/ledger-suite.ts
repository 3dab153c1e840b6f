import { branded, type ClusterName, type Expectation, keyOf, type Ledger, type LedgerRecord } from "@trunkline/core";
import { beforeEach, describe, expect, it } from "vitest";
import {
  aClaimedBranch,
  aGoneBranch,
  anAssociatedBranch,
  aSighting,
  aTrunk,
  aWaiter,
  aWaitingBranch,
  eniNumber,
  instanceNumber,
  podNumber,
} from "./ledger-records.ts";

/** The time at which the suite's ledgers live, epoch milliseconds. */
export const suiteNow = 1_763_600_010_000;

const put = (record: LedgerRecord, ...expect: readonly Expectation[]) => ({ kind: "put" as const, record, expect });
const absent: Expectation = { name: "absent" };
const present: Expectation = { name: "present" };
const versionIs = (version: number): Expectation => ({ name: "version-is", version });

/**
 * What every implementation of the ledger must do.
 *
 * @param make - makes an empty ledger whose clock shows `suiteNow`.
 */
export function ledgerContract(name: string, make: () => Promise<Ledger>): void {
  describe(`the ledger's contract: ${name}`, () => {
    let ledger: Ledger;
    beforeEach(async () => {
      ledger = await make();
    });

    it("shows an empty partition of an instance that it does not know", async () => {
      const partition = await ledger.load(instanceNumber(1));
      expect(partition).toMatchObject({ instanceId: instanceNumber(1), branches: [] });
      expect(partition.trunk).toBeUndefined();
    });

    it("gives back every kind of record as it was put", async () => {
      const records: readonly LedgerRecord[] = [
        aTrunk(),
        aClaimedBranch({ owner: podNumber(1) }),
        anAssociatedBranch({ owner: podNumber(2), index: 15 }),
        aWaitingBranch({ owner: podNumber(3) }),
        aGoneBranch({ owner: podNumber(4) }),
        aSighting(),
        aWaiter(),
        { kind: "subnet-probe", subnetId: branded("subnet-1"), version: 1, probeAt: 5 },
        { kind: "cluster-node", cluster: branded("c"), instanceId: instanceNumber(1), version: 1 },
        {
          kind: "cluster",
          cluster: branded("c"),
          version: 7,
          incarnation: branded("one"),
          retired: [branded("zero")],
          cooldownSeconds: 30,
          forwarderVersion: "0.1.0",
          groupSets: [["sg-1", "sg-2"], []],
          registeredAt: 6,
          breaker: { failures: ["sg-1"], openUntil: 9 },
        },
      ];
      for (const record of records) {
        expect(await ledger.commit([put(record, absent)])).toBe("committed");
        expect(await ledger.get(keyOf(record))).toEqual(record);
      }
    });

    it("forgets fields that are undefined", async () => {
      await ledger.commit([put(aTrunk({ stepDeadline: undefined, problem: undefined }))]);
      expect(Object.keys((await ledger.get(keyOf(aTrunk()))) ?? {})).not.toContain("problem");
    });

    it("loads the trunk with the branches of its instance and of no other", async () => {
      const records = [aTrunk(), aClaimedBranch({ owner: podNumber(1) }), aGoneBranch({ owner: podNumber(2) })];
      await ledger.commit(records.map((record) => put(record, absent)));
      await ledger.commit([put(aTrunk({ instanceId: instanceNumber(2) }))]);
      const partition = await ledger.load(instanceNumber(1));
      expect([partition.trunk, ...partition.branches]).toEqual(records);
    });

    it("writes all of a transaction or nothing", async () => {
      const clash = [put(aTrunk(), absent), put(aGoneBranch(), versionIs(1))];
      expect(await ledger.commit(clash)).toBe("conflict");
      expect(await ledger.get(keyOf(aTrunk()))).toBeUndefined();
    });

    it("deletes a record, alone and in a transaction", async () => {
      await ledger.commit([put(aTrunk()), put(aSighting())]);
      expect(await ledger.commit([{ kind: "delete", key: keyOf(aSighting()), expect: [versionIs(2)] }])).toBe(
        "conflict",
      );
      expect(await ledger.commit([{ kind: "delete", key: keyOf(aSighting()), expect: [versionIs(1)] }])).toBe(
        "committed",
      );
      expect(await ledger.get(keyOf(aSighting()))).toBeUndefined();
      await ledger.commit([{ kind: "delete", key: keyOf(aTrunk()), expect: [present] }, put(aSighting())]);
      expect(await ledger.get(keyOf(aTrunk()))).toBeUndefined();
    });

    it("checks a record without changing it", async () => {
      await ledger.commit([put(aTrunk())]);
      const check = (version: number) => ({
        kind: "check" as const,
        key: keyOf(aTrunk()),
        expect: [versionIs(version)],
      });
      expect(await ledger.commit([check(1), put(aGoneBranch())])).toBe("committed");
      expect(await ledger.commit([check(2), put(aGoneBranch({ version: 2 }))])).toBe("conflict");
      expect(await ledger.commit([check(1)])).toBe("committed");
      expect(await ledger.get(keyOf(aTrunk()))).toEqual(aTrunk());
    });

    describe.each<[string, Expectation, Expectation]>([
      ["version", versionIs(1), versionIs(2)],
      ["presence", present, absent],
      ["status", { name: "status-in", statuses: ["draining", "ready"] }, { name: "status-in", statuses: ["gone"] }],
      ["generation", { name: "generation-is", generation: 0 }, { name: "generation-is", generation: 1 }],
      [
        "trunk ENI",
        { name: "trunk-eni-is", trunkEniId: eniNumber(1) },
        { name: "trunk-eni-is", trunkEniId: eniNumber(2) },
      ],
      ["slots held", { name: "held-at-most", held: 4 }, { name: "held-at-most", held: 3 }],
    ])("an expectation of %s", (_, holds, fails) => {
      const next = aTrunk({ version: 2, held: 5 });

      it("lets a write through that it fits", async () => {
        await ledger.commit([put(aTrunk({ held: 4 }))]);
        expect(await ledger.commit([put(next, holds)])).toBe("committed");
        expect(await ledger.get(keyOf(aTrunk()))).toEqual(next);
      });

      it("refuses a write that it does not fit, also beside one that does", async () => {
        await ledger.commit([put(aTrunk({ held: 4 }))]);
        expect(await ledger.commit([put(next, fails)])).toBe("conflict");
        expect(await ledger.commit([put(next, holds, fails)])).toBe("conflict");
        expect(await ledger.commit([put(next, fails), put(aGoneBranch())])).toBe("conflict");
        expect(await ledger.load(instanceNumber(1))).toMatchObject({ trunk: { version: 1, held: 4 }, branches: [] });
      });

      it("refuses a write where there is no record, unless absence is expected", async () => {
        expect(await ledger.commit([put(next, holds)])).toBe("conflict");
        expect(await ledger.commit([put(next, fails)])).toBe(fails === absent ? "committed" : "conflict");
      });
    });

    it("P04: lets one of two claims of the same slot through", async () => {
      await ledger.commit([put(aTrunk())]);
      const claim = (pod: number) =>
        ledger.commit([
          put(aTrunk({ version: 2, held: 1 }), versionIs(1), { name: "status-in", statuses: ["ready"] }),
          put(aClaimedBranch({ owner: podNumber(pod) }), absent),
        ]);
      const results = await Promise.all([claim(1), claim(2), claim(3)]);
      expect(results.filter((result) => result === "committed")).toHaveLength(1);
      expect((await ledger.load(instanceNumber(1))).branches).toHaveLength(1);
    });

    it("P03: lets one of two first writes of a pod's record through", async () => {
      const first = (version: number) => ledger.commit([put(aGoneBranch({ version }), absent)]);
      expect((await Promise.all([first(1), first(2)])).sort()).toEqual(["committed", "conflict"]);
    });

    it("commits 100 writes at once, and refuses none, 101, or one record twice as bugs", async () => {
      const branches = (count: number) =>
        Array.from({ length: count }, (_, pod) => put(aGoneBranch({ owner: podNumber(pod) }), absent));
      await expect(ledger.commit([])).rejects.toThrow(RangeError);
      await expect(ledger.commit(branches(101))).rejects.toThrow(RangeError);
      await expect(ledger.commit([put(aTrunk()), put(aTrunk())])).rejects.toThrow(RangeError);
      expect(await ledger.commit(branches(100))).toBe("committed");
      expect((await ledger.load(instanceNumber(1))).branches).toHaveLength(100);
    });

    it("lists the nodes of a cluster in pages of at most 1,000", async () => {
      const cluster = branded<ClusterName>("large");
      const nodes = Array.from({ length: 1_001 }, (_, count) =>
        put({ kind: "cluster-node", cluster, instanceId: instanceNumber(count), version: 1 }),
      );
      for (let from = 0; from < nodes.length; from += 100) await ledger.commit(nodes.slice(from, from + 100));
      const first = await ledger.nodesOf(cluster);
      const second = await ledger.nodesOf(cluster, first.next);
      expect([first.elements.length, second.elements.length, second.next]).toEqual([1_000, 1, undefined]);
      expect(new Set([...first.elements, ...second.elements]).size).toBe(1_001);
      expect(await ledger.nodesOf(branded("small"))).toMatchObject({ elements: [] });
    });

    it("P16: lists the nodes that wait for an address of a subnet, without those whose wait has expired", async () => {
      const waiting = aWaiter({ expiresAt: suiteNow + 1 });
      await ledger.commit([put(waiting), put(aWaiter({ instanceId: instanceNumber(2), expiresAt: suiteNow }))]);
      await ledger.commit([put({ kind: "subnet-probe", subnetId: waiting.subnetId, version: 1, probeAt: 5 })]);
      const { elements } = await ledger.waitersOf(waiting.subnetId);
      expect(elements).toEqual([{ instanceId: waiting.instanceId, cluster: waiting.cluster }]);
    });
  });
}
