import { describe, expect, it } from "vitest";
import { decided, envelopesOf, looked, recordsOf } from "./testing/arrivals.ts";
import { associatedBranch, coolingBranch, partitionOf, releasingBranch, start } from "./testing/records.ts";

describe("a look at a branch", () => {
  it("whose cool-down and keeping are over waits for tokens, then commits its teardown", () => {
    const now = start + 500_000;
    const partition = partitionOf([coolingBranch("pod-1")]);

    expect(envelopesOf(decided(partition, [looked("pod-1")], { now }, 0))).toMatchObject([{ to: "branch-cooldown" }]);
    expect(recordsOf(decided(partition, [looked("pod-1")], { now }))).toMatchObject([{ status: "releasing" }]);
  });

  it("in teardown waits for its time, for its worker and for tokens", () => {
    const resting = releasingBranch("pod-1", {
      associationId: undefined,
      deleteNotBefore: start + 9_000,
      stepDeadline: start,
    });
    const lookAgain = (branch: typeof resting, units = 99) =>
      decided(partitionOf([branch]), [looked("pod-1")], {}, units);

    expect(envelopesOf(lookAgain(resting))).toMatchObject([{ delaySeconds: 9 }]);
    expect(envelopesOf(lookAgain(releasingBranch("pod-1")))).toMatchObject([{ delaySeconds: 60 }]);
    const overdue = releasingBranch("pod-1", { stepDeadline: start });
    expect(envelopesOf(lookAgain(overdue, 0))).toMatchObject([{ delaySeconds: 5 }]);
    expect(lookAgain(overdue).steps).toMatchObject([{ writes: [], work: [{ kind: "branch", owner: "pod-1" }] }]);
    expect(lookAgain({ ...overdue, associationId: undefined }).steps).toMatchObject([{ work: [{ owner: "pod-1" }] }]);
  });

  it("finds nothing to do for a pod that has its branch, unless the message comes again", () => {
    const partition = partitionOf([associatedBranch("pod-1")]);

    expect(decided(partition, [looked("pod-1"), looked("pod-2")]).steps).toEqual([]);
    expect(envelopesOf(decided(partition, [{ ...looked("pod-1"), receiveCount: 2 }]))).toMatchObject([
      { body: { type: "PodEniAssigned" } },
    ]);
  });

  it("is one look, however many messages bring it", () => {
    const overdue = releasingBranch("pod-1", { associationId: undefined, stepDeadline: start });

    expect(decided(partitionOf([overdue]), [looked("pod-1"), looked("pod-1")]).steps).toMatchObject([
      { work: [{ owner: "pod-1" }] },
    ]);
    const again = [{ ...looked("pod-1"), receiveCount: 2 }, looked("pod-1")];
    expect(envelopesOf(decided(partitionOf([associatedBranch("pod-1")]), again))).toMatchObject([
      { body: { type: "PodEniAssigned" } },
    ]);
  });
});
