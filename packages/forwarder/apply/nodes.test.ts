import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FakeObject } from "../testing/fake-api.ts";
import { aNode, aPod, createScene, instanceId, nodeUid, paths, type Scene } from "../testing/scene.ts";

const feature = { name: "SecurityGroupsForPods" };
let scene: Scene;

beforeEach(() => {
  scene = createScene();
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

const cniNode = () => scene.api.get(paths.cniNodes, "node-a");
const withFeatures = (...features: object[]): FakeObject => ({ ...(cniNode() as FakeObject), spec: { features } });

describe("a node", () => {
  test("is told at the start, with what it wants", async () => {
    scene.api.put(paths.nodes, aNode());
    await scene.start();

    expect(scene.sent("NodeObserved")).toMatchObject([{ instanceId, nodeName: "node-a", nodeUid, wantsTrunk: false }]);
  });

  test("wants a trunk when the CNI plugin puts its feature into the CNINode, and no longer when it goes", async () => {
    scene.api.put(paths.nodes, aNode());
    await scene.start();
    const [before] = scene.sent("NodeObserved");

    scene.api.put(paths.cniNodes, withFeatures(feature));
    await scene.clock.advance(100);
    const [asked] = scene.sent("NodeObserved");
    scene.api.put(paths.cniNodes, withFeatures());
    await scene.clock.advance(100);
    const [unasked] = scene.sent("NodeObserved");

    expect(asked).toMatchObject({ wantsTrunk: true });
    expect(unasked).toMatchObject({ wantsTrunk: false });
    const versions = [before, asked, unasked].map((event) => Number(event?.resourceVersion));
    expect(versions).toEqual([...new Set(versions)].sort((left, right) => left - right));
  });

  test("is told by a forwarder that starts anew with no lower version than that of its CNINode", async () => {
    scene.api.put(paths.nodes, aNode());
    const found = scene.api.put(paths.cniNodes, { metadata: { name: "node-a" }, spec: { features: [feature] } });
    await scene.start();

    const [told] = scene.sent("NodeObserved");

    expect(Number(told?.resourceVersion)).toBeGreaterThanOrEqual(Number(found.metadata.resourceVersion));
    expect(told).toMatchObject({ wantsTrunk: true });
  });

  test("is told again with each snapshot as long as its trunk is not known to be ready", async () => {
    scene.api.put(paths.nodes, aNode());
    await scene.start();
    scene.api.put(paths.cniNodes, withFeatures(feature));
    await scene.clock.advance(2_000);
    scene.sent("NodeObserved");

    await scene.clock.advance(330_000);
    expect(scene.sent("NodeObserved").length).toBeGreaterThan(0);

    scene.queues.deliver({
      type: "NodeTrunkReady",
      instanceId,
      nodeName: "node-a",
      nodeUid,
      branchesMax: 9,
      backendVersion: "1",
    });
    await scene.clock.advance(1_000);
    scene.sent("NodeObserved");
    await scene.clock.advance(700_000);
    expect(scene.sent("NodeObserved")).toEqual([]);
  });

  test.each<[string, Partial<FakeObject>]>([
    ["Windows", { metadata: { name: "node-a", labels: { "kubernetes.io/os": "windows" } } }],
    ["EKS auto mode", { metadata: { name: "node-a", labels: { "eks.amazonaws.com/compute-type": "auto" } } }],
    ["a provider ID that is no instance", { spec: { providerID: "eks-hybrid:///r/c/mi-1" } }],
    ["no provider ID", { spec: {} }],
  ])("with %s is left alone", async (_, change) => {
    scene.api.put(paths.nodes, aNode("node-a", change));
    await scene.start();

    expect(scene.queues.sent.filter((event) => event.type !== "ClusterRegistered")).toEqual([]);
    expect(cniNode()).toBeUndefined();
  });

  test("that asks for a trunk without a provider ID is told so, once", async () => {
    const labels = { "vpc.amazonaws.com/has-trunk-attached": "false" };
    scene.api.put(paths.nodes, aNode("node-a", { metadata: { name: "node-a", labels }, spec: {} }));
    await scene.start();
    scene.api.put(paths.nodes, aNode("node-a", { metadata: { name: "node-a", labels }, spec: {}, status: {} }));
    await scene.clock.advance(100);

    expect(scene.events("node-a")).toEqual([
      "NodeTrunkFailedInit The node failed initializing trunk interface: the node has no provider ID",
    ]);
  });
});

describe("custom networking", () => {
  const labels = { "kubernetes.io/os": "linux", "vpc.amazonaws.com/has-trunk-attached": "false" };
  const labelled = aNode("node-a", {
    metadata: { name: "node-a", labels: { ...labels, "vpc.amazonaws.com/eniConfig": "zone-a" } },
  });
  const eniConfig = (subnet: string): FakeObject => ({
    metadata: { name: "zone-a" },
    spec: { subnet, securityGroups: ["sg-1"] },
  });

  test("a node is told with its ENIConfig", async () => {
    scene.api.put(paths.eniConfigs, eniConfig("subnet-01234567"));
    scene.api.put(paths.nodes, labelled);
    await scene.start();

    expect(scene.sent("NodeObserved")).toMatchObject([
      { wantsTrunk: true, eniConfig: { name: "zone-a", subnetId: "subnet-01234567", securityGroups: ["sg-1"] } },
    ]);
  });

  test("a node whose ENIConfig is missing waits for it and is told so", async () => {
    scene.api.put(paths.nodes, labelled);
    await scene.start();

    expect(scene.sent("NodeObserved")).toEqual([]);
    expect(scene.events("node-a")).toEqual([
      "EniConfigNameNotFound failed to find the ENIConfig zone-a for node node-a",
    ]);

    scene.api.put(paths.eniConfigs, eniConfig("subnet-01234567"));
    await scene.clock.advance(100);

    expect(scene.sent("NodeObserved")).toMatchObject([{ eniConfig: { name: "zone-a" } }]);
  });

  test("an ENIConfig without a subnet is as good as none", async () => {
    scene.api.put(paths.eniConfigs, eniConfig(""));
    scene.api.put(paths.nodes, labelled);
    await scene.start();

    expect(scene.sent("NodeObserved")).toEqual([]);
  });
});

describe("the CNINode of a node", () => {
  beforeEach(async () => {
    scene.api.put(paths.nodes, aNode());
    await scene.start();
  });

  const terminating = (object: FakeObject | undefined): FakeObject => ({
    ...(object as FakeObject),
    metadata: { ...(object as FakeObject).metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
  });

  test("is created with the node as its owner", () => {
    expect(cniNode()).toMatchObject({
      metadata: {
        labels: { "kubernetes.io/os": "linux" },
        finalizers: ["networking.k8s.aws/resource-cleanup"],
        ownerReferences: [{ kind: "Node", name: "node-a", uid: nodeUid, controller: true }],
      },
      spec: {
        features: [],
        tags: { "cluster.k8s.amazonaws.com/name": "test", "node.k8s.amazonaws.com/instance_id": instanceId },
      },
    });
  });

  test("is created again with its features when somebody deletes it while the node lives", async () => {
    scene.api.put(paths.cniNodes, withFeatures(feature));
    scene.api.put(paths.cniNodes, terminating(cniNode()));
    await scene.clock.advance(100);
    expect(cniNode()?.metadata.finalizers).toEqual([]);

    scene.api.remove(paths.cniNodes, "node-a");
    await scene.clock.advance(100);

    expect(cniNode()?.spec).toMatchObject({ features: [feature] });
  });

  test("keeps its finalizer until no pod of its node holds a branch", async () => {
    scene.api.put(paths.pods, aPod("db"));
    scene.api.remove(paths.nodes, "node-a");
    scene.api.put(paths.cniNodes, terminating(cniNode()));
    await scene.clock.advance(5_000);
    expect(cniNode()?.metadata.finalizers).toEqual(["networking.k8s.aws/resource-cleanup"]);

    scene.api.remove(paths.pods, "db");
    await scene.clock.advance(5_000);

    expect(cniNode()?.metadata.finalizers).toEqual([]);
  });

  test("is created later when the API server refuses at first", async () => {
    const second = aNode("node-b", { spec: { providerID: "aws:///a/i-00000000000000002" } });
    scene.api.failNext((request) => request.method === "POST" && request.path === paths.cniNodes, {
      status: 500,
      body: {},
    });

    scene.api.put(paths.nodes, second);
    await scene.clock.advance(3_000);

    expect(scene.api.get(paths.cniNodes, "node-b")).toBeDefined();
  });
});
