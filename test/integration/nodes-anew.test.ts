import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ForwarderWorld, startForwarderWorld } from "../support/forwarder.ts";
import { eniConfigLabel, feature, finalizer, nodesIn, trunkLabel } from "../support/forwarder-nodes.ts";

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
  eniConfigRef,
  getNode,
  getCniNode,
  isGone,
  registerNode,
  askForTrunk,
  readyOn,
  trunkNode,
  startPod,
  annotate,
  received,
  eventsOn,
} = nodesIn(() => world);

describe("a leader that starts with nothing", () => {
  test("K76: tells no node and no pod anything twice", async () => {
    const instanceId = "i-00000000000000031";
    const nodeUid = await trunkNode("kept", instanceId);
    const podUid = await startPod("kept-pod", "kept");
    await annotate("kept-pod", podUid, instanceId);
    await eventually(async () => expect(await eventsOn("kept-pod")).toContain("ResourceAllocated 1"));
    const [nodeTold, podTold] = [await eventsOn("kept"), await eventsOn("kept-pod")];
    const before = (await received("NodeObserved", instanceId)).length;

    await world.restartForwarder();
    await eventually(async () => expect((await received("NodeObserved", instanceId)).length).toBeGreaterThan(before));
    await world.deliver(readyOn("kept", instanceId, nodeUid));
    await annotate("kept-pod", podUid, instanceId);
    await eventually(async () => expect(await world.outcomesLeft()).toBe(0));
    // Events are written in their order: when this one is there, those before it are.
    const { type, branchesMax, backendVersion, ...ofNode } = readyOn("kept", instanceId, nodeUid);
    await world.deliver({ type: "NodeTrunkProblem", ...ofNode, reason: "Unsupported", detail: "the last event" });
    await eventually(async () => expect(await eventsOn("kept")).toEqual([...nodeTold, "Unsupported 1"]));

    expect(await eventsOn("kept-pod")).toEqual(podTold);
  });

  test("gives a node that took the name of another meanwhile a CNINode of its own", async () => {
    const after = "i-00000000000000034";
    await trunkNode("renamed", "i-00000000000000033");
    await startPod("renamed-pod", "renamed");

    await world.forwarder.stop();
    await administrator().delete(nodeRef("renamed"));
    await eventually(async () => expect((await getCniNode("renamed")).metadata.deletionTimestamp).toBeDefined());
    const second = await registerNode("renamed", after);
    await world.restartForwarder();

    await eventually(async () => {
      const { metadata, spec } = await getCniNode("renamed");
      expect(metadata).toMatchObject({ ownerReferences: [{ uid: second }], finalizers: [finalizer] });
      expect(metadata.deletionTimestamp).toBeUndefined();
      expect(spec).toMatchObject({ features: [feature], tags: { "node.k8s.amazonaws.com/instance_id": after } });
    });
    expect((await getNode("renamed")).status.capacity).toEqual({ cpu: "2" });
    expect((await administrator().get(podRef("renamed-pod"))).metadata.deletionTimestamp).toBeUndefined();
  });

  test("K08: makes the CNINode that somebody deleted meanwhile, with the features that the node remembers", async () => {
    await trunkNode("unseen", "i-00000000000000032");

    await world.forwarder.stop();
    await administrator().delete(cniNodeRef("unseen"));
    await administrator().patch(cniNodeRef("unseen"), { type: "merge", body: { metadata: { finalizers: null } } });
    await isGone(cniNodeRef("unseen"));
    await world.restartForwarder();

    await eventually(async () =>
      expect((await getCniNode("unseen")).spec.features).toEqual([{ name: "SecurityGroupsForPods" }]),
    );
  });
});

describe("custom networking", () => {
  const putEniConfig = (name: string, spec: object) =>
    administrator().create({
      apiVersion: "crd.k8s.amazonaws.com/v1alpha1",
      kind: "ENIConfig",
      metadata: { name },
      spec,
    } as KubernetesObject);
  const toldOf = async (instanceId: string) => (await received("NodeObserved", instanceId)).at(-1);

  beforeAll(async () => {
    await administrator().create({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "eniconfigs.crd.k8s.amazonaws.com" },
      spec: {
        group: "crd.k8s.amazonaws.com",
        scope: "Cluster",
        names: { plural: "eniconfigs", singular: "eniconfig", kind: "ENIConfig", listKind: "ENIConfigList" },
        versions: [
          {
            name: "v1alpha1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    } as KubernetesObject);
    // The forwarder looks for a type that was missing now and then; a new one looks at once.
    await world.restartForwarder();
  });

  test("a node waits for its ENIConfig with one event, and goes on when it has a subnet", async () => {
    const instanceId = "i-00000000000000041";
    await registerNode("zoned", instanceId, { [trunkLabel]: "false", [eniConfigLabel]: "zone-a" });
    await eventually(async () => expect(await eventsOn("zoned")).toEqual(["EniConfigNameNotFound 1"]));
    await putEniConfig("zone-a", { securityGroups: ["sg-1"] });
    await eventually(async () =>
      expect(await eventsOn("zoned")).toEqual(["EniConfigNameNotFound 1", "EniConfigNameNotFound 1"]),
    );
    expect(await toldOf(instanceId)).toBeUndefined();

    const body = { spec: { subnet: "subnet-0123456789abcdef0" } };
    await administrator().patch(eniConfigRef("zone-a"), { type: "merge", body });

    await eventually(async () =>
      expect(await toldOf(instanceId)).toMatchObject({
        wantsTrunk: true,
        eniConfig: { name: "zone-a", subnetId: "subnet-0123456789abcdef0", securityGroups: ["sg-1"] },
      }),
    );
  });

  test("K14: the feature names an ENIConfig where no label does, and a change of the ENIConfig is told", async () => {
    const instanceId = "i-00000000000000042";
    await putEniConfig("zone-b", { subnet: "subnet-0123456789abcdef1" });
    await registerNode("featured", instanceId);
    await askForTrunk("featured", feature, { name: "CustomNetworking", value: "zone-b" });
    await eventually(async () =>
      expect(await toldOf(instanceId)).toMatchObject({ eniConfig: { subnetId: "subnet-0123456789abcdef1" } }),
    );

    const body = { spec: { subnet: "subnet-0123456789abcdef2" } };
    await administrator().patch(eniConfigRef("zone-b"), { type: "merge", body });
    await eventually(async () =>
      expect(await toldOf(instanceId)).toMatchObject({ eniConfig: { subnetId: "subnet-0123456789abcdef2" } }),
    );

    await administrator().delete(eniConfigRef("zone-b"));
    await eventually(async () => expect(await eventsOn("featured")).toEqual(["EniConfigNameNotFound 1"]));
    expect(await toldOf(instanceId)).toMatchObject({ eniConfig: { subnetId: "subnet-0123456789abcdef2" } });
  });
});
