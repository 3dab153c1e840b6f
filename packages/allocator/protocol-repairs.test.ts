import { type AssociatedBranch, branded, type EniId } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { reap } from "./index.ts";
import {
  annotated,
  annotationOf,
  assignedPods,
  branchOf,
  fill,
  forged,
  podGone,
  podObserved,
  podUid,
  problems,
  readyWorld,
  snapshot,
  type TestWorld,
  trunkOf,
} from "./testing/index.ts";

describe("the ledger protocol: a branch ENI that somebody removes by hand", () => {
  const reapTwice = async (world: TestWorld): Promise<void> => {
    await reap(world.dependencies);
    await world.run(62);
    await reap(world.dependencies);
    await world.run(1);
  };

  it("P07: is reported to its pod after two listings, once; the pod gets no other, and its end frees slot and VLAN ID", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const [eni = forged()] = annotationOf(world, 1);
    world.clock.advance(120_000);
    world.ec2.enis.delete(branded<EniId>(eni.eniId));

    await reap(world.dependencies);
    await reap(world.dependencies);
    expect(problems(world)).toEqual([]);
    await reapTwice(world);
    await reapTwice(world);
    world.send(snapshot([annotated(1, [eni])]));
    world.send(podObserved(1));
    await world.run(1);

    expect(problems(world)).toMatchObject([{ podUid: podUid(1), problem: "eni-deleted", eniId: eni.eniId }]);
    expect(assignedPods(world)).toEqual([podUid(1)]);
    expect(world.ec2.branches()).toEqual([]);
    world.send(podGone(1));
    await world.run(75);
    expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });
    expect(await trunkOf(world)).toMatchObject({ held: 0, vlans: "0".repeat(30) });
  });

  it("P07: is reported when only its association is gone, and taken back when somebody associates it again", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const [branch] = world.ec2.branches();
    if (branch === undefined) throw new Error("There is no branch.");
    world.clock.advance(120_000);
    world.ec2.enis.set(branch.eniId, { ...branch, status: "available", association: undefined });
    await reapTwice(world);
    expect(problems(world)).toMatchObject([{ problem: "eni-not-associated" }]);
    expect(await branchOf(world, 1)).toMatchObject({ doubt: { confirmed: true } });

    world.ec2.enis.set(branch.eniId, branch);
    await reap(world.dependencies);

    expect((await branchOf(world, 1)) as AssociatedBranch).not.toHaveProperty("doubt", expect.anything());
  });

  it("P05: is not given to the next pod when it was removed while it cooled", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    world.send(podGone(1));
    await world.run(70);
    world.ec2.enis.delete(branded<EniId>(annotationOf(world, 1)[0]?.eniId ?? ""));
    await reap(world.dependencies);

    world.send(podObserved(2));
    await world.run(1);

    expect(annotationOf(world, 2)[0]?.eniId).not.toBe(annotationOf(world, 1)[0]?.eniId);
    expect(world.ec2.branches()).toHaveLength(1);
    await reapTwice(world);
    expect(problems(world)).toEqual([]);
  });

  it("is nobody's news while it is young, or when its trunk is not in its place", async () => {
    const world = await readyWorld();
    await fill(world, 1);
    const eniId = branded<EniId>(annotationOf(world, 1)[0]?.eniId ?? "");
    world.ec2.enis.delete(eniId);
    await reap(world.dependencies);
    expect(await branchOf(world, 1)).not.toHaveProperty("doubt", expect.anything());

    world.clock.advance(120_000);
    world.ec2.detach(branded<EniId>((await trunkOf(world))?.trunkEniId ?? ""));
    await reapTwice(world);
    expect(problems(world)).toEqual([]);
  });
});
