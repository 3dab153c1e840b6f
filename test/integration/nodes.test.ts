import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ForwarderWorld, startForwarderWorld } from "../support/forwarder.ts";
import { feature, finalizer, nodesIn, podEni, trunkLabel } from "../support/forwarder-nodes.ts";

let world: ForwarderWorld;

beforeAll(async () => {
  world = await startForwarderWorld();
});

afterAll(() => world.stop());

const {
  administrator,
  eventually,
  nodeRef,
  cniNodeRef,
  podRef,
  getNode,
  getCniNode,
  isGone,
  registerNode,
  askForTrunk,
  readyOn,
  hasTrunk,
  trunkNode,
  startPod,
  annotate,
  endPod,
  received,
  eventsOn,
} = nodesIn(() => world);

describe("a node", () => {
  test("K07: has its CNINode within two seconds, owned by it, with label, finalizer and tags", async () => {
    const instanceId = "i-00000000000000001";
    const startedAt = performance.now();
    const nodeUid = await registerNode("new", instanceId);

    await eventually(() => getCniNode("new"));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await getCniNode("new")).toMatchObject({
      metadata: {
        labels: { "kubernetes.io/os": "linux" },
        finalizers: [finalizer],
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "new", uid: nodeUid, controller: true }],
      },
      spec: {
        tags: { "cluster.k8s.amazonaws.com/name": "test", "node.k8s.amazonaws.com/instance_id": instanceId },
      },
    });
  });

  test("K09: that ends takes its CNINode along, by its owner and our finalizer", async () => {
    await registerNode("ends", "i-00000000000000002");
    await eventually(() => getCniNode("ends"));

    await administrator().delete(nodeRef("ends"));

    await eventually(() => isGone(cniNodeRef("ends")));
  });

  test("K09: that ends while a pod holds a branch keeps its CNINode until the pod has ended", async () => {
    const instanceId = "i-00000000000000003";
    await trunkNode("busy", instanceId);
    const podUid = await startPod("busy-pod", "busy");
    await annotate("busy-pod", podUid, instanceId);

    await administrator().delete(nodeRef("busy"));
    await eventually(async () => expect((await getCniNode("busy")).metadata.deletionTimestamp).toBeDefined());
    await eventually(async () => expect(await received("NodeGone", instanceId)).toHaveLength(1));
    expect((await getCniNode("busy")).metadata.finalizers).toEqual([finalizer]);
    expect(await received("PodGone", instanceId)).toEqual([]);

    await endPod("busy-pod");
    await eventually(() => isGone(cniNodeRef("busy")));
    await eventually(async () => expect(await received("PodGone", instanceId)).toMatchObject([{ podUid }]));
  });

  test("K08: whose CNINode somebody deletes has it again, with its features and without asking anew", async () => {
    const instanceId = "i-00000000000000004";
    await trunkNode("robbed", instanceId);
    const podUid = await startPod("robbed-pod", "robbed");
    await annotate("robbed-pod", podUid, instanceId);
    const before = await getCniNode("robbed");

    await administrator().delete(cniNodeRef("robbed"));

    await eventually(async () => {
      const { metadata, spec } = await getCniNode("robbed");
      expect(metadata.uid).not.toBe(before.metadata.uid);
      expect(metadata.deletionTimestamp).toBeUndefined();
      expect(spec.features).toEqual([feature]);
    });
    expect((await received("NodeObserved", instanceId)).map((event) => event.wantsTrunk).slice(1)).not.toContain(false);
    await hasTrunk("robbed");
  });

  test("whose CNINode an older controller made has it completed, features and all", async () => {
    const made = await administrator().create({
      apiVersion: "vpcresources.k8s.aws/v1alpha1",
      kind: "CNINode",
      metadata: { name: "taken-over" },
      spec: { features: [feature], tags: { team: "a" } },
    });
    const instanceId = "i-00000000000000005";
    const nodeUid = await registerNode("taken-over", instanceId);

    await eventually(async () =>
      expect(await getCniNode("taken-over")).toMatchObject({
        metadata: { uid: made.metadata.uid, finalizers: [finalizer], ownerReferences: [{ uid: nodeUid }] },
        spec: { features: [feature], tags: { team: "a", "node.k8s.amazonaws.com/instance_id": instanceId } },
      }),
    );
  });

  test("K10: whose capacity a kubelet resets has it back, with no event more", async () => {
    const instanceId = "i-00000000000000006";
    await trunkNode("reset", instanceId);
    const told = ["ControllerVersionNotice 1", "NodeTrunkInitiated 1"];
    await eventually(async () => expect(await eventsOn("reset")).toEqual(told));

    for (const value of ["0", null]) {
      await administrator().patch(nodeRef("reset"), {
        type: "merge",
        subresource: "status",
        body: { status: { capacity: { [podEni]: value } } },
      });
      await hasTrunk("reset");
    }

    expect(await eventsOn("reset")).toEqual(told);
  });
});

describe("K17: a node that is registered again", () => {
  test("for the same instance releases nothing, and has capacity and label back", async () => {
    const instanceId = "i-00000000000000011";
    const first = await trunkNode("again", instanceId);
    const podUid = await startPod("again-pod", "again");
    await annotate("again-pod", podUid, instanceId);

    await administrator().delete(nodeRef("again"));
    const second = await registerNode("again", instanceId);
    expect(second).not.toBe(first);
    await eventually(async () =>
      expect((await received("NodeObserved", instanceId)).at(-1)).toMatchObject({ nodeUid: second, wantsTrunk: true }),
    );
    await world.deliver(readyOn("again", instanceId, second));

    await hasTrunk("again");
    await eventually(async () =>
      expect(await getCniNode("again")).toMatchObject({
        metadata: { ownerReferences: [{ uid: second }], finalizers: [finalizer] },
        spec: { features: [feature] },
      }),
    );
    expect(await received("PodGone", instanceId)).toEqual([]);
    expect((await administrator().get(podRef("again-pod"))).metadata.annotations).toHaveProperty([podEni]);
    expect(await eventsOn("again")).toEqual(["ControllerVersionNotice 1", "NodeTrunkInitiated 1"]);
  });

  test("for another instance gets nothing of the trunk of the one before, and a CNINode of its own", async () => {
    const [before, after] = ["i-00000000000000012", "i-00000000000000013"];
    const first = await trunkNode("replaced", before);
    await startPod("replaced-pod", "replaced");

    await administrator().delete(nodeRef("replaced"));
    const second = await registerNode("replaced", after);
    await world.deliver(readyOn("replaced", before, first));
    await eventually(async () => expect(await world.outcomesLeft()).toBe(0));
    await eventually(async () =>
      expect(await getCniNode("replaced")).toMatchObject({
        metadata: { ownerReferences: [{ uid: second }] },
        spec: { tags: { "node.k8s.amazonaws.com/instance_id": after } },
      }),
    );

    expect((await getCniNode("replaced")).metadata.deletionTimestamp).toBeUndefined();
    expect((await getNode("replaced")).status.capacity).toEqual({ cpu: "2" });
    expect((await getNode("replaced")).metadata.labels).not.toHaveProperty([trunkLabel]);
    await eventually(async () =>
      expect((await received("NodeGone", before)).map((event) => event.nodeUid)).toEqual([first]),
    );
  });
});

describe("K18: a node that is no longer managed", () => {
  test("keeps what its pods hold, and is as before when the last has ended", async () => {
    const instanceId = "i-00000000000000021";
    await trunkNode("left", instanceId);
    const podUid = await startPod("left-pod", "left");
    await annotate("left-pod", podUid, instanceId);

    await askForTrunk("left");
    await eventually(async () => expect((await getNode("left")).status.capacity).toHaveProperty([podEni], "1"));
    await eventually(async () =>
      expect((await received("NodeObserved", instanceId)).at(-1)).toMatchObject({ wantsTrunk: false }),
    );
    expect(await received("PodGone", instanceId)).toEqual([]);

    await endPod("left-pod");
    await eventually(async () => {
      const { metadata, status } = await getNode("left");
      expect(status.capacity).toHaveProperty([podEni], "0");
      expect(metadata.labels).not.toHaveProperty([trunkLabel]);
      expect(metadata.annotations ?? {}).toEqual({});
    });
  });

  test("is put back by a leader that has started with nothing", async () => {
    const instanceId = "i-00000000000000022";
    await trunkNode("left-alone", instanceId);

    await world.forwarder.stop();
    await askForTrunk("left-alone");
    await world.restartForwarder();

    await eventually(async () => {
      const { metadata, status } = await getNode("left-alone");
      expect(status.capacity).toHaveProperty([podEni], "0");
      expect(metadata.labels).not.toHaveProperty([trunkLabel]);
    });
  });
});
