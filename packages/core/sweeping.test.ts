import { describe, expect, it } from "vitest";
import {
  expiredTombstones,
  isFinished,
  isSnapshotOverdue,
  overdueMessages,
  podsQuestion,
  tombstonesPerSweepMax,
} from "./index.ts";
import { modelContext, modelTrunk } from "./testing/model-node.ts";
import {
  associatedBranch,
  claimedBranch,
  coolingBranch,
  createdBranch,
  goneBranch,
  partitionOf,
  releasingBranch,
  start,
  vlan,
  waitingBranch,
} from "./testing/records.ts";

const muchLater = modelContext(start + 1_000_000);

describe("P08: the sweep of a partition", () => {
  it("finds every kind of work whose message is lost", () => {
    const partition = partitionOf([
      waitingBranch("pod-1"),
      claimedBranch("pod-2", vlan(1)),
      createdBranch("pod-3", vlan(2)),
      coolingBranch("pod-4", vlan(3)),
      releasingBranch("pod-5", vlan(4)),
      associatedBranch("pod-6", vlan(5)),
      goneBranch("pod-7"),
    ]);

    expect(
      overdueMessages(partition, muchLater).map(({ to, body }) => [to, "owner" in body ? body.owner : body.type]),
    ).toEqual([
      ["pod-events", "PodObserved"],
      ["branch-cooldown", "pod-2"],
      ["branch-cooldown", "pod-3"],
      ["branch-cooldown", "pod-4"],
      ["branch-cooldown", "pod-5"],
    ]);
  });

  it("leaves alone what is not overdue, and what has no trunk", () => {
    const partition = partitionOf([waitingBranch("pod-1"), claimedBranch("pod-2")]);

    expect(overdueMessages(partition, modelContext(start))).toEqual([]);
    expect(overdueMessages({ ...partition, trunk: undefined }, muchLater)).toEqual([]);
  });

  it("looks at a trunk that is stuck on its way", () => {
    const stuck = partitionOf([], { status: "created", stepDeadline: start });
    expect(overdueMessages(stuck, muchLater)).toMatchObject([{ to: "node-events", body: { type: "NodeLook" } }]);
    expect(overdueMessages(partitionOf([], { status: "attached" }), muchLater)).toHaveLength(1);
    expect(overdueMessages(stuck, modelContext(start))).toEqual([]);
  });
});

describe("P03: tombstones", () => {
  const expired = (owner: string, expiresAt: number) => goneBranch(owner, { expiresAt });

  it("are removed once their time is past, on the condition that nobody has revived them", () => {
    const partition = partitionOf([expired("pod-1", start), expired("pod-2", start + 1), associatedBranch("pod-3")]);

    expect(expiredTombstones(partition, start)).toEqual([
      {
        kind: "delete",
        key: { kind: "branch", instanceId: partition.instanceId, owner: "pod-1", index: 0 },
        expect: [
          { name: "version-is", version: 3 },
          { name: "status-in", statuses: ["gone"] },
        ],
      },
    ]);
  });

  it("are removed by the hundred, the oldest first", () => {
    const many = Array.from({ length: tombstonesPerSweepMax + 1 }, (_, number) =>
      expired(`pod-${number}`, start - number),
    );
    const removed = expiredTombstones(partitionOf(many), start);

    expect(removed).toHaveLength(tombstonesPerSweepMax);
    expect(removed[0]).toMatchObject({ key: { owner: `pod-${tombstonesPerSweepMax}` } });
    expect(removed).not.toContainEqual(expect.objectContaining({ key: expect.objectContaining({ owner: "pod-0" }) }));
  });
});

describe("P12: a silent node", () => {
  it("is overdue ten minutes after its last snapshot, or after its beginning", () => {
    expect(isSnapshotOverdue(modelTrunk({ createdAt: start }), modelContext(start + 600_000))).toBe(false);
    expect(isSnapshotOverdue(modelTrunk({ createdAt: start }), modelContext(start + 600_001))).toBe(true);
    expect(isSnapshotOverdue(modelTrunk({ createdAt: 0, lastSnapshotAt: start }), modelContext(start + 600_000))).toBe(
      false,
    );
    expect(isSnapshotOverdue(modelTrunk({ status: "gone" }), muchLater)).toBe(false);
  });

  it("is asked about the pods that hold branches, each once", () => {
    const twice = [associatedBranch("pod-1"), associatedBranch("pod-1", { index: 1 }), coolingBranch("eni-0123")];

    expect(podsQuestion(partitionOf([...twice, waitingBranch("pod-2")]))).toMatchObject([
      { body: { type: "PodsQuestioned", podUids: ["pod-1"] } },
    ]);
    expect(podsQuestion(partitionOf([]))).toEqual([]);
    expect(podsQuestion({ ...partitionOf(twice), trunk: undefined })).toEqual([]);
  });

  it("is finished when its trunk and all of its branches are gone", () => {
    expect(isFinished(partitionOf([goneBranch("pod-1")], { status: "gone" }))).toBe(true);
    expect(isFinished(partitionOf([releasingBranch("pod-1")], { status: "gone" }))).toBe(false);
    expect(isFinished(partitionOf([]))).toBe(false);
  });
});
