import type { NodeTrunkReady, NodeUid, Outcome } from "@trunkline/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FakeObject } from "../testing/fake-api.ts";
import {
  aNode,
  aPod,
  assigned,
  createScene,
  instanceId,
  nodeUid,
  paths,
  podEniKey,
  type Scene,
} from "../testing/scene.ts";

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

  test("K05: wants a trunk when the CNI plugin puts its feature into the CNINode, and no longer when it goes", async () => {
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

  test("is told again with each snapshot, also when its trunk is ready: the functions may have lost their table", async () => {
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
    expect(scene.sent("NodeObserved")).toMatchObject([{ wantsTrunk: true }, { wantsTrunk: true }]);
  });

  test.each<[string, Partial<FakeObject>]>([
    ["Windows", { metadata: { name: "node-a", labels: { "kubernetes.io/os": "windows" } } }],
    ["EKS auto mode", { metadata: { name: "node-a", labels: { "eks.amazonaws.com/compute-type": "auto" } } }],
    ["a provider ID that is no instance", { spec: { providerID: "eks-hybrid:///r/c/mi-1" } }],
  ])("K06: with %s is left alone", async (_, change) => {
    scene.api.put(paths.nodes, aNode("node-a", change));
    await scene.start();

    expect(scene.queues.sent.filter((event) => event.type !== "ClusterRegistered")).toEqual([]);
    expect(cniNode()).toBeUndefined();
  });

  test("K70: that asks for a trunk without a provider ID is told so after a minute, once", async () => {
    const labels = { "vpc.amazonaws.com/has-trunk-attached": "false" };
    scene.api.put(paths.nodes, aNode("node-a", { metadata: { name: "node-a", labels }, spec: {} }));
    await scene.start();
    await scene.clock.advance(30_000);
    scene.api.put(paths.nodes, aNode("node-a", { metadata: { name: "node-a", labels }, spec: {}, status: {} }));
    await scene.clock.advance(29_000);
    expect(scene.events("node-a")).toEqual([]);

    await scene.clock.advance(3_000);
    scene.api.put(paths.nodes, aNode("node-a", { metadata: { name: "node-a", labels }, spec: {} }));
    await scene.clock.advance(60_000);

    expect(scene.events("node-a")).toEqual([
      "NodeTrunkFailedInit The node failed initializing trunk interface: the node has no provider ID",
    ]);
  });
});

describe("a node that changes", () => {
  const labels = { "vpc.amazonaws.com/has-trunk-attached": "false" };
  const asking = (change: Partial<FakeObject> = {}): FakeObject =>
    aNode("node-a", { metadata: { name: "node-a", labels }, ...change });
  const ready: NodeTrunkReady = {
    type: "NodeTrunkReady",
    instanceId,
    nodeName: "node-a",
    nodeUid,
    branchesMax: 9,
    backendVersion: "1",
  };
  const capacity = () =>
    (scene.api.get(paths.nodes, "node-a") as { status?: { capacity?: Record<string, string> } } | undefined)?.status
      ?.capacity?.[podEniKey];
  const deliver = async (...outcomes: readonly Outcome[]) => {
    scene.queues.deliver(...outcomes);
    await scene.clock.advance(200);
  };

  test("is told, with its pods, when the cloud controller manager sets its provider ID late", async () => {
    scene.api.put(paths.nodes, asking({ spec: {} }));
    scene.api.put(paths.pods, aPod("db"));
    await scene.start();
    expect(scene.sent("PodObserved")).toEqual([]);

    scene.api.put(paths.nodes, asking());
    await scene.clock.advance(100);

    expect(scene.sent("NodeObserved")).toMatchObject([{ instanceId, wantsTrunk: true }]);
    expect(scene.sent("PodObserved")).toMatchObject([{ instanceId, pod: { podUid: "uid-db" } }]);
    expect(cniNode()).toBeDefined();
  });

  test("without the label kubernetes.io/os is a Linux node", async () => {
    scene.api.put(paths.nodes, asking());
    await scene.start();

    expect(scene.sent("NodeObserved")).toMatchObject([{ wantsTrunk: true }]);
    expect(cniNode()?.metadata.labels).toEqual({ "kubernetes.io/os": "linux" });
  });

  test("and was replaced under its name gets nothing of the trunk of the one before", async () => {
    scene.api.put(paths.nodes, asking());
    await scene.start();
    await deliver(ready);
    expect(capacity()).toBe("9");

    const other = "i-0123456789abcdef1";
    scene.api.remove(paths.nodes, "node-a");
    scene.api.put(paths.nodes, {
      ...asking({ spec: { providerID: `aws:///us-west-2a/${other}` } }),
      metadata: { name: "node-a", uid: "uid-second", labels },
    });
    await deliver(ready);
    await scene.clock.advance(60_000);

    expect(capacity()).toBeUndefined();
    expect(scene.sent("NodeGone")).toMatchObject([{ instanceId, nodeUid }]);
    expect(scene.sent("NodeObserved").at(-1)).toMatchObject({ instanceId: other, nodeUid: "uid-second" });
  });

  test("and was deleted and registered again with its pods has nothing released, and is told anew", async () => {
    scene.api.put(paths.nodes, asking());
    scene.api.put(paths.pods, aPod("db"));
    await scene.start();
    await deliver(ready, assigned("db"));
    scene.sent("NodeObserved");

    scene.api.remove(paths.nodes, "node-a");
    await scene.clock.advance(100);
    scene.api.put(paths.nodes, { ...asking(), metadata: { name: "node-a", uid: "uid-second", labels } });
    await scene.clock.advance(100);
    expect(scene.sent("NodeObserved")).toMatchObject([{ instanceId, nodeUid: "uid-second", wantsTrunk: true }]);
    await deliver({ ...ready, nodeUid: "uid-second" as NodeUid });

    expect(capacity()).toBe("9");
    expect(scene.sent("PodGone")).toEqual([]);
  });

  test("and is deleted does not hide the end of a pod that still waited there", async () => {
    scene.api.put(paths.nodes, asking());
    scene.api.put(paths.pods, aPod("db"));
    await scene.start();

    scene.api.remove(paths.nodes, "node-a");
    await scene.clock.advance(100);
    const pod = aPod("db");
    pod.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
    scene.api.put(paths.pods, pod);
    await scene.clock.advance(100);
    scene.api.remove(paths.pods, "db");
    await scene.clock.advance(100);

    expect(scene.sent("PodGone")).toMatchObject([{ instanceId, podUid: "uid-db", how: "deleted" }]);
  });

  test("and was registered under another name too is told again, above all before, when the first of them goes", async () => {
    scene.api.put(paths.nodes, aNode("node-b", { metadata: { name: "node-b", labels } }));
    scene.api.put(paths.nodes, asking());
    await scene.start();
    scene.sent("NodeObserved");

    scene.api.remove(paths.nodes, "node-a");
    const removedAt = scene.api.version;
    await scene.clock.advance(100);

    expect(scene.sent("NodeGone")).toMatchObject([{ instanceId, nodeUid }]);
    const again = scene.sent("NodeObserved");
    expect(again).toMatchObject([{ instanceId, nodeName: "node-b", wantsTrunk: true }]);
    expect(Number(again[0]?.resourceVersion)).toBeGreaterThanOrEqual(removedAt);
  });

  test("and is no longer managed keeps what its pods hold until the last has ended", async () => {
    scene.api.put(paths.nodes, asking());
    scene.api.put(paths.pods, aPod("db"));
    scene.api.put(paths.pods, aPod("ended", { status: { phase: "Succeeded" } }));
    await scene.start();
    await deliver(ready, assigned("db"));

    const node = scene.api.get(paths.nodes, "node-a") as FakeObject;
    scene.api.put(paths.nodes, { ...node, metadata: { ...node.metadata, labels: {} } });
    await scene.clock.advance(5_000);
    expect(capacity()).toBe("1");
    expect(scene.sent("PodGone").map((event) => event.podUid)).toEqual(["uid-ended"]);
    expect(scene.sent("NodeObserved").at(-1)).toMatchObject({ wantsTrunk: false });

    scene.api.remove(paths.pods, "db");
    await scene.clock.advance(5_000);
    expect(capacity()).toBe("0");
    expect(scene.api.get(paths.nodes, "node-a")?.metadata.annotations).toEqual({});
  });

  test("because somebody else writes its capacity back each time is not written to in a tight loop", async () => {
    scene.api.put(paths.nodes, asking());
    await scene.start();
    scene.queues.deliver(ready);
    const isCapacity = (request: { method: string; path: string }) => request.path === "/api/v1/nodes/node-a/status";
    for (let tenth = 0; tenth < 600; tenth += 1) {
      await scene.clock.advance(100);
      if (capacity() === "9") {
        const node = scene.api.get(paths.nodes, "node-a") as FakeObject;
        scene.api.put(paths.nodes, { ...node, status: { capacity: { [podEniKey]: "5" } } });
      }
    }

    expect(scene.api.requests.filter(isCapacity).length).toBeLessThanOrEqual(13);
    expect(scene.logged.some((line) => line.includes("Somebody else keeps changing a node's capacity"))).toBe(true);
  });

  test("K68, K69: is told of its version and its trunk once, whatever is repeated, and of a new version once", async () => {
    scene.api.put(paths.nodes, asking());
    await scene.start();
    await deliver(ready, ready);
    const node = scene.api.get(paths.nodes, "node-a") as FakeObject;
    scene.api.put(paths.nodes, { ...node, status: { capacity: {} } });
    await scene.clock.advance(100_000);
    await deliver(ready, { ...ready, backendVersion: "2" });
    await deliver({ ...ready, backendVersion: "2" });

    const told = scene.api.requests.filter((request) => request.method === "POST" && request.path.endsWith("/events"));
    expect(told.map((request) => (request.body as { message: string }).message)).toEqual([
      "The node is managed by VPC resource controller version 1",
      "The node has trunk interface initialized successfully",
      "The node is managed by VPC resource controller version 2",
    ]);
  });
});
