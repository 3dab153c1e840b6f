import { describe, expect, it } from "vitest";
import { branded, keepUntil, type PodObserved, type TrunkRecord } from "./index.ts";
import { decided, envelopesOf, observed, recordsOf, snapshotOf } from "./testing/arrivals.ts";
import { modelSettings, modelTrunk } from "./testing/model-node.ts";
import {
  associatedBranch,
  coolingBranch,
  partitionOf,
  releasingBranch,
  vlan,
  waitingBranch,
} from "./testing/records.ts";

/** The pod with an annotation that names one ENI. */
const annotated = (podUid: string, eniId: string, vlanId: number) => {
  const { pod } = observed(podUid).event as PodObserved;
  const addresses = { ifAddress: "", privateIp: "", ipv6Addr: "", subnetCidr: "", subnetV6Cidr: "" };
  return { ...pod, annotation: [{ eniId, vlanId, associationID: "", ...addresses }] };
};

const trunkIn = (decision: ReturnType<typeof decided>): TrunkRecord | undefined =>
  recordsOf(decision).findLast((record) => record.kind === "trunk");

describe("P10: an ENI that a living pod's annotation names", () => {
  const snapshot = snapshotOf([annotated("pod-1", "eni-of-pod-1", 1)]);
  const ended = { podVersion: branded<TrunkRecord["nodeVersion"] & string>("999999") };

  it.each([
    ["cools", coolingBranch("pod-1", ended)],
    ["is released", releasingBranch("pod-1", ended)],
  ])("is not taken, and no stray, where it %s since a later word than the list", (_how, branch) => {
    const decision = decided(partitionOf([branch]), [snapshot]);

    expect(recordsOf(decision)).toMatchObject([{ kind: "trunk", strayVlans: undefined }]);
    expect(envelopesOf(decision)).toEqual([]);
  });

  it("takes a slot of its own where its VLAN ID's bit was set without one", () => {
    const taken = partitionOf([coolingBranch("pod-2", vlan(2))], { vlans: `${"0".repeat(29)}3`, held: 1 });
    expect(trunkIn(decided(taken, [snapshot]))).toMatchObject({ vlans: `${"0".repeat(29)}3`, held: 2 });
  });

  it("keeps the slot that a rebuilt trunk counted for it", () => {
    const rebuilt = partitionOf([], { vlans: `${"0".repeat(29)}3`, held: 2 });
    expect(trunkIn(decided(rebuilt, [snapshot]))).toMatchObject({ vlans: `${"0".repeat(29)}3`, held: 2 });
  });

  it("ends the wish of a pod that has an annotation, but not one that is newer than what the list shows", () => {
    const { pod } = observed("pod-1").event as PodObserved;
    const unreadable = snapshotOf([{ ...pod, isAnnotationUnreadable: true }]);
    const statusAfter = (changes: { podVersion?: typeof pod.resourceVersion }) =>
      recordsOf(decided(partitionOf([waitingBranch("pod-1", changes)], { status: "created" }), [unreadable])).find(
        (record) => record.kind === "branch",
      )?.status;

    expect(statusAfter({ podVersion: pod.resourceVersion })).toBe("gone");
    expect(statusAfter({ podVersion: branded("999999") })).toBeUndefined();
  });

  it("is not told to its pod again before it is proved", () => {
    const told = (changes: { unproven?: true }) =>
      envelopesOf(decided(partitionOf([associatedBranch("pod-1", changes)]), [observed("pod-1")]));

    expect(told({})).toMatchObject([{ body: { type: "PodEniAssigned" } }]);
    expect(told({ unproven: true })).toEqual([]);
  });

  it("is kept no longer than its cool-down while it is not proved: no pod can get it", () => {
    const cooling = coolingBranch("pod-1", {
      unproven: true,
      request: { ...coolingBranch("pod-1").request, securityGroups: [] },
    });
    expect(keepUntil(cooling, modelTrunk(), undefined, modelSettings)).toBe(cooling.coolUntil);
  });
});
