import { describe, expect, it } from "vitest";
import {
  type Arrival,
  assignedOutcome,
  type BranchRecord,
  branded,
  type CoolingBranch,
  type EniId,
  putTrunk,
  type SubnetId,
} from "./index.ts";
import { decided, ended, envelopesOf, instanceId, looked, observed, recordsOf, version } from "./testing/arrivals.ts";
import { modelTrunk } from "./testing/model-node.ts";
import {
  associatedBranch,
  claimedBranch,
  clusterRecord,
  coolingBranch,
  createdBranch,
  goneBranch,
  partitionOf,
  releasingBranch,
  start,
  vlan,
  waitingBranch,
} from "./testing/records.ts";

describe("the end of a pod", () => {
  const redelivered = (arrival: Arrival): Arrival => ({ ...arrival, receiveCount: 2 });

  it("P03: that nobody has seen leaves a tombstone, and one that is gone changes nothing", () => {
    expect(recordsOf(decided(partitionOf([]), [ended("pod-1")]))).toMatchObject([{ status: "gone", version: 1 }]);
    expect(decided(partitionOf([goneBranch("pod-1")]), [ended("pod-1")]).steps).toEqual([]);
    const tombstone = partitionOf([goneBranch("pod-1", { podVersion: version(200) })]);
    expect(decided(tombstone, [observed("pod-1")]).steps).toEqual([]);
  });

  it("P09: of an older version changes nothing", () => {
    expect(
      decided(partitionOf([associatedBranch("pod-1")]), [ended("pod-1", { resourceVersion: version(99) })]).steps,
    ).toEqual([]);
  });

  it("ends its wish, undoes its creation, or lets its branch cool and looks at it in time", () => {
    const statusAfter = (branch: BranchRecord) => recordsOf(decided(partitionOf([branch]), [ended("pod-1")]));

    expect(statusAfter(waitingBranch("pod-1"))).toMatchObject([{ status: "gone" }]);
    expect(statusAfter(claimedBranch("pod-1"))).toMatchObject([{ status: "releasing" }]);
    expect(statusAfter(createdBranch("pod-1"))).toMatchObject([{ status: "releasing" }]);
    const decision = decided(partitionOf([associatedBranch("pod-1")]), [ended("pod-1")]);
    expect(recordsOf(decision)).toMatchObject([{ status: "cooling", unconfirmed: false, coolUntil: start + 62_000 }]);
    expect(envelopesOf(decision)).toMatchObject([{ to: "branch-cooldown", delaySeconds: 62 }]);
  });

  it("confirms a cool-down that a snapshot began, and then only the cool-down counts (P11)", () => {
    const partition = partitionOf([coolingBranch("pod-1", { unconfirmed: true, coolUntil: start + 900_000 })]);

    expect(recordsOf(decided(partition, [ended("pod-1")]))).toMatchObject([
      { unconfirmed: false, coolUntil: start + 62_000 },
    ]);
  });

  it("that comes again sends the look again that may be lost, and one that comes twice does not", () => {
    for (const branch of [coolingBranch("pod-1"), releasingBranch("pod-1")]) {
      expect(decided(partitionOf([branch]), [ended("pod-1")]).steps).toEqual([]);
      expect(envelopesOf(decided(partitionOf([branch]), [redelivered(ended("pod-1"))]))).toMatchObject([
        { to: "branch-cooldown" },
      ]);
    }
  });

  it("P21: that was forced cools for the grace period and 30 s more, between floor and maximum", () => {
    const coolUntilOf = (changes: object, registration?: ReturnType<typeof clusterRecord>) =>
      recordsOf(decided(partitionOf([associatedBranch("pod-1")]), [ended("pod-1", changes)], { registration }));

    expect(coolUntilOf({ forcedGraceSeconds: 100 })).toMatchObject([{ coolUntil: start + 132_000 }]);
    expect(coolUntilOf({ forcedGraceSeconds: 1 })).toMatchObject([{ coolUntil: start + 62_000 }]);
    expect(coolUntilOf({ forcedGraceSeconds: 9_999 })).toMatchObject([{ coolUntil: start + 3_602_000 }]);
    expect(coolUntilOf({}, clusterRecord({ cooldownSeconds: 1 }))).toMatchObject([{ coolUntil: start + 32_000 }]);
    expect(coolUntilOf({}, clusterRecord({ cooldownSeconds: 9_999 }))).toMatchObject([
      { coolUntil: start + 3_602_000 },
    ]);
  });
});

describe("P05: reuse", () => {
  const cooled = (owner: string, changes: Partial<CoolingBranch> = {}) =>
    coolingBranch(owner, { coolUntil: start - 1, ...changes });
  const statuses = (branches: readonly BranchRecord[]) =>
    recordsOf(decided(partitionOf(branches), [observed("pod-9")])).map((record) => "status" in record && record.status);

  it("takes the branch that cooled last, and ends its old record", () => {
    const partition = partitionOf([
      cooled("pod-1", { ...vlan(1), coolUntil: start - 9_000 }),
      cooled("pod-2", vlan(2)),
    ]);
    const decision = decided(partition, [observed("pod-9")]);

    expect(recordsOf(decision)).toMatchObject([
      { owner: "pod-2", status: "gone" },
      { owner: "pod-9", status: "associated", vlanId: 2 },
    ]);
    expect(envelopesOf(decision)).toMatchObject([{ body: { type: "PodEniAssigned", enis: [{ vlanId: 2 }] } }]);
    expect(decision.steps[0]?.writes[0]).toMatchObject({ kind: "check", expect: [{}, { trunkEniId: "eni-trunk" }] });
  });

  it("removes the record of an ENI that no pod owned", () => {
    const decision = decided(partitionOf([cooled("eni-0123")]), [observed("pod-9")]);

    expect(decision.steps[0]?.writes).toMatchObject([{ kind: "check" }, { kind: "delete" }, { kind: "put" }]);
  });

  it("never takes a branch that still cools, is unconfirmed, or differs in trunk, subnet, groups or IPv6", () => {
    const { request } = cooled("pod-1");
    expect(statuses([cooled("pod-1")])).toEqual(["gone", "associated"]);
    for (const changes of [
      { coolUntil: start + 1 },
      { unconfirmed: true },
      { trunkEniId: branded<EniId>("eni-other") },
      { request: { ...request, subnetId: branded<SubnetId>("subnet-2") } },
      { request: { ...request, securityGroups: [] } },
      { request: { ...request, ipv6: true } },
    ]) {
      expect(statuses([cooled("pod-1", changes)])).toEqual(["ready", "claimed"]);
    }
  });

  it("P22: keeps idle branches only while policies name their groups, alone or joined", () => {
    const kept = (groupSets: readonly (readonly string[])[]) =>
      envelopesOf(
        decided(partitionOf([cooled("pod-1")]), [looked("pod-1")], { registration: clusterRecord({ groupSets }) }),
      ).length === 1;

    expect(kept([["sg-a"], ["sg-b"]])).toBe(true);
    expect(kept([["sg-b"]])).toBe(false);
    expect(kept([["sg-a", "sg-b"]])).toBe(false);
  });
});

describe("what is not decided", () => {
  it("S11: is anything about another cluster's instance", () => {
    const decision = decided(partitionOf([]), [observed("pod-1")], { cluster: branded("red") });

    expect(decision).toMatchObject({ steps: [], asks: [], notes: [{ fields: { instanceId } }] });
  });

  it("is a wish beyond the limits: its pod is told, and it waits for its slow retry", () => {
    const decision = decided(partitionOf([]), [observed("pod-1", { enis: 17 })]);

    expect(recordsOf(decision)).toMatchObject([{ reason: "refused", problem: "TooManyNetworkInterfaces" }]);
    expect(envelopesOf(decision)).toMatchObject([
      {},
      { body: { type: "PodEniFailed", code: "TooManyNetworkInterfaces" } },
    ]);
  });

  it("is a second request for a snapshot within a minute", () => {
    const stale = { ...observed("pod-1"), sentAt: start - 901_000 };

    expect(recordsOf(decided(partitionOf([]), [stale, stale]))).toMatchObject([{ snapshotAskedAt: start }]);
    expect(decided(partitionOf([], { snapshotAskedAt: start - 59_000 }), [stale]).steps).toEqual([]);
  });
});

describe("a trunk's record", () => {
  it("is put where nothing was, or in the place of the one that was read", () => {
    expect(putTrunk(modelTrunk(), undefined)).toMatchObject({ record: { version: 1 }, expect: [{ name: "absent" }] });
    expect(putTrunk(modelTrunk(), modelTrunk({ version: 4 }))).toMatchObject({
      record: { version: 5 },
      expect: [{ version: 4 }, { statuses: ["ready"] }],
    });
  });

  it("is of no assignment without its branches", () => {
    expect(assignedOutcome(partitionOf([associatedBranch("pod-1", { enis: 2 })]), "pod-1")).toEqual([]);
    expect(assignedOutcome({ ...partitionOf([associatedBranch("pod-1")]), trunk: undefined }, "pod-1")).toEqual([]);
    const second = associatedBranch("pod-1", { enis: 2, index: 1, ...vlan(2) });
    const first = associatedBranch("pod-1", { enis: 2 });
    expect(assignedOutcome(partitionOf([second, first]), "pod-1")).toMatchObject([
      { body: { enis: [{ vlanId: 1 }, { vlanId: 2 }] } },
    ]);
  });
});
