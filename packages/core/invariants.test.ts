import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Arrival,
  type AssociationId,
  type BranchRecord,
  branded,
  type CallResult,
  type Ec2Remedy,
  type EniId,
  holdsSlot,
  isVlanTaken,
  noVlans,
  type Partition,
  type PodFacts,
  withVlans,
} from "./index.ts";
import { answer, callOf, deliver, type ModelNode, modelTrunk, placed } from "./testing/model-node.ts";

const pods = 5;
const podUid = (number: number): string => `pod-${number}`;

/** One thing that happens to the node. */
type Happening =
  | { readonly kind: "pod"; readonly pod: number; readonly isGone: boolean; readonly receiveCount: number }
  | { readonly kind: "look"; readonly pod: number; readonly index: number }
  | { readonly kind: "node-look" }
  | { readonly kind: "snapshot"; readonly living: readonly number[] }
  | { readonly kind: "time"; readonly seconds: number }
  | { readonly kind: "answer"; readonly which: number; readonly remedy: Ec2Remedy | "ok"; readonly isStale: boolean }
  | { readonly kind: "terminated" };

const remedies: readonly (Ec2Remedy | "ok")[] = [
  "ok",
  "throttled",
  "repeat",
  "defer-address",
  "defer-quota",
  "defer-slot",
  "defer-branch-limit",
  "short-retry",
  "look-again",
  "not-found",
  "permanent",
  "permanent-node",
  "unauthorised",
  "mismatch",
];

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("pod" as const),
      pod: fc.nat(pods - 1),
      isGone: fc.boolean(),
      receiveCount: fc.constantFrom(1, 1, 1, 2),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("answer" as const),
      which: fc.nat(7),
      remedy: fc.oneof({ weight: 3, arbitrary: fc.constant("ok" as const) }, fc.constantFrom(...remedies)),
      isStale: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("look" as const),
      pod: fc.nat(pods - 1),
      index: fc.constantFrom(0, 0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "node-look" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("snapshot" as const),
      living: fc.uniqueArray(fc.nat(pods - 1)),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("time" as const), seconds: fc.constantFrom(1, 10, 61, 70, 400) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "terminated" as const }) },
);

/** What a worker may decide on: what is there now, or what was there a moment ago. */
const script = fc.array(fc.record({ what: happening, isStale: fc.boolean(), units: fc.constantFrom(0, 9, 9, 9) }), {
  minLength: 20,
  maxLength: 120,
  size: "max",
});

/** Which statuses may follow which, for one record; a generation or a pod version begins anew. */
const followers: Record<BranchRecord["status"], readonly BranchRecord["status"][]> = {
  waiting: ["waiting", "claimed", "associated", "gone"],
  claimed: ["claimed", "created", "releasing", "waiting", "gone"],
  created: ["created", "associated", "releasing", "waiting", "claimed"],
  associated: ["associated", "cooling", "releasing"],
  cooling: ["cooling", "associated", "releasing", "gone"],
  releasing: ["releasing", "gone", "waiting", "claimed"],
  gone: ["waiting", "claimed", "associated"],
};

const facts = (pod: number, version: number): PodFacts => ({
  podUid: branded(podUid(pod)),
  namespace: "default",
  name: podUid(pod),
  resourceVersion: branded(String(version)),
  enis: pod === 0 ? 2 : 1,
  securityGroups: pod % 2 === 0 ? ["sg-a"] : ["sg-b"],
});

const from = {
  incarnation: modelTrunk().incarnation,
  instanceId: modelTrunk().instanceId,
  nodeName: "node-1",
  nodeUid: modelTrunk().nodeUid,
};

const arrivalOf = (what: Happening, node: ModelNode, version: number): Arrival | undefined => {
  const circumstances = { sentAt: node.now, receiveCount: 1 };
  switch (what.kind) {
    case "pod": {
      const { receiveCount } = what;
      const pod = facts(what.pod, version);
      if (!what.isGone) return { ...circumstances, receiveCount, event: { ...from, type: "PodObserved", pod } };
      const { podUid: uid, resourceVersion } = pod;
      const event = { ...from, type: "PodGone", podUid: uid, resourceVersion, how: "deleted" } as const;
      return { ...circumstances, receiveCount, event };
    }
    case "look": {
      const { instanceId } = from;
      return {
        ...circumstances,
        event: { type: "BranchLook", instanceId, owner: podUid(what.pod), index: what.index },
      };
    }
    case "node-look":
      return { ...circumstances, event: { type: "NodeLook", instanceId: from.instanceId } };
    case "snapshot": {
      const living = what.living.map((pod) => facts(pod, version));
      const event = { ...from, type: "NodeSnapshot", listVersion: branded(String(version)), pods: living } as const;
      return { ...circumstances, event: event as Arrival["event"] };
    }
    case "terminated":
      return {
        ...circumstances,
        event: { type: "InstanceStateChanged", instanceId: from.instanceId, state: "terminated" },
      };
    case "time":
    case "answer":
      return undefined;
  }
};

let lastEni = 0;

const resultOf = (kind: string, remedy: Ec2Remedy | "ok"): CallResult => {
  if (remedy !== "ok") {
    return {
      ok: false,
      failure: { action: "CreateNetworkInterface", remedy, code: remedy, message: `EC2 says ${remedy}` },
    };
  }
  lastEni += 1;
  const eni = { eniId: branded<EniId>(`eni-${lastEni}`), mac: "", privateIp: "", ipv6: "" };
  if (kind === "create" || kind === "find") return { ok: true, eni };
  return { ok: true, associationId: branded<AssociationId>(`trunk-assoc-${lastEni}`) };
};

/** Statuses that the runs have reached: a property that never gets anywhere holds by itself. */
const reached = new Set<BranchRecord["status"]>();

/** The invariants that every commit must keep. */
const watch = (node: ModelNode): void => {
  const restsUntil = new Map<number, number>();
  node.onCommit = (before, after) => {
    const branches = placed(after);
    const vlans = branches.map(({ vlanId }) => vlanId);
    expect(new Set(vlans).size, "VLAN IDs are unique").toBe(vlans.length);
    for (const { status } of after.branches) reached.add(status);
    const { trunk } = after;
    if (trunk !== undefined && trunk.status !== "gone") {
      expect(trunk.vlans, "a bit is set exactly while a branch has the VLAN ID").toBe(withVlans(noVlans, vlans));
      expect(trunk.held, "held counts the branches that hold slots").toBe(after.branches.filter(holdsSlot).length);
      expect(trunk.held).toBeLessThanOrEqual(trunk.branchesMax);
    }
    for (const branch of after.branches) checkChange(node, before, branch, restsUntil);
    const enis = branches.flatMap((branch) => ("eni" in branch && branch.eni !== undefined ? [branch.eni.eniId] : []));
    expect(new Set(enis).size, "no two records hold the same ENI").toBe(enis.length);
  };
};

const checkChange = (
  node: ModelNode,
  before: Partition,
  branch: BranchRecord,
  restsUntil: Map<number, number>,
): void => {
  const old = before.branches.find(({ owner, index }) => owner === branch.owner && index === branch.index);
  if (old === branch) return;
  if (old !== undefined) {
    expect(branch.version, "versions only grow").toBeGreaterThan(old.version);
    expect(followers[old.status], `${old.status} becomes ${branch.status}`).toContain(branch.status);
    if (old.generation === branch.generation) expect(branch.createdAt).toBeGreaterThanOrEqual(old.createdAt);
  }
  if (branch.status === "cooling") restsUntil.set(branch.vlanId, branch.coolUntil);
  const begins = branch.status === "claimed" || (branch.status === "associated" && old?.status !== "created");
  if (begins && old?.status !== branch.status && node.partition.trunk?.status === "ready") {
    expect(node.now, "no VLAN ID is used before its cool-down has ended").toBeGreaterThanOrEqual(
      restsUntil.get(branch.vlanId) ?? 0,
    );
  }
};

const act = (node: ModelNode, what: Happening, seen: Partition, units: number, version: number): void => {
  if (what.kind === "time") node.now += what.seconds * 1_000;
  if (what.kind === "answer") {
    const work = node.work[what.which % Math.max(1, node.work.length)];
    const call = work === undefined ? undefined : callOf(node, work);
    if (work === undefined || call === undefined) return;
    const result = resultOf(call.kind, what.remedy);
    // A refusal proves that no ENI exists only to the worker that made the first call.
    answer(node, { seen: what.isStale ? seen : node.partition, call, result, fresh: work.fresh });
  }
  const arrival = arrivalOf(what, node, version);
  if (arrival !== undefined) deliver(node, seen, [arrival], units);
};

describe("any sequence of events, answers, conflicts and stale views", () => {
  it("keeps VLAN IDs unique, slots counted, versions growing, states going forward and cool-downs respected", () => {
    fc.assert(
      fc.property(script, (steps) => {
        const trunk = modelTrunk();
        const node: ModelNode = {
          partition: { instanceId: trunk.instanceId, trunk, branches: [] },
          now: 1_800_000_000_000,
          registration: undefined,
          work: [],
          onCommit: () => undefined,
        };
        watch(node);
        let earlier = node.partition;
        for (const [version, { what, isStale, units }] of steps.entries()) {
          const before = node.partition;
          act(node, what, isStale ? earlier : node.partition, units, version + 1);
          earlier = before;
        }
      }),
      { numRuns: 400 },
    );
    expect([...reached].toSorted()).toEqual(Object.keys(followers).toSorted());
  });

  it("gives out the whole range of VLAN IDs, and each only when it is free", () => {
    expect(isVlanTaken(withVlans(noVlans, [branded(120)]), branded(120))).toBe(true);
    expect(isVlanTaken(noVlans, branded(1))).toBe(false);
  });
});
