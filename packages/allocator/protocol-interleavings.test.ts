import { branded, type InstanceStateChanged, type NodeUid, type ResourceVersion } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { handleInstanceEvents, reap } from "./index.ts";
import {
  annotated,
  annotationOf,
  branchOf,
  delivered,
  fill,
  nodeObserved,
  podGone,
  problems,
  readyWorld,
  snapshot,
  type TestWorld,
  testInstance,
  trunkOf,
} from "./testing/index.ts";

type Happening = (world: TestWorld) => Promise<void>;

/** Every order of some things that happen. */
const ordersOf = <Thing>(things: readonly Thing[]): readonly (readonly Thing[])[] =>
  things.length === 0
    ? [[]]
    : things.flatMap((first, position) =>
        ordersOf(things.filter((_, other) => other !== position)).map((rest) => [first, ...rest]),
      );

const changes =
  (state: InstanceStateChanged["state"]): Happening =>
  async (world) => {
    if (state === "terminated") world.ec2.terminate(testInstance);
    const event = { type: "InstanceStateChanged", instanceId: testInstance, state } as const;
    await handleInstanceEvents(world.dependencies, [delivered(event, { sentAt: world.clock.now() })]);
  };

const { incarnation, instanceId, nodeName, nodeUid } = nodeObserved();

/** The Node object is deleted. */
const nodeGoes: Happening = async (world) => {
  world.send({ type: "NodeGone", incarnation, instanceId, nodeName, nodeUid });
  await world.run(1);
};

/** The kubelet registers its node again, under the same name. */
const nodeReturns: Happening = async (world) => {
  const again = { nodeUid: branded<NodeUid>("uid-of-the-second"), resourceVersion: branded<ResourceVersion>("500") };
  world.send(nodeObserved(testInstance, again));
  await world.run(1);
};

const firstPodEnds: Happening = async (world) => {
  world.send(podGone(1));
  await world.run(1);
};

/** A snapshot that shows the second pod with its annotation, and nothing of the first. */
const snapshotComes: Happening = async (world) => {
  world.send(snapshot([annotated(2, annotationOf(world, 2))], 400));
  await world.run(1);
};

/** A node with two pods, to which things happen in an order; everything that follows from them is done. */
const after = async (order: readonly Happening[]): Promise<TestWorld> => {
  const world = await readyWorld({ reuseIdleSeconds: 0 });
  await fill(world, 2);
  for (const happening of order) await happening(world);
  await world.run(500);
  return world;
};

describe("P12: what EC2 and Kubernetes tell of a node, in every order", () => {
  const living = [changes("stopped"), nodeGoes, nodeReturns, firstPodEnds, snapshotComes];
  const ending: Readonly<Record<string, Happening>> = {
    "the instance shutting down": changes("shutting-down"),
    "its end": changes("terminated"),
    "the end of its Node object": nodeGoes,
    "another Node object": nodeReturns,
    "the end of a pod": firstPodEnds,
    "a snapshot": snapshotComes,
  };

  it("costs a pod that lives nothing while its instance exists, and leaves nothing of the one that ended", async () => {
    const orders = ordersOf(living);
    for (const order of orders) {
      const world = await after(order);
      const [own] = annotationOf(world, 2);

      expect(await trunkOf(world)).toMatchObject({
        status: "ready",
        wanted: true,
        nodeUid: "uid-of-the-second",
        held: 1,
      });
      expect(await branchOf(world, 1)).toMatchObject({ status: "gone" });
      expect(await branchOf(world, 2)).toMatchObject({ status: "associated", eni: { eniId: own?.eniId } });
      expect(world.ec2.branches()).toMatchObject([{ eniId: own?.eniId, association: { vlanId: own?.vlanId } }]);
      expect(problems(world)).toEqual([]);
    }
    expect(orders).toHaveLength(120);
  });

  it.each(Object.keys(ending))(
    "ends in the same nothing with an instance that ends, beginning with %s",
    async (begins) => {
      const { [begins]: first, ...others } = ending;
      const orders = ordersOf(Object.values(others));
      for (const order of orders) {
        const world = await after([first as Happening, ...order]);
        await reap(world.dependencies);

        expect(world.ec2.enis.size).toBe(0);
        expect(world.ledger.records().filter((record) => record.kind === "trunk")).toEqual([]);
        expect((await world.ledger.load(testInstance)).branches.every(({ status }) => status === "gone")).toBe(true);
        expect(world.pending()).toEqual([]);
        expect(problems(world)).toEqual([]);
      }
      expect(orders).toHaveLength(120);
    },
  );
});
