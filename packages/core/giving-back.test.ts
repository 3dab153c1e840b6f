import { describe, expect, it } from "vitest";
import {
  advance,
  type BranchRecord,
  branded,
  type CallResult,
  type ClaimedBranch,
  callOn,
  nextCall,
  type ReleasingBranch,
  type VlanId,
  wishOf,
} from "./index.ts";
import { modelContext } from "./testing/model-node.ts";
import {
  associatedBranch,
  claimedBranch,
  coolingBranch,
  createdBranch,
  goneBranch,
  partitionOf,
  releasingBranch,
  start,
  waitingBranch,
} from "./testing/records.ts";

const refused: CallResult = {
  ok: false,
  failure: { action: "CreateNetworkInterface", remedy: "permanent", code: "Code", message: "EC2 says no" },
};
const at = (index: number) => ({ enis: 3, index, vlanId: branded<VlanId>(index + 1) });

/** What follows from the refusal of one ENI of a pod with three. */
const after = (record: ClaimedBranch | ReleasingBranch, siblings: readonly BranchRecord[]) => {
  const call = nextCall(record, start);
  if (call === undefined) throw new Error("There is no call.");
  const context = { ...modelContext(start), fresh: true, attempts: 3 };
  const step = advance(partitionOf([record, ...siblings]), call, refused, context);
  if (step.kind !== "commit") throw new Error("There is no commit.");
  return step;
};

describe("a refused ENI of a pod with several", () => {
  const wish = { reason: "refused", problem: "Code", chain: 1, told: true };

  it("takes the others with it, each as far as it is, and tells the pod", () => {
    const step = after(claimedBranch("pod-1", at(0)), [
      createdBranch("pod-1", at(1)),
      associatedBranch("pod-1", at(2)),
    ]);

    expect(step.writes).toMatchObject([
      { record: { kind: "trunk", held: 2 } },
      { record: { index: 0, status: "gone" } },
      { record: { index: 1, status: "releasing", holdsSlot: true, stepDeadline: start + 2_000, wish } },
      { record: { index: 2, status: "releasing", associationId: "trunk-assoc-1", stepDeadline: start, wish } },
    ]);
    expect(step.envelopes).toMatchObject([
      { to: "branch-cooldown", body: { index: 1 }, delaySeconds: 2 },
      { to: "branch-cooldown", body: { index: 2 }, delaySeconds: 0 },
      { to: "outcomes", body: { type: "PodEniFailed", code: "Code" } },
    ]);
  });

  it("leaves the time of a worker that creates another one, and changes nothing of one that falls already", () => {
    const falling = releasingBranch("pod-1", { ...at(2), wish: wishOf(waitingBranch("pod-1")) });
    const step = after(claimedBranch("pod-1", at(1)), [claimedBranch("pod-1", at(0)), falling]);

    expect(step.writes).toMatchObject([
      {},
      { record: { index: 1, status: "gone" } },
      { record: { index: 0, status: "releasing", stepDeadline: start + 60_000 } },
    ]);
  });

  it("writes the pod's wish down when it is the last one, in the pod's first record, and goes on with its chain", () => {
    const before = wishOf(waitingBranch("pod-1", { chain: 4, reason: "refused", problem: "Code" }));
    const last = releasingBranch("pod-1", { ...at(2), eni: undefined, associationId: undefined, wish: before });
    const step = after(last, [goneBranch("pod-1"), goneBranch("pod-1", { index: 1 })]);

    expect(step.writes).toMatchObject([
      { record: { held: 0 } },
      { record: { index: 2, status: "gone" } },
      { record: { index: 0, status: "waiting", version: 4, chain: 4, enis: 3 } },
    ]);
    expect(step.envelopes).toMatchObject([{ to: "pod-events", body: { chain: 4 }, delaySeconds: 60 }]);
    expect(after(last, []).writes).toMatchObject([{}, { record: { index: 2 } }, { record: { index: 0, version: 1 } }]);
  });

  it("is not claimed again when its ENI was never made, since the others have fallen", () => {
    const before = wishOf(waitingBranch("pod-1", { reason: "subnet-full" }));
    const last = releasingBranch("pod-1", { ...at(2), eni: undefined, associationId: undefined, wish: before });
    const partition = partitionOf([last, goneBranch("pod-1"), goneBranch("pod-1", { index: 1 })]);
    const context = { ...modelContext(start + 60_000), fresh: false, attempts: 1 };

    expect(advance(partition, { kind: "find", record: last }, { ok: true }, context)).toMatchObject({
      writes: [{ record: { held: 0 } }, { record: { index: 2, status: "gone" } }, { record: { status: "waiting" } }],
    });
  });

  it("takes with it another one that was to be claimed again", () => {
    const again = wishOf(waitingBranch("pod-1", { reason: "step-under-way" }));
    const replaced = releasingBranch("pod-1", { ...at(2), wish: again });
    const step = after(claimedBranch("pod-1", at(0)), [replaced]);

    expect(step.writes).toMatchObject([{}, { record: { status: "gone" } }, { record: { index: 2, wish } }]);
    expect(step.envelopes).toMatchObject([{ to: "branch-cooldown", body: { index: 2 } }, { to: "outcomes" }]);
  });

  it.each([
    ["is on its way out", releasingBranch("pod-1", at(0))],
    ["cools", coolingBranch("pod-1", at(0))],
    ["is gone since a newer version", goneBranch("pod-1", { podVersion: branded("101") })],
  ])("writes no wish over the pod's end, when another one %s for good", (_how, ended) => {
    expect(after(claimedBranch("pod-1", at(1)), [ended]).writes).toMatchObject([
      { record: { kind: "trunk" } },
      { record: { index: 1, status: "gone" } },
    ]);
  });

  it("takes the wish of the first one, so that the pod is not told the same again", () => {
    const before = wishOf(waitingBranch("pod-1", { chain: 4, reason: "refused", problem: "Code" }));
    const step = after(claimedBranch("pod-1", at(1)), [claimedBranch("pod-1", { ...at(0), wish: before })]);

    expect(step.writes).toMatchObject([{}, {}, { record: { index: 0, wish: { chain: 5 } } }]);
    expect(step.envelopes).toMatchObject([{ to: "branch-cooldown" }]);
  });
});

describe("an ENI of a pod whose annotation names another one", () => {
  it("ends alone when it is refused: what is not proved is not given back, and no wish takes its place", () => {
    const step = after(claimedBranch("pod-1", at(1)), [associatedBranch("pod-1", { unproven: true })]);

    expect(step.writes).toMatchObject([{ record: { kind: "trunk" } }, { record: { index: 1, status: "gone" } }]);
    expect(step.envelopes).toMatchObject([{ to: "outcomes" }]);
  });
});

describe("the answer to a Create whose branch has fallen meanwhile", () => {
  const claimed = claimedBranch("pod-1");
  const call = { kind: "create", record: claimed } as const;
  const fallen = { eni: undefined, associationId: undefined, version: 4, stepDeadline: claimed.stepDeadline };

  it("is taken for the branch as it is now, while the step is still the worker's", () => {
    const record = releasingBranch("pod-1", fallen);

    expect(callOn(claimed, call)).toBe(call);
    expect(callOn(record, call)).toEqual({ kind: "create", record });
  });

  it("is nobody's when another worker has carried the branch on", () => {
    expect(callOn(undefined, call)).toBeUndefined();
    expect(callOn(claimedBranch("pod-1", { version: 4 }), call)).toBeUndefined();
    expect(callOn(releasingBranch("pod-1", { ...fallen, stepDeadline: start }), call)).toBeUndefined();
    expect(callOn(releasingBranch("pod-1", { ...fallen, generation: 1 }), call)).toBeUndefined();
    expect(callOn(releasingBranch("pod-1", { ...fallen, createdAt: start + 1 }), call)).toBeUndefined();
    expect(callOn(releasingBranch("pod-1", { stepDeadline: claimed.stepDeadline }), call)).toBeUndefined();
  });
});
