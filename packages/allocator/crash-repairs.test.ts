import { branded, type EniId } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { reap } from "./index.ts";
import {
  annotated,
  annotationOf,
  branchOf,
  crashAt,
  fill,
  forged,
  nodeObserved,
  type Phase,
  podGone,
  problems,
  readyWorld,
  snapshot,
  type TestWorld,
  testInstance,
  trunkOf,
} from "./testing/index.ts";

/** Lets so many minutes pass, with the reaper's run in each. A run that is killed is not repeated. */
const minutes = async (world: TestWorld, count: number): Promise<void> => {
  for (let minute = 0; minute < count; minute += 1) {
    await world.run(60);
    await reap(world.dependencies).catch(() => undefined);
  }
};

/** Runs a scenario once for each port call that it makes, and kills the worker there. */
const sweep = async (
  phase: Phase,
  prepare: () => Promise<TestWorld>,
  scenario: (world: TestWorld) => Promise<void>,
  check: (world: TestWorld) => Promise<void>,
): Promise<number> => {
  const prepared = async (): Promise<TestWorld> => {
    const world = await prepare();
    world.tap.calls.length = 0;
    return world;
  };
  const clean = await prepared();
  await scenario(clean);
  await check(clean);
  const numbers = clean.tap.calls.map(({ number }) => number);
  for (const number of numbers) {
    const world = await prepared();
    crashAt(world, number, phase);
    await scenario(world);
    world.tap.hook = undefined;
    await minutes(world, 5);
    await check(world);
  }
  return numbers.length;
};

describe.each<Phase>(["before", "after"])("a worker that is killed %s a port call", (phase) => {
  it("while it takes over the pods of a lost table leaves each with its own ENI, proved", async () => {
    let told: readonly string[] = [];
    const prepare = async (): Promise<TestWorld> => {
      const world = await readyWorld();
      await fill(world, 3);
      told = [1, 2, 3].map((number) => annotationOf(world, number)[0]?.eniId ?? "");
      world.ledger.lose();
      return world;
    };
    const calls = await sweep(
      phase,
      prepare,
      async (world) => {
        world.send(nodeObserved());
        await world.run(10);
        const pods = [1, 2, 3].map((number) => annotated(number, annotationOf(world, number)));
        // The first one finds no node where the worker was killed that looked for its trunk; the next periodic one does.
        for (const list of [1_000, 1_001]) {
          world.send(snapshot([...pods, annotated(4, [forged({ vlanId: 99 })])], list));
          await minutes(world, 5);
        }
      },
      async (world) => {
        expect(await trunkOf(world)).toMatchObject({ status: "ready", held: 4 });
        for (const [position, eniId] of told.entries()) {
          expect(await branchOf(world, position + 1)).toMatchObject({ status: "associated", eni: { eniId } });
          expect(await branchOf(world, position + 1)).not.toHaveProperty("unproven", true);
        }
        expect(world.ec2.branches().map(({ eniId }) => eniId)).toEqual(told);
        expect(new Set(problems(world).map(({ problem }) => problem))).toEqual(new Set(["unknown-eni"]));
      },
    );
    expect(calls).toBeGreaterThan(30);
  }, 60_000);

  it("while it finds an ENI that was removed by hand tells its pod, whose end frees slot and VLAN ID", async () => {
    const calls = await sweep(
      phase,
      async () => {
        const world = await readyWorld({ reuseIdleSeconds: 0 });
        await fill(world, 2);
        world.clock.advance(120_000);
        world.ec2.enis.delete(branded<EniId>(annotationOf(world, 1)[0]?.eniId ?? ""));
        return world;
      },
      async (world) => {
        const pods = [1, 2].map((number) => annotated(number, annotationOf(world, number)));
        world.send(snapshot(pods));
        await minutes(world, 4);
        world.send(podGone(1));
        await minutes(world, 4);
      },
      async (world) => {
        expect(new Set(problems(world).map(({ problem }) => problem))).toEqual(new Set(["eni-deleted"]));
        expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });
        const { trunk } = await world.ledger.load(testInstance);
        expect(trunk).toMatchObject({ held: 1 });
        expect(BigInt(`0x${trunk?.vlans}`).toString(2).replaceAll("0", "")).toBe("1");
      },
    );
    expect(calls).toBeGreaterThan(30);
  }, 60_000);

  it("while it ends one that is not ours makes no call for it, and frees its slot and VLAN ID", async () => {
    const calls = await sweep(
      phase,
      async () => readyWorld({ reuseIdleSeconds: 0 }),
      async (world) => {
        world.send(snapshot([annotated(1, [forged(), forged({ eniId: "eni-0000000000000beee", vlanId: 8 })])]));
        await minutes(world, 3);
        world.send(podGone(1));
        await minutes(world, 4);
      },
      async (world) => {
        expect(await trunkOf(world)).toMatchObject({ held: 0, vlans: "0".repeat(30) });
        expect((await world.ledger.load(testInstance)).branches.every(({ status }) => status === "gone")).toBe(true);
        expect(world.ec2.calls).not.toContain("DisassociateTrunkInterface");
        expect(world.ec2.calls).not.toContain("DeleteNetworkInterface");
      },
    );
    expect(calls).toBeGreaterThan(20);
  }, 60_000);
});
