import type { InstanceId, NodeEvent, NodeTrunkReady, NodeUid, PodEvent, PodUid } from "@trunkline/core";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type ForwarderWorld, startForwarderWorld } from "../support/forwarder.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";
const eniConfigLabel = "vpc.amazonaws.com/eniConfig";
const finalizer = "networking.k8s.aws/resource-cleanup";
const feature = { name: "SecurityGroupsForPods" };

let world: ForwarderWorld;

beforeAll(async () => {
  world = await startForwarderWorld();
});

afterAll(() => world.stop());

const administrator = () => world.kubernetes.api.as("kubernetes-admin");
const cniPlugin = () => world.kubernetes.api.as("system:serviceaccount:kube-system:aws-node");
const eventually = (check: () => Promise<unknown>) => vi.waitFor(check, { timeout: 10_000, interval: 20 });

const nodeRef = (name: string) => ({ group: "", resource: "nodes", name });
const cniNodeRef = (name: string) => ({ group: "vpcresources.k8s.aws", resource: "cninodes", name });
const podRef = (name: string) => ({ group: "", resource: "pods", namespace: "default", name });
const eniConfigRef = (name: string) => ({ group: "crd.k8s.amazonaws.com", resource: "eniconfigs", name });

interface NodeState extends KubernetesObject {
  readonly status: { readonly capacity: Readonly<Record<string, string>> };
}
interface CniNodeState extends KubernetesObject {
  readonly spec: { readonly features?: readonly object[]; readonly tags?: Readonly<Record<string, string>> };
}
const getNode = async (name: string) => (await administrator().get(nodeRef(name))) as NodeState;
const getCniNode = async (name: string) => (await administrator().get(cniNodeRef(name))) as CniNodeState;
const isGone = async (ref: ReturnType<typeof nodeRef>) => expect(administrator().get(ref)).rejects.toThrow("not found");

/** What the kubelet does when it starts: it registers its node, with none of the resources that others added. */
const registerNode = async (name: string, instanceId: string, labels = {}): Promise<NodeUid> => {
  const made = await administrator().create({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/os": "linux", ...labels } },
    spec: { providerID: `aws:///us-west-2a/${instanceId}` },
    status: { capacity: { cpu: "2" }, allocatable: { cpu: "2" } },
  });
  return made.metadata.uid as NodeUid;
};
const askForTrunk = (name: string, ...features: readonly object[]) =>
  eventually(() => cniPlugin().patch(cniNodeRef(name), { type: "merge", body: { spec: { features } } }));
const readyOn = (nodeName: string, instanceId: string, nodeUid: NodeUid): NodeTrunkReady => ({
  type: "NodeTrunkReady",
  instanceId: instanceId as InstanceId,
  nodeName,
  nodeUid,
  branchesMax: 9,
  backendVersion: "0.1.0",
});
const hasTrunk = (name: string) =>
  eventually(async () => {
    const { metadata, status } = await getNode(name);
    expect(status.capacity).toEqual({ cpu: "2", [podEni]: "9" });
    expect(metadata.labels).toHaveProperty([trunkLabel], "true");
  });
/** A node whose trunk is ready because the CNI plugin asked for it. */
const trunkNode = async (name: string, instanceId: string): Promise<NodeUid> => {
  const nodeUid = await registerNode(name, instanceId);
  await askForTrunk(name, feature);
  await world.deliver(readyOn(name, instanceId, nodeUid));
  await hasTrunk(name);
  return nodeUid;
};
/** A pod that runs on a node and waits for its branch or, once it is annotated, holds it. */
const startPod = async (name: string, nodeName: string): Promise<PodUid> => {
  const resources = { limits: { [podEni]: "1" }, requests: { [podEni]: "1" } };
  const made = await administrator().create({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { nodeName, containers: [{ name: "a", image: "nginx", resources }] },
  });
  return made.metadata.uid as PodUid;
};
const annotate = async (name: string, podUid: PodUid, instanceId: string): Promise<void> => {
  const eni = {
    eniId: "eni-0123456789abcdef0",
    ifAddress: "0a:1b:2c:3d:4e:5f",
    privateIp: "192.168.0.15",
    ipv6Addr: "",
    vlanId: 1,
    subnetCidr: "192.168.0.0/16",
    subnetV6Cidr: "",
    associationID: "trunk-assoc-0123",
  };
  await world.deliver({
    type: "PodEniAssigned",
    podUid,
    namespace: "default",
    name,
    instanceId: instanceId as InstanceId,
    enis: [eni],
  });
  await eventually(async () =>
    expect((await administrator().get(podRef(name))).metadata.annotations).toHaveProperty([podEni]),
  );
};
const endPod = (name: string) => administrator().delete(podRef(name), { gracePeriodSeconds: 0 });
const received = async <Type extends (PodEvent | NodeEvent)["type"]>(type: Type, instanceId: string) =>
  (await world.received()).filter(
    (event): event is Extract<PodEvent | NodeEvent, { type: Type; instanceId: InstanceId }> =>
      event.type === type && "instanceId" in event && event.instanceId === instanceId,
  );
const eventsOn = async (name: string) => {
  const { objects } = await administrator().list({ group: "", resource: "events" });
  return objects
    .map((event) => event as unknown as { reason: string; count: number; involvedObject: { name: string } })
    .filter((event) => event.involvedObject.name === name)
    .map((event) => `${event.reason} ${event.count}`)
    .sort();
};

describe("a node", () => {
  test("has its CNINode within two seconds, owned by it, with label, finalizer and tags", async () => {
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

  test("that ends takes its CNINode along, by its owner and our finalizer", async () => {
    await registerNode("ends", "i-00000000000000002");
    await eventually(() => getCniNode("ends"));

    await administrator().delete(nodeRef("ends"));

    await eventually(() => isGone(cniNodeRef("ends")));
  });

  test("that ends while a pod holds a branch keeps its CNINode until the pod has ended", async () => {
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

  test("whose CNINode somebody deletes has it again, with its features and without asking anew", async () => {
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

  test("whose capacity a kubelet resets has it back, with no event more", async () => {
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

describe("a node that is registered again", () => {
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

describe("a node that is no longer managed", () => {
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

describe("a leader that starts with nothing", () => {
  test("tells no node and no pod anything twice", async () => {
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

  test("makes the CNINode that somebody deleted meanwhile, and says that its features are not known", async () => {
    await trunkNode("unseen", "i-00000000000000032");

    await world.forwarder.stop();
    await administrator().delete(cniNodeRef("unseen"));
    await administrator().patch(cniNodeRef("unseen"), { type: "merge", body: { metadata: { finalizers: null } } });
    await isGone(cniNodeRef("unseen"));
    await world.restartForwarder();

    await eventually(async () => expect((await getCniNode("unseen")).spec.features).toEqual([]));
    await eventually(async () =>
      expect(world.logged.filter((line) => line.includes("restart the pod of aws-node"))).toHaveLength(1),
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

  test("the feature names an ENIConfig where no label does, and a change of the ENIConfig is told", async () => {
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
