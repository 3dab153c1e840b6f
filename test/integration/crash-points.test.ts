import type { InstanceId } from "@trunkline/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CrashPod, crashCooldownSeconds } from "../support/crash-cluster.ts";
import { narrowType } from "../support/crash-servers.ts";
import { type CrashScenario, expectEnis, expectNoEni, sweep } from "../support/crash-sweep.ts";
import { type CrashWorld, startCrashWorld } from "../support/crash-world.ts";

/** A pod on its node, and the one that was there before it. */
interface Scene {
  readonly pod: CrashPod;
  readonly formerEni?: string | undefined;
}

let world: CrashWorld;
let wide: InstanceId;
let narrow: InstanceId;
const swept: string[] = [];

const addReadyNode = async (instanceType: "m5.large" | typeof narrowType): Promise<InstanceId> => {
  const instanceId = world.runInstance(instanceType);
  await world.cluster.addNode(instanceId);
  await world.settle();
  return instanceId;
};

beforeAll(async () => {
  world = await startCrashWorld();
  await world.settle();
  wide = await addReadyNode("m5.large");
  narrow = await addReadyNode(narrowType);
});

afterAll(async () => {
  await world?.stop();
  process.stdout.write(`Crash points swept: ${swept.join(", ")}.\n`);
});

/** The one ENI of a pod, which is the only one on its node. */
const oneEniOf = async (instanceId: InstanceId, pod: CrashPod): Promise<string | undefined> =>
  (await expectEnis(world, { instanceId, pod, count: 1 }))[0];

/** A pod that has its ENI, on a node with nothing else. */
const addServedPod = async (instanceId: InstanceId): Promise<CrashPod> => {
  const pod = await world.cluster.addPod(instanceId);
  await world.settle();
  return pod;
};

/** A pod leaves a branch that cools for its successor on the same node. */
const succeed = async (instanceId: InstanceId, afterSeconds: number): Promise<Scene> => {
  const former = await addServedPod(instanceId);
  const formerEni = await oneEniOf(instanceId, former);
  await world.cluster.removePod(former);
  await world.settle(afterSeconds);
  return { pod: await world.cluster.addPod(instanceId), formerEni };
};

const removePod = async (instanceId: InstanceId, { pod }: Scene): Promise<void> => {
  await world.cluster.removePod(pod);
  await world.settle();
  await world.reap();
  await expectNoEni(world, instanceId);
};

const points = async <Of>(what: string, scenario: CrashScenario<Of>): Promise<number> => {
  const count = await sweep(world, scenario);
  swept.push(`${count} of ${what}`);
  return count;
};

describe("a worker that is killed before or after any call", () => {
  test("of a node that joins leaves it with one trunk, and in the end with none", async () => {
    const trunks = () =>
      world.ec2
        .model()
        .state()
        .networkInterfaces.filter(({ InterfaceType }) => InterfaceType === "trunk");
    const before = trunks().length;

    const count = await points("a node", {
      prepare: async () => {
        const instanceId = world.runInstance("m5.large");
        await world.cluster.addNode(instanceId);
        return instanceId;
      },
      act: () => world.settle(),
      assess: async (instanceId) => {
        const [trunk, ...others] = trunks().filter(({ Attachment }) => Attachment?.InstanceId === instanceId);
        expect(others).toEqual([]);
        expect(trunks()).toHaveLength(before + 1);
        expect((await world.load(instanceId)).trunk).toMatchObject({
          status: "ready",
          wanted: true,
          trunkEniId: trunk?.NetworkInterfaceId,
          deviceIndex: trunk?.Attachment?.DeviceIndex,
        });
        expect(trunk?.Attachment?.DeleteOnTermination).toBe(true);
        expect(world.outcomes.at(-1)).toMatchObject({ type: "NodeTrunkReady", instanceId });
      },
      end: async (instanceId) => {
        await world.terminate(instanceId);
        await world.cluster.removeNode(instanceId);
        await world.settle();
        expect(trunks()).toHaveLength(before);
        expect(world.queues.left()).toEqual([]);
      },
    });

    expect(count).toBeGreaterThan(50);
  });

  test("of an allocation leaves one ENI, one VLAN ID and one annotation, and in the end none", async () => {
    const count = await points("an allocation", {
      prepare: async () => ({ pod: await world.cluster.addPod(wide) }),
      act: () => world.settle(),
      assess: async ({ pod }) => void (await oneEniOf(wide, pod)),
      end: (scene) => removePod(wide, scene),
    });

    expect(count).toBeGreaterThan(20);
  });

  test("of an allocation leaves one ENI also where EC2 does not yet show what a killed worker made (P06)", async () => {
    const showsAfter = (describeDelayMs: number) => world.ec2.model().configure({ visibility: { describeDelayMs } });

    const count = await points("an allocation with late describes", {
      prepare: async () => ({ pod: await world.cluster.addPod(wide) }),
      act: async () => {
        showsAfter(3_600_000);
        await world.settle();
        showsAfter(0);
      },
      assess: async ({ pod }) => void (await oneEniOf(wide, pod)),
      end: (scene) => removePod(wide, scene),
    });

    expect(count).toBeGreaterThan(20);
  });

  test("of an allocation for a pod with two ENIs leaves it both, in one annotation, and in the end none", async () => {
    const count = await points("an allocation of two", {
      prepare: async () => ({ pod: await world.cluster.addPod(wide, 2) }),
      act: () => world.settle(),
      assess: async ({ pod }) => void (await expectEnis(world, { instanceId: wide, pod, count: 2 })),
      end: (scene) => removePod(wide, scene),
    });

    expect(count).toBeGreaterThan(20);
  });

  test("of a release leaves nothing", async () => {
    const count = await points("a release", {
      prepare: async () => {
        const pod = await addServedPod(wide);
        await world.cluster.removePod(pod);
        return pod;
      },
      act: () => world.settle(),
      assess: () => expectNoEni(world, wide),
      end: () => world.reap(),
    });

    expect(count).toBeGreaterThan(30);
  });

  test("of a reuse leaves the next pod with the one ENI that was there", async () => {
    const count = await points("a reuse", {
      prepare: () => succeed(wide, crashCooldownSeconds + 30),
      act: () => world.settle(),
      assess: async ({ pod, formerEni }) => expect(await oneEniOf(wide, pod)).toBe(formerEni),
      end: (scene) => removePod(wide, scene),
    });

    expect(count).toBeGreaterThan(10);
  });

  test("of a cut lets the waiting pod in, on a VLAN ID and an ENI of its own", async () => {
    const count = await points("a cut", {
      prepare: () => succeed(narrow, 1),
      act: () => world.settle(),
      assess: async ({ pod, formerEni }) => expect(await oneEniOf(narrow, pod)).not.toBe(formerEni),
      end: (scene) => removePod(narrow, scene),
    });

    expect(count).toBeGreaterThan(40);
  });
});
