import { describe, expect, it } from "vitest";
import {
  branded,
  type EniFacts,
  isVlanTaken,
  missingSteps,
  type PodObserved,
  proofDueAt,
  proofSteps,
} from "./index.ts";
import { decided, envelopesOf, looked, nodeLook, observed, recordsOf, snapshotOf } from "./testing/arrivals.ts";
import { modelContext, modelTrunk } from "./testing/model-node.ts";
import { associatedBranch, claimedBranch, coolingBranch, partitionOf, start, vlan } from "./testing/records.ts";

const { instanceId, cluster } = modelTrunk();
const unproven = { unproven: true } as const;
const confirmed = { doubt: { problem: "unknown-eni", since: start, confirmed: true } } as const;

/** The pod with an annotation that names an ENI under a VLAN ID. */
const annotated = (podUid: string, eniId: string, vlanId: number) => {
  const { pod } = observed(podUid).event as PodObserved;
  const addresses = { ifAddress: "", privateIp: "", ipv6Addr: "", subnetCidr: "", subnetV6Cidr: "" };
  return { ...pod, annotation: [{ eniId, vlanId, associationID: "", ...addresses }] };
};

const shown = (changes: Partial<EniFacts> = {}): EniFacts => ({
  eniId: branded("eni-of-pod-1"),
  mac: "0a:00:00:00:00:42",
  privateIp: "10.0.0.42",
  ipv6: "2001:db8::42",
  status: "in-use",
  interfaceType: "branch",
  subnetId: branded("subnet-2"),
  securityGroups: [branded("sg-b"), branded("sg-a")],
  cluster,
  instanceId,
  vlanId: branded(1),
  trunkEniId: branded("eni-trunk"),
  ...changes,
});

const lookAt = (...enis: readonly EniFacts[]) => ({
  enis: new Map(enis.map((eni) => [eni.eniId, eni])),
  lookedAt: start + 120_000,
});

describe("P10: what EC2 shows of a branch that only an annotation tells of", () => {
  const proved = (eni: EniFacts, vlanId = 1, branchEniId = eni.eniId) =>
    proofSteps(
      partitionOf([associatedBranch("pod-1", unproven)]),
      {
        ...lookAt(eni),
        associations: [
          {
            associationId: branded("trunk-assoc-1"),
            branchEniId,
            trunkEniId: branded("eni-trunk"),
            vlanId: branded(vlanId),
          },
        ],
      },
      modelContext(start + 120_000),
    ).flatMap(({ writes }) => writes.flatMap((write) => (write.kind === "put" ? [write.record] : [])));

  it("is taken over: addresses, subnet, sorted groups, and the association that it confirms", () => {
    expect(proved(shown())).toMatchObject([
      {
        status: "associated",
        unproven: undefined,
        associationId: "trunk-assoc-1",
        eni: { mac: "0a:00:00:00:00:42", privateIp: "10.0.0.42", ipv6: "2001:db8::42" },
        request: { subnetId: "subnet-2", securityGroups: ["sg-a", "sg-b"], ipv6: false },
      },
    ]);
    for (const other of [proved(shown(), 2), proved(shown(), 1, branded("eni-of-pod-2"))]) {
      expect(other).toMatchObject([{ unproven: undefined, associationId: undefined }]);
    }
  });

  it.each<[string, Partial<EniFacts>]>([
    ["another cluster", { cluster: branded("green") }],
    ["another instance", { instanceId: branded("i-0000000000000000f") }],
    ["another trunk ENI", { trunkEniId: branded("eni-other") }],
    ["another VLAN ID", { vlanId: branded(2) }],
    ["no tags at all", { cluster: undefined, instanceId: undefined, vlanId: undefined, trunkEniId: undefined }],
    ["an interface that is no branch", { interfaceType: "interface" }],
    ["a branch without an association", { status: "available" }],
  ])("is no proof when it names %s", (_name, changes) => {
    expect(proved(shown(changes))).toMatchObject([{ unproven: true, doubt: { problem: "unknown-eni" } }]);
  });

  it("is asked for at once, and again when a doubt has lasted; not for a trunk that is not ready, and not once it is sure", () => {
    const due = (branch: ReturnType<typeof associatedBranch>, status: "ready" | "attached" = "ready") =>
      proofDueAt(partitionOf([branch], { status }), modelContext(start));
    const doubt = { problem: "unknown-eni", since: start + 5, confirmed: false } as const;

    expect(due(associatedBranch("pod-1", unproven))).toBe(start);
    expect(due(associatedBranch("pod-1", { ...unproven, doubt }))).toBe(start + 60_005);
    expect(due(associatedBranch("pod-1", { ...unproven, ...confirmed }))).toBeUndefined();
    expect(due(associatedBranch("pod-1", unproven), "attached")).toBeUndefined();
    expect(due(associatedBranch("pod-1", { ...unproven, trunkEniId: branded("eni-old") }))).toBeUndefined();
    expect(decided(partitionOf([associatedBranch("pod-1", unproven)]), [nodeLook]).steps).toMatchObject([
      { work: [{ kind: "proof" }] },
    ]);
  });
});

describe("P10: a branch that is not proved", () => {
  const past = { now: start + 500_000 };

  it("is not deleted before EC2 was asked, and ends without a call when EC2 does not show it", () => {
    const cooled = coolingBranch("pod-1", unproven);
    const waits = decided(partitionOf([cooled]), [looked("pod-1")], past);
    expect(waits.steps).toMatchObject([{ work: [{ kind: "proof" }] }, { envelopes: [{ to: "branch-cooldown" }] }]);

    const ends = decided(partitionOf([{ ...cooled, ...confirmed }]), [looked("pod-1")], past);
    expect(recordsOf(ends)).toMatchObject([{ status: "gone" }, { kind: "trunk", held: 0, vlans: "0".repeat(30) }]);
    expect(ends.steps.flatMap(({ work }) => work)).toEqual([]);

    const alone = { instanceId, branches: [{ ...cooled, ...confirmed }] };
    expect(recordsOf(decided(alone, [looked("pod-1")], past))).toMatchObject([{ status: "gone" }]);
  });

  it("is neither reused nor cut for a pod that waits for room", () => {
    const cooled = coolingBranch("pod-1", { ...unproven, coolUntil: start - 1 });
    const full = partitionOf([cooled], { branchesMax: 1 });
    expect(recordsOf(decided(full, [observed("pod-2")]))).toMatchObject([{ owner: "pod-2", status: "waiting" }]);
  });

  it("ends with its trunk ENI, whose VLAN IDs are gone", () => {
    const lost = partitionOf([associatedBranch("pod-1", unproven)], {
      trunkEniId: branded("eni-trunk-2"),
      lostEniId: branded("eni-trunk"),
      held: 0,
      vlans: "0".repeat(30),
    });
    expect(recordsOf(decided(lost, []))).toMatchObject([{ owner: "pod-1", status: "gone" }]);
  });
});

describe("P20: a branch whose association nobody knows", () => {
  it("is cut only when it has cooled: before that only its association could be ended", () => {
    const cooling = coolingBranch("pod-1", { associationId: undefined });
    const waits = (now: number) =>
      recordsOf(
        decided(partitionOf([cooling], { branchesMax: 1 }), [observed("pod-2", { securityGroups: ["sg-c"] })], { now }),
      );

    expect(waits(start + 1_000)).toMatchObject([{ owner: "pod-2", status: "waiting" }]);
    expect(waits(start + 63_000)).toMatchObject([
      { owner: "pod-1", status: "releasing", associationId: undefined },
      { owner: "pod-2", status: "waiting" },
    ]);
  });

  it("is given to the next pod without it", () => {
    const cooled = coolingBranch("pod-1", { associationId: undefined, coolUntil: start - 1 });
    expect(envelopesOf(decided(partitionOf([cooled]), [observed("pod-2")]))).toMatchObject([
      { body: { type: "PodEniAssigned", enis: [{ eniId: "eni-of-pod-1", associationID: "" }] } },
    ]);
  });
});

describe("P10: an annotation that contradicts the records", () => {
  it("with another VLAN ID than the ENI has gets the ENI, keeps its VLAN ID from others, and is told once", () => {
    const snapshot = [snapshotOf([annotated("pod-1", "eni-of-pod-1", 9)])];
    const first = decided(partitionOf([coolingBranch("pod-1")]), snapshot);
    const [branch, trunk] = recordsOf(first);

    expect(branch).toMatchObject({ owner: "pod-1", status: "associated", vlanId: 1, associationId: "trunk-assoc-1" });
    expect(trunk?.kind === "trunk" && isVlanTaken(trunk.strayVlans ?? "", branded(9))).toBe(true);
    expect(envelopesOf(first)).toMatchObject([{ body: { type: "PodEniProblem", problem: "eni-taken" } }]);

    const known = partitionOf([associatedBranch("pod-1")], {
      strayVlans: trunk?.kind === "trunk" ? trunk.strayVlans : "",
    });
    expect(envelopesOf(decided(known, snapshot))).toEqual([]);
    const bare = recordsOf(decided(known, [snapshotOf([annotated("pod-1", "eni-of-pod-1", 1)])]));
    expect(bare).toMatchObject([{ kind: "trunk", strayVlans: undefined }]);
  });

  it("waits silently for a step of its own pod, also when it names a branch that cools", () => {
    const partition = partitionOf([claimedBranch("pod-1"), coolingBranch("pod-2", vlan(2))]);
    const decision = decided(partition, [snapshotOf([annotated("pod-1", "eni-of-pod-2", 2)])]);

    expect(recordsOf(decision)).toMatchObject([{ kind: "trunk", strayVlans: `${"0".repeat(29)}2` }]);
    expect(envelopesOf(decision)).toEqual([]);
  });

  it("gives the VLAN ID of a stray to nobody", () => {
    const stray = partitionOf([], { strayVlans: `${"0".repeat(29)}3` });
    expect(recordsOf(decided(stray, [observed("pod-2")]))).toMatchObject([{}, { owner: "pod-2", vlanId: 3 }]);
  });
});

describe("P07: a complete listing that does not show a branch", () => {
  const steps = (branch: ReturnType<typeof associatedBranch>, ...enis: readonly EniFacts[]) =>
    missingSteps(partitionOf([branch]), lookAt(...enis), modelContext(start + 120_000));
  const doubt = { problem: "eni-deleted", since: start + 60_000, confirmed: false } as const;

  it("is a doubt at first, news a minute later, and no news afterwards", () => {
    expect(steps(associatedBranch("pod-1"))).toMatchObject([
      { writes: [{ record: { doubt: { since: start + 120_000 } } }], envelopes: [] },
    ]);
    expect(steps(associatedBranch("pod-1", { doubt: { ...doubt, since: start + 60_001 } }))).toEqual([]);
    expect(steps(associatedBranch("pod-1", { doubt }))).toMatchObject([
      { writes: [{ record: { doubt: { confirmed: true } } }], envelopes: [{ body: { problem: "eni-deleted" } }] },
    ]);
    expect(steps(associatedBranch("pod-1", { doubt: { ...doubt, confirmed: true } }))).toEqual([]);
  });

  it("begins anew when something else is wrong, and is forgotten when nothing is", () => {
    const available = shown({ status: "available" });
    expect(steps(associatedBranch("pod-1", { doubt }), available)).toMatchObject([
      { writes: [{ record: { doubt: { problem: "eni-not-associated", since: start + 120_000, confirmed: false } } }] },
    ]);
    expect(steps(associatedBranch("pod-1", { doubt }), shown())).toMatchObject([
      { writes: [{ record: { doubt: undefined } }] },
    ]);
    expect(steps(associatedBranch("pod-1"), shown())).toEqual([]);
  });

  it("says nothing about a young branch, and one that is not proved is judged elsewhere", () => {
    expect(steps(associatedBranch("pod-1", { associatedAt: start + 60_001 }))).toEqual([]);
    expect(steps(associatedBranch("pod-1", unproven))).toEqual([]);
  });
});
