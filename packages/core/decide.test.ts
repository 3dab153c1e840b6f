import { describe, expect, it } from "vitest";
import {
  branchesPerClaimMax,
  branded,
  decide,
  isTorn,
  keyOf,
  type LedgerRecord,
  mendedTrunk,
  withWrites,
} from "./index.ts";
import { decided, envelopesOf, instanceId, nodeLook, observed, recordsOf, version } from "./testing/arrivals.ts";
import { modelContext, modelTrunk } from "./testing/model-node.ts";
import {
  associatedBranch,
  clusterRecord,
  coolingBranch,
  goneBranch,
  partitionOf,
  releasingBranch,
  start,
  vlan,
  waitingBranch,
} from "./testing/records.ts";

describe("a pod on a full node", () => {
  const full = [1, 2, 3].map((number) => associatedBranch(`pod-${number}`, vlan(number)));

  it("waits for room, and is told", () => {
    const decision = decided(partitionOf(full), [observed("pod-9")]);

    expect(recordsOf(decision)).toMatchObject([{ status: "waiting", reason: "node-full", chain: 1 }]);
    expect(envelopesOf(decision)).toMatchObject([
      { to: "pod-events", delaySeconds: 120 },
      { body: { type: "PodEniDelayed" } },
    ]);
  });

  it("waits until the oldest branch has cooled when there is no token to cut it", () => {
    const cooling = [coolingBranch("pod-1", vlan(1)), ...full.slice(1)];

    expect(recordsOf(decided(partitionOf(cooling), [observed("pod-9")], {}, 0))).toMatchObject([
      { status: "waiting", reason: "node-full", wakeAt: start + 5_000 },
    ]);
  });

  it("P20: waits with a reason of its own where no VLAN ID is to spare, and takes a branch that has cooled", () => {
    const cooling = [coolingBranch("pod-1", vlan(1)), ...full.slice(1)];
    const vlans = "f".repeat(30);
    expect(recordsOf(decided(partitionOf(cooling, { vlans }), [observed("pod-9")]))).toMatchObject([
      { reason: "vlan-ids-cooling", wakeAt: start + 62_000 },
    ]);

    const other = { securityGroups: ["sg-b"] };
    const cooled = [coolingBranch("pod-1", { ...vlan(1), coolUntil: start }), ...full.slice(1)];
    expect(recordsOf(decided(partitionOf(cooled, { vlans }), [observed("pod-9", other)]))).toMatchObject([
      { status: "releasing", deleteNotBefore: start },
      { status: "waiting", reason: "node-full" },
    ]);
  });

  it("P20: of several ENIs counts only the slots that are missing", () => {
    const cooling = [coolingBranch("pod-1", vlan(1)), coolingBranch("pod-2", vlan(2))];
    const decision = decided(partitionOf(cooling), [observed("pod-9", { enis: 2, securityGroups: ["sg-b"] })]);

    expect(recordsOf(decision).filter((record) => "status" in record && record.status === "releasing")).toHaveLength(1);
  });
});

describe("a claim", () => {
  it("takes no more branches than a transaction holds; the rest comes at once", () => {
    const pods = Array.from({ length: 7 }, (_, number) => observed(`pod-${number}`, { enis: 16 }));
    const decision = decided(partitionOf([], { branchesMax: 120 }), pods);
    const claims = recordsOf(decision).filter((record) => "status" in record && record.status === "claimed");

    expect(claims).toHaveLength(96);
    expect(claims.length).toBeLessThanOrEqual(branchesPerClaimMax);
    expect(recordsOf(decision)).toContainEqual(expect.objectContaining({ status: "waiting", reason: "rate-limit" }));
  });

  it("does not overwrite a record whose VLAN ID would be lost with it", () => {
    const undone = releasingBranch("pod-1", { index: 1, eni: undefined, associationId: undefined });
    const decision = decided(partitionOf([goneBranch("pod-1"), undone]), [observed("pod-1")]);

    expect(recordsOf(decision)).toMatchObject([{ status: "waiting", reason: "step-under-way" }]);
  });

  it("P17: shows the tag of its earlier request, and lets those behind a refused one wait without asking", () => {
    const partition = partitionOf([waitingBranch("pod-1", { reason: "rate-limit", pacerTag: 42 })]);
    const proposal = decide(partition, [observed("pod-1", {}, 1), observed("pod-2")], modelContext(start));
    expect(proposal.asks).toMatchObject([{ request: { tag: 42 } }, { request: { tag: undefined } }]);

    const grants = new Map([
      ["branch:pod-1", { granted: 0, startsAt: start, expiresAt: start, wakeAt: start + 5_000, tag: 42 }],
    ]);
    const decision = decide(partition, [observed("pod-1", {}, 1), observed("pod-2")], modelContext(start, { grants }));
    expect(decision.asks).toEqual([]);
    expect(recordsOf(decision)).toMatchObject([
      { owner: "pod-1", pacerTag: 42, wakeAt: start + 5_000 },
      { owner: "pod-2", wakeAt: start + 5_000 },
    ]);
  });

  it("waits behind a gate, and keeps the reason of a pod that waits for the quota", () => {
    const probes = new Map([
      [
        modelTrunk().subnetId,
        { kind: "subnet-probe", subnetId: modelTrunk().subnetId, version: 1, probeAt: start } as const,
      ],
    ]);
    const partition = partitionOf([waitingBranch("pod-2", { reason: "eni-quota" })]);
    const decision = decided(partition, [observed("pod-2", {}, 1), observed("pod-1"), observed("pod-3")], { probes });

    expect(recordsOf(decision)).toMatchObject([
      { owner: "pod-1", reason: "subnet-full" },
      { owner: "pod-3", reason: "subnet-full" },
      { kind: "trunk" },
      { owner: "pod-2", status: "claimed" },
      { kind: "subnet-probe", version: 2 },
    ]);
    const later = new Map([...probes].map(([id, probe]) => [id, { ...probe, probeAt: start + 1 }]));
    expect(recordsOf(decided(partition, [observed("pod-2", {}, 1)], { probes: later }))).toMatchObject([
      { owner: "pod-2", reason: "eni-quota" },
    ]);
  });
});

describe("P15: a waiting pod", () => {
  const waiting = waitingBranch("pod-1", { reason: "subnet-full", chain: 3 });
  const partition = partitionOf([waiting]);

  it("is served by its current number or a later one, not by an earlier one", () => {
    expect(decide(partition, [observed("pod-1", {}, 3)], modelContext(start)).asks).toHaveLength(1);
    expect(decide(partition, [observed("pod-1", {}, 2)], modelContext(start))).toMatchObject({ steps: [], asks: [] });
  });

  it("is sent its next copy again by the redelivery of the number before", () => {
    const redelivered = { ...observed("pod-1", {}, 2), receiveCount: 2 };

    expect(envelopesOf(decided(partition, [redelivered]))).toMatchObject([{ body: { chain: 3 } }]);
  });

  it("is served anew when a newer version of it wishes something else", () => {
    expect(decide(partition, [observed("pod-1")], modelContext(start)).asks).toEqual([]);
    expect(decide(partition, [observed("pod-1", { securityGroups: ["sg-b"] })], modelContext(start)).asks).toHaveLength(
      1,
    );
    expect(decide(partition, [observed("pod-1", { enis: 2 })], modelContext(start)).asks).toHaveLength(1);
  });

  it("stops after an hour, and begins again with whatever message finds it overdue", () => {
    const now = start + 3_700_000;
    const old = { ...partition, trunk: modelTrunk({ status: "requested" }) };
    const current = { ...waiting, wakeAt: now };
    const stopped = decided({ ...old, branches: [current] }, [observed("pod-1", {}, 3)], { now });
    expect(envelopesOf(stopped)).toMatchObject([{ to: "outcomes" }]);

    const again = decided(old, [{ ...observed("pod-1"), sentAt: now }], { now });
    expect(recordsOf(again)).toMatchObject([{ chain: 4, since: now }]);
    expect(envelopesOf(again)).toMatchObject([{ to: "pod-events" }, { to: "outcomes" }]);
  });

  it("that was told nothing yet is told when the wait gets longer", () => {
    const quiet = partitionOf([waitingBranch("pod-1", { reason: "rate-limit", told: false })]);
    const grants = new Map([
      ["branch:pod-1", { granted: 0, startsAt: start, expiresAt: start, wakeAt: start + 500, tag: 1 }],
    ]);
    expect(envelopesOf(decide(quiet, [observed("pod-1", {}, 1)], modelContext(start, { grants })))).toHaveLength(1);
    expect(envelopesOf(decided(quiet, [observed("pod-1", {}, 1)], {}, 0))).toMatchObject([{}, { to: "outcomes" }]);
  });

  it("keeps its own timer when somebody else's message finds no room for it, and its new reason is written", () => {
    const full = [1, 2, 3].map((number) => associatedBranch(`pod-${number + 1}`, vlan(number)));
    const early = waitingBranch("pod-1", { reason: "trunk-not-ready", chain: 2 });
    const decision = decided(partitionOf([...full, early]), [nodeLook]);

    expect(recordsOf(decision)).toMatchObject([{ reason: "node-full", chain: 2, wakeAt: early.wakeAt }]);
    expect(envelopesOf(decision)).toMatchObject([{ to: "outcomes" }]);
    expect(decided(partitionOf([...full, waitingBranch("pod-1")]), [nodeLook]).steps).toEqual([]);
  });

  it("is woken by a look at its node when its chain was lost", () => {
    const now = start + 400_000;
    expect(
      envelopesOf(decided(partitionOf([waitingBranch("pod-1", { reason: "refused" })]), [nodeLook], { now })),
    ).toMatchObject([{ to: "pod-events", delaySeconds: 0 }]);
  });
});

describe("an observation", () => {
  it("of a pod whose branch is on its way out moves that branch, if the pod is newer", () => {
    const partition = partitionOf([coolingBranch("pod-1")]);

    expect(recordsOf(decided(partition, [observed("pod-1")]))).toMatchObject([
      { owner: "eni-of-pod-1", status: "cooling" },
      { kind: "trunk" },
      { owner: "pod-1", status: "claimed" },
    ]);
    expect(decided(partition, [observed("pod-1", { resourceVersion: version(100) })]).steps).toEqual([]);
    const undone = partitionOf([releasingBranch("pod-1", { eni: undefined, associationId: undefined })]);
    expect(decided(undone, [observed("pod-1")]).steps).toEqual([]);
  });

  it("that is stale asks for a snapshot, also where no trunk is known", () => {
    const stale = { ...observed("pod-1"), sentAt: start - 901_000 };

    expect(envelopesOf(decided({ instanceId, branches: [] }, [stale]))).toMatchObject([
      { body: { type: "SnapshotRequested" } },
    ]);
  });

  it("of a pod on a node without a trunk waits for it (P13)", () => {
    expect(recordsOf(decided({ instanceId, branches: [] }, [observed("pod-1")]))).toMatchObject([
      { status: "waiting", reason: "trunk-not-ready" },
    ]);
  });
});

describe("a partition", () => {
  it("that lacks a bit or a slot is torn, and mended from its branches", () => {
    const torn = { ...partitionOf([associatedBranch("pod-1")]), trunk: modelTrunk() };

    expect(isTorn(torn)).toBe(true);
    expect(mendedTrunk(torn)).toMatchObject({ held: 1, vlans: `${"0".repeat(29)}1` });
    expect(isTorn(partitionOf([associatedBranch("pod-1")]))).toBe(false);
    expect(isTorn({ instanceId, branches: [] })).toBe(false);
    expect(isTorn({ ...torn, trunk: modelTrunk({ held: 1 }) })).toBe(true);
  });

  it("shows what was written and removed, and passes over the records of others", () => {
    const partition = partitionOf([goneBranch("pod-1")]);
    const branch = partition.branches[0] as LedgerRecord;
    const others = [
      clusterRecord(),
      { kind: "cluster-node", cluster: clusterRecord().cluster, instanceId, version: 1 },
      { kind: "sighting", eniId: branded("eni-1"), version: 1, firstSeenAt: 0, claimed: false, expiresAt: 0 },
      { kind: "subnet-probe", subnetId: modelTrunk().subnetId, version: 1, probeAt: 0 },
      {
        kind: "subnet-waiter",
        subnetId: modelTrunk().subnetId,
        instanceId,
        cluster: clusterRecord().cluster,
        version: 1,
        expiresAt: 0,
      },
    ] as readonly LedgerRecord[];
    const writes = [
      ...others.map((record) => ({ kind: "put", record, expect: [] }) as const),
      { kind: "delete", key: keyOf(branch), expect: [] } as const,
      { kind: "delete", key: { kind: "trunk", instanceId }, expect: [] } as const,
    ];

    expect(withWrites(partition, writes)).toEqual({ instanceId, trunk: undefined, branches: [] });
  });
});
