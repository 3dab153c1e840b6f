import { describe, expect, it } from "vitest";
import {
  type AttachmentId,
  branded,
  type ClusterName,
  type EniFacts,
  type Evidence,
  isImplausible,
  judgeEni,
  orphanVlanWrite,
  type Partition,
  type SightingRecord,
  sightingClaim,
  sightingWrite,
} from "./index.ts";
import { modelSettings, modelTrunk } from "./testing/model-node.ts";
import { claimedBranch, createdBranch, partitionOf, start } from "./testing/records.ts";

const { instanceId } = modelTrunk();
const later = start + 400_000;

const eni = (changes: Partial<EniFacts> = {}): EniFacts => ({
  eniId: branded("eni-orphan"),
  mac: "",
  privateIp: "",
  ipv6: "",
  status: "available",
  interfaceType: "branch",
  subnetId: branded("subnet-1"),
  securityGroups: [],
  instanceId,
  createdAt: start,
  vlanId: branded(1),
  trunkEniId: branded("eni-trunk"),
  ...changes,
});

const sighting: SightingRecord = {
  kind: "sighting",
  eniId: branded("eni-orphan"),
  version: 1,
  firstSeenAt: later - 62_000,
  instanceId,
  claimed: false,
  expiresAt: later,
};

const judge = (facts: EniFacts, partition: Partition, changes: Partial<Evidence> = {}) =>
  judgeEni({
    eni: facts,
    partition,
    sighting,
    hasInstanceEnded: false,
    now: later,
    settings: modelSettings,
    ...changes,
  });

const intent = (owner: string, changes: object = {}) => ({
  cluster: branded<ClusterName>("blue"),
  instanceId,
  owner,
  index: 0,
  createdAt: start,
  generation: 0,
  ...changes,
});

describe("P23: an ENI of ours", () => {
  const nothing = partitionOf([]);

  it("is wanted when a record holds it or an intent waits for it", () => {
    expect(judge(eni({ eniId: branded("eni-of-pod-1") }), partitionOf([createdBranch("pod-1")]))).toBe("wanted");
    expect(judge(eni({ intent: intent("pod-1") }), partitionOf([claimedBranch("pod-1")]))).toBe("wanted");
    expect(judge(eni({ intent: intent("pod-1", { generation: 1 }) }), partitionOf([claimedBranch("pod-1")]))).toBe(
      "orphan",
    );
    expect(judge(eni({ intent: intent("pod-2") }), partitionOf([claimedBranch("pod-1")]))).toBe("orphan");
  });

  it("that is a trunk is wanted while its record is asked for, or while it is attached", () => {
    const trunk = eni({ interfaceType: "trunk", intent: intent(instanceId) });
    expect(judge(trunk, partitionOf([], { status: "requested", createdAt: start }))).toBe("wanted");
    expect(judge(trunk, nothing)).toBe("orphan");
    const attachment = { attachmentId: branded<AttachmentId>("eni-attach-1"), deviceIndex: 2, status: "attached" };
    expect(judge(eni({ interfaceType: "trunk", attachment }), nothing)).toBe("wanted");
  });

  it("is too young to be judged, or without a time to judge by", () => {
    expect(judge(eni({ createdAt: later - 1_000 }), nothing)).toBe("young");
    expect(judge(eni({ createdAt: undefined }), nothing)).toBe("young");
  });

  it("is sighted first, and an orphan only a stated time later", () => {
    expect(judge(eni(), nothing, { sighting: undefined })).toBe("sighted");
    const seenAt = (firstSeenAt: number): Partial<Evidence> => ({ sighting: { ...sighting, firstSeenAt } });
    expect(judge(eni(), nothing, seenAt(later - 59_000))).toBe("waiting");
    expect(judge(eni(), nothing, seenAt(later - 61_999))).toBe("waiting");
    expect(judge(eni(), nothing)).toBe("orphan");
    const hasCooled = { hasInstanceEnded: true, ...seenAt(later - 60_000) };
    expect(judge(eni(), nothing, hasCooled)).toBe("orphan");
  });

  it("that is associated waits for a snapshot sent when no outcome can name it any more, unless its instance has ended", () => {
    const associated = eni({ status: "in-use" });
    const listed = (lastSnapshotAt: number) => partitionOf([], { lastSnapshotAt });
    const long = { sighting: { ...sighting, firstSeenAt: later - 362_000 } };
    expect(judge(associated, nothing, long)).toBe("waiting");
    expect(judge(associated, { ...nothing, trunk: undefined }, long)).toBe("waiting");
    expect(judge(associated, listed(later - 62_000), long)).toBe("waiting");
    expect(judge(associated, listed(later - 61_999), long)).toBe("orphan");
    expect(judge(associated, listed(later - 1_000))).toBe("waiting");
    expect(judge(associated, nothing, { hasInstanceEnded: true })).toBe("orphan");
    expect(
      judge(eni({ intent: intent("pod-1") }), partitionOf([claimedBranch("pod-1")]), { hasInstanceEnded: true }),
    ).toBe("orphan");
  });

  it("is sighted and claimed with conditions, so that an adoption and a deletion exclude each other", () => {
    expect(sightingWrite({ eni: eni(), now: later })).toMatchObject({
      record: { firstSeenAt: later },
      expect: [{ name: "absent" }],
    });
    expect(sightingClaim(sighting)).toMatchObject({
      record: { version: 2, claimed: true },
      expect: [{ name: "version-is", version: 1 }],
    });
  });

  it("gives back its VLAN ID and slot only where no branch has them", () => {
    const taken = `${"0".repeat(29)}1`;
    expect(orphanVlanWrite(eni(), partitionOf([], { vlans: taken }))).toMatchObject({
      record: { vlans: "0".repeat(30), held: 0 },
    });
    expect(orphanVlanWrite(eni({ status: "in-use" }), partitionOf([], { vlans: taken, held: 1 }))).toMatchObject({
      record: { held: 0 },
    });
    expect(orphanVlanWrite(eni(), partitionOf([claimedBranch("pod-1")]))).toBeUndefined();
    expect(orphanVlanWrite(eni(), partitionOf([]))).toBeUndefined();
    expect(orphanVlanWrite(eni({ vlanId: undefined }), partitionOf([]))).toBeUndefined();
    expect(orphanVlanWrite(eni({ trunkEniId: branded("eni-2") }), partitionOf([]))).toBeUndefined();
    expect(orphanVlanWrite(eni(), { ...partitionOf([]), trunk: undefined })).toBeUndefined();
  });

  it("is doubted when an implausible share of many looks orphaned", () => {
    expect(isImplausible(20, 20, modelSettings)).toBe(false);
    expect(isImplausible(21, 100, modelSettings)).toBe(false);
    expect(isImplausible(60, 100, modelSettings)).toBe(true);
  });
});
