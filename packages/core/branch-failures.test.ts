import { describe, expect, it } from "vitest";
import {
  type AssociationId,
  actionOf,
  advance,
  type BranchCall,
  branded,
  type CallResult,
  type ClaimedBranch,
  type Ec2Remedy,
  type EniId,
  intentOf,
  isEniKnown,
  nextCall,
  type ReleasingBranch,
  type SubnetId,
} from "./index.ts";
import { modelContext } from "./testing/model-node.ts";
import {
  associatedBranch,
  claimedBranch,
  coolingBranch,
  createdBranch,
  partitionOf,
  releasingBranch,
  start,
  waitingBranch,
} from "./testing/records.ts";

const failed = (remedy: Ec2Remedy): CallResult => ({
  ok: false,
  failure: { action: "CreateNetworkInterface", remedy, code: "Code", message: "EC2 says no" },
});

interface Situation {
  readonly record: ClaimedBranch | ReleasingBranch | ReturnType<typeof createdBranch>;
  readonly result: CallResult;
  readonly call?: BranchCall;
  readonly afterSeconds?: number;
  readonly fresh?: boolean;
  readonly attempts?: number;
}

const follow = ({ record, result, call, afterSeconds = 0, fresh = true, attempts = 1 }: Situation) => {
  const now = start + afterSeconds * 1_000;
  const made = call ?? nextCall(record, now);
  if (made === undefined) throw new Error("There is no call.");
  return advance(partitionOf([record]), made, result, { ...modelContext(now), fresh, attempts });
};

const claimed = claimedBranch("pod-1");
const created = createdBranch("pod-1");
const undone = releasingBranch("pod-1", { eni: undefined, associationId: undefined, associatedAt: undefined });

describe("a refused call", () => {
  it("is repeated when EC2 throttled it or failed itself", () => {
    expect(follow({ record: claimed, result: failed("throttled") }).kind).toBe("repeat");
    expect(follow({ record: claimed, result: failed("repeat") }).kind).toBe("repeat");
  });

  it("for a creation that nobody tried before undoes the claim and lets the pod wait", () => {
    const step = follow({ record: claimed, result: failed("permanent") });

    expect(step).toMatchObject({
      kind: "commit",
      writes: [
        { record: { kind: "trunk", held: 0, vlans: "0".repeat(30) } },
        { record: { status: "waiting", reason: "refused", problem: "Code", chain: 1, generation: 1 } },
      ],
      envelopes: [{ to: "pod-events" }, { to: "outcomes", body: { type: "PodEniFailed", code: "Code" } }],
    });
  });

  it("is told only once while the reason stays the same", () => {
    const wish = { ...waitingBranch("pod-1"), reason: "refused" as const, problem: "Code" };
    const step = follow({ record: claimedBranch("pod-1", { wish }), result: failed("permanent") });

    expect(step).toMatchObject({ envelopes: [{ to: "pod-events", body: { chain: 2 } }] });
  });

  it("for a creation that somebody may have tried before looks for the ENI by its tag", () => {
    const find = { kind: "call", call: { kind: "find" } };

    expect(follow({ record: claimed, result: failed("permanent"), fresh: false })).toMatchObject(find);
    expect(follow({ record: claimed, result: failed("mismatch") })).toMatchObject(find);
    expect(follow({ record: undone, result: failed("permanent"), fresh: false })).toMatchObject(find);
  });

  it("for a group that may not be visible yet is repeated before it counts", () => {
    expect(follow({ record: claimed, result: failed("short-retry") }).kind).toBe("repeat");
    expect(follow({ record: claimed, result: failed("short-retry"), attempts: 2 }).kind).toBe("commit");
  });

  it("writes down that the subnet is full, or the quota used up", () => {
    const full = follow({ record: claimed, result: failed("defer-address") });

    expect(full).toMatchObject({
      writes: [
        { record: { kind: "trunk" } },
        { record: { reason: "subnet-full" } },
        { record: { kind: "subnet-probe", probeAt: start + 10_000 } },
        { record: { kind: "subnet-waiter" } },
      ],
    });
    expect(follow({ record: claimed, result: failed("defer-quota") })).toMatchObject({
      writes: [{}, { record: { reason: "eni-quota" } }, {}, {}],
    });
  });

  it("of a look by tag is made later", () => {
    const call = { kind: "find", record: claimed } as const;

    expect(follow({ record: claimed, call, result: failed("permanent") }).kind).toBe("rest");
  });

  it("of an association rests where a slot may become free, and is repeated where the ENI may become visible", () => {
    expect(follow({ record: created, result: failed("defer-branch-limit") }).kind).toBe("rest");
    expect(follow({ record: created, result: failed("not-found") }).kind).toBe("repeat");
    expect(follow({ record: created, result: failed("not-found"), attempts: 2 }).kind).toBe("rest");
  });

  it("of an association whose ENI is not there after a minute deletes it all the same, and lets the pod begin anew", () => {
    expect(follow({ record: created, result: failed("not-found"), afterSeconds: 60 })).toMatchObject({
      writes: [{ record: { status: "releasing", wish: { reason: "step-under-way" } } }],
    });
  });

  it("of an association counts the minute from EC2's answer, not from the intent", () => {
    const late = { ...created, eniCreatedAt: start + 50_000 };
    expect(follow({ record: late, result: failed("not-found"), afterSeconds: 60 }).kind).toBe("repeat");
  });

  it.each<Ec2Remedy>(["permanent", "permanent-node", "unauthorised", "mismatch"])(
    "of an association (%s) commits the teardown of the ENI and keeps the wish",
    (remedy) => {
      expect(follow({ record: created, result: failed(remedy) })).toMatchObject({
        writes: [{ record: { status: "releasing", wish: { reason: "refused", problem: "Code" } } }],
      });
    },
  );

  it("of an association whose VLAN ID is taken keeps that ID's bit and the wish", () => {
    expect(follow({ record: created, result: failed("vlan-taken") })).toMatchObject({
      writes: [{ record: { status: "releasing", keepsVlan: true, wish: { reason: "step-under-way" } } }],
    });
  });

  it("of a teardown rests, and NotFound is believed only when the creation is a minute old", () => {
    const cut = releasingBranch("pod-1", { associatedAt: undefined });
    expect(follow({ record: cut, result: failed("look-again") }).kind).toBe("rest");
    expect(follow({ record: cut, result: failed("not-found"), afterSeconds: 59 }).kind).toBe("rest");
    expect(follow({ record: cut, result: failed("not-found"), afterSeconds: 60 }).kind).toBe("proceed");
    const detached = releasingBranch("pod-1", { associationId: undefined });
    expect(follow({ record: detached, result: failed("not-found"), afterSeconds: 60 })).toMatchObject({
      writes: [{}, { record: { status: "gone" } }],
    });
    const old = releasingBranch("pod-1", { associationId: undefined, associatedAt: undefined });
    expect(follow({ record: old, result: failed("not-found"), afterSeconds: 59 }).kind).toBe("rest");
  });
});

describe("a look by tag that finds nothing", () => {
  it("is believed a minute after the claim: a living pod waits again, an undone claim is gone", () => {
    const nothing = { ok: true } as const;
    const find = (record: ClaimedBranch | ReleasingBranch): BranchCall => ({ kind: "find", record });

    expect(follow({ record: claimed, call: find(claimed), result: nothing }).kind).toBe("rest");
    expect(follow({ record: claimed, call: find(claimed), result: nothing, afterSeconds: 60 })).toMatchObject({
      writes: [{}, { record: { status: "waiting", reason: "step-under-way" } }],
    });
    expect(follow({ record: undone, call: find(undone), result: nothing, afterSeconds: 60 })).toMatchObject({
      writes: [{}, { record: { status: "gone" } }],
    });
  });
});

describe("the end of an ENI", () => {
  const done = { ok: true } as const;

  it("changes no trunk whose ENI was replaced, or whose record is lost or ended", () => {
    const record = releasingBranch("pod-1", { associationId: undefined });
    const call = { kind: "delete", record, eniId: branded<EniId>("eni-of-pod-1") } as const;
    const context = { ...modelContext(start), fresh: false, attempts: 1 };
    for (const partition of [
      partitionOf([record], { trunkEniId: branded("eni-other") }),
      partitionOf([record], { status: "gone" }),
      { ...partitionOf([record]), trunk: undefined },
    ]) {
      expect(advance(partition, call, done, context)).toMatchObject({ writes: [{ record: { status: "gone" } }] });
    }
  });

  it("lets a pod of a lost trunk wait without a copy", () => {
    const record = { ...claimed };
    const context = { ...modelContext(start), fresh: true, attempts: 1 };
    const partition = { ...partitionOf([record]), trunk: undefined };

    expect(advance(partition, { kind: "create", record }, failed("defer-address"), context)).toMatchObject({
      writes: [{ record: { status: "waiting" } }],
      envelopes: [{ to: "outcomes" }],
    });
  });

  it("of a pod with several ENIs claims again with another VLAN ID and the next generation", () => {
    const wish = waitingBranch("pod-1", { reason: "step-under-way" });
    const record = releasingBranch("pod-1", { associationId: undefined, enis: 2, wish });

    expect(follow({ record, result: done })).toMatchObject({
      writes: [{ record: { held: 1, lastVlan: 2 } }, { record: { status: "claimed", generation: 1, vlanId: 2 } }],
    });
    const full = partitionOf([record], { vlans: "f".repeat(30) });
    const call = { kind: "delete", record, eniId: branded<EniId>("eni-of-pod-1") } as const;
    const context = { ...modelContext(start), fresh: false, attempts: 1 };
    expect(advance(full, call, done, context)).toMatchObject({ writes: [{}, { record: { vlanId: 1 } }] });
  });

  it("of a pod that lives on makes it wait as its record says", () => {
    const wish = { ...waitingBranch("pod-1"), chain: 4 };
    const record = releasingBranch("pod-1", { associationId: undefined, wish, keepsVlan: true });

    expect(follow({ record, result: done })).toMatchObject({
      writes: [{ record: { held: 0, vlans: `${"0".repeat(29)}1` } }, { record: { status: "waiting", chain: 4 } }],
      envelopes: [{ to: "pod-events", body: { chain: 4 } }],
    });
  });

  it("gives the slot of a cut back once", () => {
    const record = releasingBranch("pod-1", { deleteNotBefore: start + 50_000, holdsSlot: false });
    const call = { kind: "disassociate", record, associationId: branded<AssociationId>("trunk-assoc-1") } as const;
    const step = advance(partitionOf([record]), call, done, { ...modelContext(start), fresh: false, attempts: 1 });

    expect(step).toMatchObject({ kind: "commit", writes: [{ record: { status: "releasing" } }] });
    expect(step.kind === "commit" && step.writes).toHaveLength(1);
  });
});

describe("the next call", () => {
  it("is none for a branch at rest", () => {
    const resting = releasingBranch("pod-1", { associationId: undefined, deleteNotBefore: start + 1 });
    for (const branch of [undefined, waitingBranch("p"), associatedBranch("p"), coolingBranch("p"), resting]) {
      expect(nextCall(branch, start)).toBeUndefined();
    }
  });

  it("takes a token of its own EC2 action", () => {
    const resting = releasingBranch("pod-1", { associationId: undefined });
    const actions = [claimed, created, undone, releasingBranch("pod-1"), resting].map((record) =>
      nextCall(record, start),
    );

    expect(actions.map((call) => call && actionOf(call))).toEqual([
      "CreateNetworkInterface",
      "AssociateTrunkInterface",
      "CreateNetworkInterface",
      "DisassociateTrunkInterface",
      "DeleteNetworkInterface",
    ]);
  });

  it("carries the intent of its record, and knows the ENIs of its partition", () => {
    expect(intentOf(claimed, branded("blue"))).toMatchObject({ owner: "pod-1", generation: 0, createdAt: start });
    const partition = partitionOf([created]);
    expect(isEniKnown(partition, branded("eni-of-pod-1"))).toBe(true);
    expect(isEniKnown(partition, branded("eni-trunk"))).toBe(true);
    expect(isEniKnown(partition, branded("eni-other"))).toBe(false);
  });

  it("of a creation in a full subnet keeps the probe's version growing", () => {
    const subnetId = branded<SubnetId>("subnet-1");
    const probes = new Map([[subnetId, { kind: "subnet-probe", subnetId, version: 7, probeAt: start } as const]]);
    const context = { ...modelContext(start, { probes }), fresh: true, attempts: 1 };
    const step = advance(partitionOf([claimed]), { kind: "create", record: claimed }, failed("defer-address"), context);

    expect(step).toMatchObject({ writes: [{}, {}, { record: { version: 8 } }, {}] });
  });
});
