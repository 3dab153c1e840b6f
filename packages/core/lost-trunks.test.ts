import { describe, expect, it } from "vitest";
import {
  adoptableTrunk,
  advance,
  type BranchRecord,
  branded,
  type CallResult,
  doubtedTrunk,
  type EniFacts,
  isOnInstance,
  lostTrunkText,
  nextCall,
  overdueMessages,
  replacedTrunk,
  type TrunkRecord,
  wishOf,
} from "./index.ts";
import { decided, envelopesOf, nodeLook, recordsOf } from "./testing/arrivals.ts";
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

const lost: Partial<TrunkRecord> = {
  status: "requested",
  generation: 1,
  trunkEniId: undefined,
  lostEniId: branded("eni-trunk"),
  vlans: "0".repeat(30),
  held: 0,
};

const trunkEni = (changes: Partial<EniFacts> = {}): EniFacts => ({
  eniId: branded("eni-trunk"),
  mac: "",
  privateIp: "",
  ipv6: "",
  status: "available",
  interfaceType: "trunk",
  subnetId: branded("subnet-1"),
  securityGroups: [],
  cluster: branded("blue"),
  ...changes,
});

const attachment = (status: string, instanceId = modelTrunk().instanceId) => ({
  attachmentId: branded<NonNullable<TrunkRecord["attachmentId"]>>("eni-attach-1"),
  instanceId,
  deviceIndex: 2,
  status,
});

describe("P13: a trunk ENI", () => {
  it("is in its place when it is attached to its instance, or about to be", () => {
    const shown = (changes: Partial<EniFacts>) => isOnInstance(trunkEni(changes), modelTrunk());

    expect(shown({ attachment: attachment("attached") })).toBe(true);
    expect(shown({ attachment: attachment("attaching") })).toBe(true);
    expect(shown({ attachment: attachment("detaching") })).toBe(false);
    expect(shown({ attachment: attachment("attached", branded("i-00000000000000001")) })).toBe(false);
    expect(shown({})).toBe(false);
    expect(isOnInstance(undefined, modelTrunk())).toBe(false);
  });

  it("is doubted once, and only while its trunk is ready", () => {
    expect(doubtedTrunk(modelTrunk(), start)).toMatchObject({ status: "ready", eniMissingSince: start });
    expect(doubtedTrunk(modelTrunk({ eniMissingSince: start }), start + 1)).toBeUndefined();
    expect(doubtedTrunk(modelTrunk({ status: "attached" }), start)).toBeUndefined();
    expect(doubtedTrunk(undefined, start)).toBeUndefined();
  });

  it("is looked for again when the doubt is a minute old, and by the reaper when that message was lost", () => {
    const doubted = partitionOf([], { eniMissingSince: start - 60_000 });
    expect(decided(doubted, [nodeLook]).steps).toMatchObject([{ work: [{ kind: "trunk" }] }]);
    expect(decided(partitionOf([], { eniMissingSince: start - 59_999 }), [nodeLook]).steps).toEqual([]);

    expect(overdueMessages(doubted, modelContext(start + 60_000))).toEqual([]);
    expect(overdueMessages(doubted, modelContext(start + 60_001))).toMatchObject([{ body: { type: "NodeLook" } }]);
  });

  it("that is gone is replaced by the next generation, which takes over nothing", () => {
    const trunk = modelTrunk({ held: 2, vlans: `${"0".repeat(29)}3`, deviceIndex: 2, eniMissingSince: start });

    expect(replacedTrunk(trunk, start + 1)).toMatchObject({ ...lost, stepDeadline: start + 1 });
    expect(replacedTrunk(trunk, start + 1)).toMatchObject({ deviceIndex: undefined, eniMissingSince: undefined });
    const doubted = { ...trunk, strayVlans: "f".repeat(30), proofFailedAt: start };
    expect(replacedTrunk(doubted, start + 1)).toMatchObject({ strayVlans: undefined, proofFailedAt: undefined });
    expect(lostTrunkText(branded("eni-trunk"))).toContain("eni-trunk");
  });

  it("that was given up is adopted only when it is attached again", () => {
    const trunk = modelTrunk(lost);
    const other = trunkEni({ eniId: branded("eni-other") });

    expect(adoptableTrunk(trunk, [trunkEni()])).toBeUndefined();
    expect(adoptableTrunk(trunk, [trunkEni(), other])).toBe(other);
    expect(adoptableTrunk(trunk, [trunkEni({ attachment: attachment("attached") })])).toBeDefined();
  });
});

describe("P13: the branches of a lost trunk", () => {
  const replaced: Partial<TrunkRecord> = { ...lost, status: "created", trunkEniId: branded("eni-next") };
  const torn = (branches: readonly BranchRecord[], trunk: Partial<TrunkRecord> = replaced) =>
    decided(partitionOf(branches, trunk), [nodeLook]);

  it("are disassociated and deleted, and give the new trunk no slot back", () => {
    const decision = torn([associatedBranch("pod-1"), coolingBranch("pod-2", vlan(2))]);
    const teardown = { status: "releasing", associationId: "trunk-assoc-1", associatedAt: start, holdsSlot: false };

    expect(recordsOf(decision).slice(0, 2)).toMatchObject([
      { owner: "pod-1", ...teardown, deleteNotBefore: start, wish: undefined },
      { owner: "pod-2", ...teardown, deleteNotBefore: start, wish: undefined },
    ]);
    expect(envelopesOf(decision).slice(0, 2)).toMatchObject([
      { to: "branch-cooldown", body: { owner: "pod-1" }, delaySeconds: 0 },
      { to: "branch-cooldown", body: { owner: "pod-2" }, delaySeconds: 0 },
    ]);
  });

  it("let a pod wait for the new trunk that was not yet told its ENIs", () => {
    const wish = { reason: "trunk-not-ready", securityGroups: ["sg-a"], chain: 1 };
    expect(recordsOf(torn([claimedBranch("pod-1")]))[0]).toMatchObject({ status: "releasing", wish });
    expect(recordsOf(torn([createdBranch("pod-1")]))[0]).toMatchObject({ eni: { eniId: "eni-of-pod-1" }, wish });

    const before = wishOf(waitingBranch("pod-1", { chain: 4 }));
    expect(recordsOf(torn([createdBranch("pod-1", { wish: before })]))[0]).toMatchObject({
      wish: { ...wish, chain: 5 },
    });

    const two = [associatedBranch("pod-1", { enis: 2 }), claimedBranch("pod-1", { enis: 2, index: 1, ...vlan(2) })];
    expect(recordsOf(torn(two)).slice(0, 2)).toMatchObject([
      { index: 0, wish },
      { index: 1, wish: undefined },
    ]);
  });

  it("are no others than those, and whatever was on its way out goes on", () => {
    const others = [releasingBranch("pod-1"), waitingBranch("pod-2"), goneBranch("pod-3")];
    expect(recordsOf(torn(others)).filter(({ kind }) => kind === "branch")).toEqual([]);
    expect(torn([associatedBranch("pod-1")], { ...replaced, lostEniId: branded("eni-earlier") }).steps).toHaveLength(1);
    expect(torn([associatedBranch("pod-1")], { lostEniId: branded("eni-trunk") }).steps).toEqual([]);
    expect(recordsOf(torn([associatedBranch("pod-1")], lost))).toMatchObject([{ kind: "trunk" }]);
  });
});

describe("P13: an association that EC2 refuses because it does not know the trunk ENI", () => {
  const created = createdBranch("pod-1");
  const result: CallResult = {
    ok: false,
    failure: {
      action: "AssociateTrunkInterface",
      remedy: "short-retry",
      code: "InvalidNetworkInterfaceID.NotFound",
      message: "The networkInterface ID 'eni-trunk' does not exist",
    },
  };
  const followed = (trunk: Partial<TrunkRecord>) => {
    const call = nextCall(created, start);
    if (call === undefined) throw new Error("There is no call.");
    return advance(partitionOf([created], trunk), call, result, {
      ...modelContext(start + 120_000),
      fresh: true,
      attempts: 1,
    });
  };

  it("rests, and lets the trunk be looked for in a minute", () => {
    expect(followed({})).toMatchObject({
      kind: "rest",
      writes: [{ record: { kind: "trunk", eniMissingSince: start + 120_000 } }],
      envelopes: [{ to: "node-events", body: { type: "NodeLook" }, delaySeconds: 60 }],
    });
  });

  it("rests without a word when somebody has missed the trunk before", () => {
    expect(followed({ eniMissingSince: start })).toEqual({ kind: "rest", lookAt: start + 130_000 });
  });
});
