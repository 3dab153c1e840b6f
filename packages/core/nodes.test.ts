import { describe, expect, it } from "vitest";
import { type Arrival, branded } from "./index.ts";
import { decided, envelopesOf, from, instanceId, nodeLook, recordsOf, version } from "./testing/arrivals.ts";
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

describe("a node", () => {
  const node = (changes: object = {}): Arrival => ({
    sentAt: start,
    receiveCount: 1,
    event: { ...from, type: "NodeObserved", resourceVersion: version(1), wantsTrunk: true, ...changes },
  });

  it("without a record is looked at in EC2 when it wants a trunk", () => {
    expect(decided({ instanceId, branches: [] }, [node()]).steps).toMatchObject([{ work: [{ kind: "trunk" }] }]);
    expect(decided({ instanceId, branches: [] }, [node({ wantsTrunk: false })]).steps).toEqual([]);
  });

  it("is told again that it is ready, judged again when it was refused, and left alone when it has ended", () => {
    expect(envelopesOf(decided(partitionOf([]), [node()]))).toMatchObject([{ body: { type: "NodeTrunkReady" } }]);
    for (const status of ["unsupported", "refused"] as const) {
      const heard = partitionOf([], { status, nodeVersion: version(1) });
      expect(decided(heard, [node()]).steps).toMatchObject([{ work: [{ kind: "trunk", node: {} }] }]);
    }
    expect(decided(partitionOf([], { status: "gone", nodeVersion: version(1) }), [node()]).steps).toEqual([]);
  });

  it("whose trunk is on its way waits for the worker that is at it, and goes on when it is overdue", () => {
    const busy = partitionOf([], { status: "created", stepDeadline: start + 1_000 });
    expect(envelopesOf(decided(busy, [node()]))).toMatchObject([{ body: { type: "NodeLook" }, delaySeconds: 1 }]);
    expect(decided(partitionOf([], { status: "created", stepDeadline: start }), [nodeLook]).steps).toMatchObject([
      { work: [{ kind: "trunk" }] },
    ]);
    expect(decided({ instanceId, branches: [] }, [nodeLook]).steps).toEqual([]);
  });

  it("that wants its trunk again is carried on from what this very decision has written down", () => {
    const partition = partitionOf([], { status: "created", stepDeadline: start, wanted: false });

    const [{ writes: [observation] = [] } = {}, { writes: [step] = [] } = {}] = decided(partition, [node()]).steps;

    const expecting = (number: number) => expect.arrayContaining([{ name: "version-is", version: number }]);
    expect(observation).toMatchObject({ record: { version: 2, wanted: true }, expect: expecting(1) });
    expect(step).toMatchObject({ record: { version: 3 }, expect: expecting(2) });
  });

  it("is not changed by an observation that a newer one has overtaken, which only carries on what is wanted", () => {
    const late = node({ resourceVersion: version(9), wantsTrunk: false });
    const newer = partitionOf([], { nodeVersion: version(10) });

    expect(recordsOf(decided(newer, [late]))).toEqual([]);
    expect(envelopesOf(decided(newer, [late]))).toMatchObject([{ body: { type: "NodeTrunkReady" } }]);
    expect(recordsOf(decided(partitionOf([], { nodeVersion: version(8) }), [late]))).toMatchObject([
      { wanted: false, nodeVersion: version(9) },
    ]);
    expect(
      recordsOf(decided(partitionOf([], { nodeVersion: version(9) }), [node({ resourceVersion: version(9) })])),
    ).toEqual([]);
  });

  it("whose ENIConfig has changed is looked up in EC2, unless its trunk has ended or the observation is older", () => {
    const eniConfig = { name: "zone-a", subnetId: "subnet-2", securityGroups: [] };
    const looksUp = (trunk: Parameters<typeof partitionOf>[1]) =>
      decided(partitionOf([], trunk), [node({ eniConfig })]).steps.some(({ work }) => work.length > 0);

    expect(looksUp({})).toBe(true);
    expect(looksUp({ status: "attached", stepDeadline: start + 1_000 })).toBe(true);
    expect(looksUp({ eniConfig: "subnet-2" })).toBe(false);
    expect(looksUp({ status: "draining" })).toBe(false);
    expect(looksUp({ nodeVersion: version(2) })).toBe(false);
  });

  it("that is looked at lets overdue steps be finished and unwanted idle branches go", () => {
    const now = start + 500_000;
    const branches = [
      claimedBranch("pod-1", vlan(1)),
      createdBranch("pod-2", vlan(2)),
      coolingBranch("pod-3", vlan(3)),
      releasingBranch("pod-4", { ...vlan(4), holdsSlot: false, associationId: undefined }),
      associatedBranch("pod-5", vlan(5)),
      goneBranch("pod-6"),
    ];
    const registration = clusterRecord({ groupSets: [["sg-b"]] });
    const decision = decided(partitionOf(branches, { branchesMax: 9 }), [nodeLook], { now, registration });

    expect(decision.steps.flatMap(({ work }) => work)).toMatchObject([
      { owner: "pod-1" },
      { owner: "pod-2" },
      { owner: "pod-3" },
      { owner: "pod-4" },
    ]);
    expect(decided(partitionOf(branches, { branchesMax: 9 }), [nodeLook]).steps).toEqual([]);
  });

  it("that ends twice ends once", () => {
    const ended = (state: "terminated" | "shutting-down"): Arrival => ({
      sentAt: start,
      receiveCount: 1,
      event: { type: "InstanceStateChanged", instanceId, state },
    });
    expect(decided(partitionOf([], { status: "gone" }), [ended("terminated"), ended("shutting-down")]).steps).toEqual(
      [],
    );
    expect(decided(partitionOf([], { status: "draining" }), [ended("shutting-down")]).steps).toEqual([]);
    expect(decided({ instanceId, branches: [] }, [ended("terminated"), ended("shutting-down")]).steps).toEqual([]);
    const stranded = partitionOf([releasingBranch("pod-1", { holdsSlot: false }), waitingBranch("pod-2")]);
    expect(envelopesOf(decided(stranded, [ended("terminated")], {}, 0))).toMatchObject([
      { body: { type: "NodeTrunkGone" } },
      { to: "branch-cooldown", delaySeconds: 5 },
    ]);
  });

  it("P09: of another incarnation undoes what was under way and drops what waited", () => {
    const registration = clusterRecord({ incarnation: branded("incarnation-2") });
    const branches = [
      waitingBranch("pod-1"),
      claimedBranch("pod-2", vlan(1)),
      coolingBranch("pod-3", vlan(2)),
      releasingBranch("pod-4", vlan(3)),
      associatedBranch("pod-5", vlan(4)),
    ];

    expect(recordsOf(decided(partitionOf(branches), [nodeLook], { registration }))).toMatchObject([
      { owner: "pod-1", status: "gone" },
      { owner: "pod-2", status: "releasing" },
      { owner: "pod-5", status: "cooling", unconfirmed: true, podVersion: "0" },
      { kind: "trunk", rebuilding: true, incarnation: "incarnation-2" },
    ]);
    expect(decided({ instanceId, branches: [] }, [nodeLook], { registration }).steps).toEqual([]);
  });
});

describe("P12: the deletion of a Node object", () => {
  const gone = (uid: string): Arrival => ({
    sentAt: start,
    receiveCount: 1,
    event: { ...from, type: "NodeGone", nodeUid: branded(uid) },
  });

  it("stops new branches, unless it was another Node, or nothing is left to stop", () => {
    expect(recordsOf(decided(partitionOf([]), [gone("node-uid-1")]))).toMatchObject([{ kind: "trunk", wanted: false }]);
    expect(decided(partitionOf([]), [gone("node-uid-2")]).steps).toEqual([]);
    expect(decided(partitionOf([], { wanted: false }), [gone("node-uid-1")]).steps).toEqual([]);
    expect(decided({ instanceId, branches: [] }, [gone("node-uid-1")]).steps).toEqual([]);
  });

  it("and its registration under another UID or name is written down, and serves those who wait", () => {
    const partition = partitionOf([waitingBranch("pod-1", { reason: "trunk-not-ready" })], { wanted: false });
    const again: Arrival = {
      sentAt: start,
      receiveCount: 1,
      event: { ...from, type: "NodeObserved", nodeName: "node-2", resourceVersion: version(1), wantsTrunk: true },
    };

    expect(recordsOf(decided(partition, [again]))).toMatchObject([
      { kind: "trunk", nodeName: "node-2", wanted: true },
      { kind: "trunk", held: 1 },
      { owner: "pod-1", status: "claimed" },
    ]);
    const unmanaged: Arrival = { ...again, event: { ...again.event, wantsTrunk: false } as Arrival["event"] };
    expect(decided(partitionOf([], { status: "attached" }), [unmanaged]).steps).toHaveLength(1);
    const renamed = partitionOf([], { status: "attached", nodeName: "node-0" });
    expect(decided(renamed, [again]).steps).toMatchObject([{ writes: [{}] }, { work: [{ kind: "trunk" }] }]);
  });

  it("tells a node that is ready again when its look is delivered again", () => {
    expect(envelopesOf(decided(partitionOf([]), [{ ...nodeLook, receiveCount: 2 }]))).toMatchObject([
      { body: { type: "NodeTrunkReady" } },
    ]);
    const draining: Arrival = {
      sentAt: start,
      receiveCount: 1,
      event: { type: "InstanceStateChanged", instanceId, state: "shutting-down" },
    };
    expect(recordsOf(decided(partitionOf([]), [draining]))).toMatchObject([{ status: "draining" }]);
  });
});
