import { describe, expect, it } from "vitest";
import type { Partition, PodEni, PodObserved } from "./index.ts";
import { decided, envelopesOf, instanceId, observed, recordsOf, snapshotOf, version } from "./testing/arrivals.ts";
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

describe("P10: the annotation in a snapshot", () => {
  const eni = (changes: Partial<PodEni> = {}): PodEni => ({
    eniId: "eni-of-pod-1",
    ifAddress: "0a:00:00:00:00:01",
    privateIp: "10.0.0.9",
    ipv6Addr: "",
    vlanId: 1,
    subnetCidr: "10.0.0.0/16",
    subnetV6Cidr: "",
    associationID: "trunk-assoc-1",
    ...changes,
  });
  const annotated = (podUid: string, annotation: PodEni) => {
    const { event } = observed(podUid);
    return { ...(event as PodObserved).pod, annotation: [annotation] };
  };
  const placedIn = (partition: Partition, annotation: PodEni = eni()) =>
    recordsOf(decided(partition, [snapshotOf([annotated("pod-1", annotation)])])).filter(
      ({ kind }) => kind === "branch",
    );

  it("that cannot be read gets its pod no ENI and takes none from it", () => {
    const pod = { ...(observed("pod-1").event as PodObserved).pod, isAnnotationUnreadable: true } as const;

    for (const branches of [[], [associatedBranch("pod-1")]]) {
      const decision = decided(partitionOf(branches), [snapshotOf([pod])]);

      expect(recordsOf(decision).filter(({ kind }) => kind === "branch")).toEqual([]);
      expect(decision.steps.flatMap(({ work }) => work)).toEqual([]);
    }
  });

  it("is no condition: a pod whose groups are unknown gets no ENI, keeps what it has, and its earlier wish stands", () => {
    const pod = { ...(observed("pod-1").event as PodObserved).pod, areGroupsUnknown: true } as const;

    for (const branches of [[], [associatedBranch("pod-1")]]) {
      const decision = decided(partitionOf(branches), [snapshotOf([pod])]);

      expect(recordsOf(decision).filter(({ kind }) => kind === "branch")).toEqual([]);
      expect(decision.steps.flatMap(({ work }) => work)).toEqual([]);
    }
    const served = recordsOf(decided(partitionOf([waitingBranch("pod-1")]), [snapshotOf([pod])]));
    expect(served.filter(({ kind }) => kind === "branch")).toMatchObject([
      { owner: "pod-1", status: "claimed", request: { securityGroups: ["sg-a"] } },
    ]);
  });

  it("takes an ENI that no record names, with its VLAN ID and slot", () => {
    expect(recordsOf(decided(partitionOf([]), [snapshotOf([annotated("pod-1", eni())])]))).toMatchObject([
      { owner: "pod-1", status: "associated", request: { securityGroups: [] } },
      { kind: "trunk", held: 1 },
      { kind: "trunk", lastSnapshotAt: start },
    ]);
    const known = partitionOf([], { vlans: `${"0".repeat(29)}1`, held: 1 });
    expect(recordsOf(decided(known, [snapshotOf([annotated("pod-1", eni())])]))).toMatchObject([{}, { held: 1 }, {}]);
  });

  it("is not believed before the trunk's ENI is known: another snapshot is asked for, and other pods wait", () => {
    const unknown = partitionOf([associatedBranch("pod-3")], { status: "requested", trunkEniId: undefined });
    const { event } = observed("pod-2");
    const pods = [annotated("pod-1", eni()), (event as PodObserved).pod];
    const decision = decided(unknown, [snapshotOf(pods)]);

    expect(recordsOf(decision)).toMatchObject([
      { kind: "trunk", snapshotAskedAt: start },
      { owner: "pod-2", status: "waiting" },
    ]);
    expect(envelopesOf(decision)).toContainEqual(
      expect.objectContaining({ to: "outcomes", body: { type: "SnapshotRequested", instanceId } }),
    );
  });

  it("changes nothing that is so already, and nothing for a pod that is known to be gone", () => {
    expect(placedIn(partitionOf([associatedBranch("pod-1")]))).toEqual([]);
    expect(placedIn(partitionOf([goneBranch("pod-1", { podVersion: version(200) })]))).toEqual([]);
    expect(placedIn(partitionOf([goneBranch("pod-1")]))).toMatchObject([{ status: "associated" }]);
  });

  it("takes no ENI that is another's, on its way out, or whose VLAN ID cannot be its own", () => {
    expect(placedIn(partitionOf([releasingBranch("pod-1")]))).toEqual([]);
    expect(placedIn(partitionOf([claimedBranch("pod-2", { podVersion: version(5_000) })]))).toEqual([]);
    expect(placedIn(partitionOf([]), eni({ vlanId: 0 }))).toEqual([]);
    expect(placedIn(partitionOf([]), eni({ vlanId: 121 }))).toEqual([]);
  });

  it("waits for a step of the same pod that must end first", () => {
    expect(placedIn(partitionOf([claimedBranch("pod-1", vlan(2))]))).toEqual([]);
    expect(placedIn(partitionOf([waitingBranch("pod-1")]))).toMatchObject([{ status: "associated" }]);
  });

  it("is nothing to a node without a trunk", () => {
    expect(decided({ instanceId, branches: [] }, [snapshotOf([])]).steps).toEqual([]);
    expect(decided(partitionOf([], { status: "gone" }), [snapshotOf([])]).steps).toEqual([]);
  });
});

describe("P10: a branch that a snapshot omits", () => {
  const later = { now: start + 400_000 };
  const sent = (seconds: number) => ({ ...snapshotOf([]), sentAt: start + seconds * 1_000 });

  it("is a wish that ends, a creation that is undone, or an association that cools", () => {
    const partition = partitionOf([
      waitingBranch("pod-1"),
      createdBranch("pod-2", vlan(1)),
      associatedBranch("pod-3", vlan(2)),
      releasingBranch("pod-4", vlan(3)),
      goneBranch("pod-5"),
    ]);

    expect(recordsOf(decided(partition, [snapshotOf([])]))).toMatchObject([
      { owner: "pod-1", status: "gone" },
      { owner: "pod-2", status: "releasing" },
      { owner: "pod-3", status: "cooling", unconfirmed: true, coolUntil: start + 362_000 },
      { kind: "trunk" },
    ]);
  });

  it("is left alone while its record is newer than the list, until a second snapshot omits it too", () => {
    const newer = { podVersion: version(2_000) };
    const waiting = partitionOf([
      waitingBranch("pod-1", { ...newer, reason: "refused" }),
      claimedBranch("pod-2", { ...newer, ...vlan(2) }),
    ]);
    expect(recordsOf(decided(waiting, [snapshotOf([])]))).toMatchObject([{ kind: "trunk" }]);

    const once = decided(partitionOf([associatedBranch("pod-1", newer)]), [sent(10)], later);
    expect(recordsOf(once)).toMatchObject([{ status: "associated", omittedAt: start + 10_000 }, {}]);
    const omitted = partitionOf([associatedBranch("pod-1", { ...newer, omittedAt: start + 10_000 })]);
    expect(recordsOf(decided(omitted, [sent(39)], later))).toMatchObject([{ kind: "trunk" }]);
    expect(recordsOf(decided(omitted, [sent(40)], later))).toMatchObject([{ status: "cooling" }, {}]);
    expect(recordsOf(decided(partitionOf([associatedBranch("pod-1", newer)]), [snapshotOf([])]))).toMatchObject([
      { kind: "trunk" },
    ]);
  });

  it("P11: is confirmed only by a snapshot sent after its outcome is dead", () => {
    const partition = partitionOf([coolingBranch("pod-1", { unconfirmed: true })]);

    expect(recordsOf(decided(partition, [sent(299)], later))).toMatchObject([{ kind: "trunk" }]);
    expect(recordsOf(decided(partition, [sent(300)], later))).toMatchObject([{ unconfirmed: false }, {}]);
  });

  it("means nothing when the snapshot is void, or older than the last one", () => {
    const partition = partitionOf([associatedBranch("pod-1")], { lastSnapshotAt: start });
    const voided = decided(partition, [snapshotOf([])], { now: start + 901_000 });

    expect(voided.steps).toEqual([]);
    expect(voided.notes).toHaveLength(1);
    expect(recordsOf(decided(partition, [snapshotOf([])]))).toMatchObject([{ status: "cooling" }]);
  });

  it("shows pods that want ENIs, which are served or told again", () => {
    const { event } = observed("pod-1");
    const living = snapshotOf([(event as PodObserved).pod]);

    expect(recordsOf(decided(partitionOf([]), [living]))).toMatchObject([
      {},
      {},
      { owner: "pod-1", status: "claimed" },
    ]);
    const has = partitionOf([associatedBranch("pod-1")], { lastSnapshotAt: start });
    expect(envelopesOf(decided(has, [living]))).toMatchObject([{ body: { type: "PodEniAssigned" } }]);
  });

  it("makes way when the pod's annotation names another ENI", () => {
    const { event } = observed("pod-1");
    const annotation = [
      {
        eniId: "eni-of-pod-2",
        ifAddress: "",
        privateIp: "",
        ipv6Addr: "",
        vlanId: 2,
        subnetCidr: "",
        subnetV6Cidr: "",
        associationID: "trunk-assoc-2",
      },
    ];
    const partition = partitionOf([associatedBranch("pod-1"), coolingBranch("pod-2", vlan(2))]);
    const decision = decided(partition, [snapshotOf([{ ...(event as PodObserved).pod, annotation }])]);

    expect(recordsOf(decision)).toMatchObject([
      { owner: "pod-1", status: "cooling" },
      { owner: "eni-of-pod-1", status: "cooling" },
      { owner: "pod-1", status: "associated", vlanId: 2 },
      { owner: "pod-2", status: "gone" },
      { kind: "trunk" },
    ]);
  });
});
