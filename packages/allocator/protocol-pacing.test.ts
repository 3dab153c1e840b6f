import { describe, expect, it } from "vitest";
import { handlePodEvents, reap } from "./index.ts";
import {
  assignedPods,
  branchOf,
  delivered,
  fill,
  interleave,
  podObserved,
  podUid,
  readyWorld,
  registered,
  testInstance,
} from "./testing/index.ts";

describe("the ledger protocol: the pacer and refusals", () => {
  it("P17: pods for which there are no tokens wait for exactly their turn, and show the same tag again", async () => {
    const world = await readyWorld();
    world.pacer.unitsLeft = 2;
    world.pacer.waitMilliseconds = 20_000;
    for (let number = 1; number <= 3; number += 1) world.send(podObserved(number));
    await world.run(1);

    expect(assignedPods(world)).toHaveLength(2);
    expect(await branchOf(world, 3)).toMatchObject({ status: "waiting", reason: "rate-limit", pacerTag: 1 });
    world.pacer.unitsLeft = 100;
    await world.run(21);

    expect(world.pacer.asks.at(-1)).toMatchObject([{ tag: 1 }]);
    expect(assignedPods(world)).toHaveLength(3);
  });

  it("P17: a worker that was frozen over its grant asks anew", async () => {
    const world = await readyWorld();
    const asks = world.pacer.asks.length;
    interleave(world.tap, "ec2", "createBranchEni", async () => world.clock.advance(3_000));

    await handlePodEvents(world.dependencies, [delivered(podObserved(1))]);

    expect(world.pacer.asks.slice(asks)).toMatchObject([
      [{ unit: { CreateNetworkInterface: 1, AssociateTrunkInterface: 1 } }],
      [{ unit: { AssociateTrunkInterface: 1 } }],
    ]);
  });

  it("P18: a throttled call is told to the pacer and repeated with the same token", async () => {
    const world = await readyWorld();
    let throttles = 2;
    world.ec2.refuse = (action) => {
      if (action !== "CreateNetworkInterface" || throttles === 0) return undefined;
      throttles -= 1;
      return { remedy: "throttled", code: "RequestLimitExceeded" };
    };

    world.send(podObserved(1));
    await world.run(1);

    expect(world.pacer.reports.filter((report) => report.CreateNetworkInterface?.throttled === 1)).toHaveLength(2);
    expect(world.ec2.branches()).toHaveLength(1);
    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P19: a wish that EC2 refuses is told once, kept, and met when its group exists", async () => {
    const world = await readyWorld();
    world.ec2.missingGroups.add("sg-0000000000000000a");
    world.send(podObserved(1));
    await world.run(100);

    expect(world.outbox.outcomes().filter(({ type }) => type === "PodEniFailed")).toMatchObject([
      { code: "InvalidGroup.NotFound", action: "CreateNetworkInterface" },
    ]);
    expect((await world.ledger.load(testInstance)).trunk).toMatchObject({ held: 0, vlans: "0".repeat(30) });
    world.ec2.missingGroups.clear();
    await world.run(31);

    expect(assignedPods(world)).toEqual([podUid(1)]);
  });

  it("P19: the breaker trips only when distinct requests are refused alike, and closes on success", async () => {
    const world = await readyWorld();
    const registration = registered({ groupSets: [] });
    world.send(registration);
    await world.run(1);
    world.ec2.refuse = (action) =>
      action === "CreateNetworkInterface" ? { remedy: "unauthorised", code: "UnauthorizedOperation" } : undefined;
    for (let number = 1; number <= 4; number += 1) {
      world.send(podObserved(number, { securityGroups: [`sg-${number}`] }));
      await world.run(1);
    }
    expect(await branchOf(world, 3)).toMatchObject({ status: "waiting", reason: "refused" });
    expect(await branchOf(world, 4)).toMatchObject({ status: "waiting", reason: "cluster-paused" });
    const calls = world.ec2.calls.length;

    await world.run(58);
    expect(world.ec2.calls).toHaveLength(calls);
    world.ec2.refuse = undefined;
    await world.run(200);

    expect(new Set(assignedPods(world)).size).toBe(4);
  });

  it("P19: groups of another VPC are the refusal of the pods that name them, and never pause their cluster", async () => {
    const world = await readyWorld();
    world.send(registered({ groupSets: [] }));
    const foreign = ["sg-1", "sg-2", "sg-3", "sg-4"];
    for (const group of foreign) world.ec2.foreignGroups.set(group, "vpc-2");
    for (const [number, group] of foreign.entries()) world.send(podObserved(number + 1, { securityGroups: [group] }));
    await world.run(1);

    world.send(podObserved(9));
    await world.run(1);

    expect(assignedPods(world)).toEqual([podUid(9)]);
    expect(world.ec2.calls.filter((action) => action === "DescribeSecurityGroups")).toHaveLength(4);
    expect(world.outbox.outcomes().filter(({ type }) => type === "PodEniFailed")).toContainEqual(
      expect.objectContaining({
        code: "SecurityGroupNotInVpc",
        detail: "the security group sg-1 belongs to vpc-2, the node to vpc-1",
      }),
    );
  });

  it("P19: a refusal that no group explains counts against the cluster, also when nobody may look at groups", async () => {
    const world = await readyWorld();
    world.send(registered({ groupSets: [] }));
    world.ec2.refuse = (action) =>
      action === "CreateNetworkInterface" || action === "DescribeSecurityGroups"
        ? { remedy: "unauthorised", code: "UnauthorizedOperation" }
        : undefined;

    for (const number of [1, 2, 3]) world.send(podObserved(number, { securityGroups: [`sg-${number}`] }));
    await world.run(1);
    world.send(podObserved(4));
    await world.run(1);

    expect(await branchOf(world, 4)).toMatchObject({ status: "waiting", reason: "cluster-paused" });
  });

  it("P19: a cluster that has as many ENIs as it may have waits, by the reaper's count", async () => {
    const world = await readyWorld();
    const registration = registered({ groupSets: [] });
    world.send(registration);
    await fill(world, 2);
    const limited = { ...world.dependencies, clusterLimits: () => ({ cluster: delivered(0).cluster, enisMax: 3 }) };

    await reap(limited);
    await handlePodEvents(limited, [delivered(podObserved(3))]);

    expect(await branchOf(world, 3)).toMatchObject({ status: "waiting", reason: "eni-quota" });
    expect(world.ec2.branches()).toHaveLength(2);
  });

  it("P19: a pod with several ENIs of which one is refused is told, and gets all of them in the end", async () => {
    const world = await readyWorld();
    let refusals = 1;
    world.ec2.refuse = (action) => {
      if (action !== "CreateNetworkInterface" || refusals === 0) return undefined;
      refusals -= 1;
      return { remedy: "permanent", code: "InvalidGroup.NotFound" };
    };

    world.send(podObserved(1, { enis: 2 }));
    await world.run(120);

    expect(world.outbox.outcomes()).toContainEqual(expect.objectContaining({ type: "PodEniFailed" }));
    expect(world.ec2.branches()).toHaveLength(2);
    expect(assignedPods(world)).toEqual([podUid(1)]);
  });
});
