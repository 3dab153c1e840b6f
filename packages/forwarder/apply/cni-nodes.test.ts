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

describe("the CNINode of a node", () => {
  beforeEach(async () => {
    scene.api.put(paths.nodes, aNode());
    await scene.start();
  });

  const terminating = (object: FakeObject | undefined): FakeObject => ({
    ...(object as FakeObject),
    metadata: { ...(object as FakeObject).metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
  });

  test("K07: is created with the node as its owner", () => {
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

  test("K08: is created again with its features when somebody deletes it while the node lives", async () => {
    scene.api.put(paths.cniNodes, withFeatures(feature));
    scene.api.put(paths.cniNodes, terminating(cniNode()));
    await scene.clock.advance(100);
    expect(cniNode()?.metadata.finalizers).toEqual([]);

    scene.api.remove(paths.cniNodes, "node-a");
    await scene.clock.advance(100);

    expect(cniNode()?.spec).toMatchObject({ features: [feature] });
  });

  test("K09: keeps its finalizer until no pod of its node holds a branch", async () => {
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

  test("is tried no more often than every minute per node while the right to write it is missing", async () => {
    const isCreate = (request: { method: string; path: string }) =>
      request.method === "POST" && request.path === paths.cniNodes;
    scene.api.failNext(isCreate, { status: 403, body: { message: "cninodes is forbidden" } }, 1_000);
    scene.api.put(paths.nodes, aNode("node-b", { spec: { providerID: "aws:///a/i-00000000000000002" } }));
    await scene.clock.advance(600_000);

    expect(scene.api.requests.filter((request) => isCreate(request)).length).toBeLessThan(25);
    expect(scene.logged.some((line) => line.includes("cninodes is forbidden"))).toBe(true);
  });

  test("is made again at most six times at once when somebody keeps deleting it", async () => {
    for (let tenth = 0; tenth < 600; tenth += 1) {
      if (cniNode() !== undefined) scene.api.remove(paths.cniNodes, "node-a");
      await scene.clock.advance(100);
    }

    const made = scene.api.requests.filter(({ method, path }) => method === "POST" && path === paths.cniNodes);
    expect(made.length).toBeLessThanOrEqual(13);
    expect(scene.logged.some((line) => line.includes("Somebody else keeps deleting"))).toBe(true);
  });

  test("K08: does not stop asking for a trunk in the moment between its deletion and its return", async () => {
    scene.api.put(paths.cniNodes, withFeatures(feature));
    await scene.clock.advance(3_000);
    scene.sent("NodeObserved");
    scene.api.failNext((request) => request.method === "POST", { status: 500, body: {} }, 2);

    scene.api.remove(paths.cniNodes, "node-a");
    await scene.clock.advance(5_000);

    expect(cniNode()?.spec).toMatchObject({ features: [feature] });
    expect(scene.sent("NodeObserved")).toEqual([]);
  });

  test("K09: is let go at once, with pods that hold branches, when the node of its name is really there", async () => {
    scene.api.put(paths.pods, aPod("db"));
    scene.api.put(paths.cniNodes, terminating(cniNode()));
    await scene.clock.advance(100);

    expect(cniNode()?.metadata.finalizers).toEqual([]);
  });

  test("is kept when the copy of its node is only not yet as old as the API server's", async () => {
    scene.api.put(paths.pods, aPod("db"));
    scene.api.failNext((request) => request.method === "GET" && request.path === "/api/v1/nodes/node-a", {
      status: 404,
      body: { message: 'nodes "node-a" not found' },
    });

    scene.api.put(paths.cniNodes, terminating(cniNode()));
    await scene.clock.advance(100);

    expect(cniNode()?.metadata.finalizers).toEqual(["networking.k8s.aws/resource-cleanup"]);
  });
});

describe("a CNINode that somebody else made", () => {
  const old: FakeObject = { metadata: { name: "node-a" }, spec: { features: [feature] } };

  test("is completed, not replaced, and keeps its features", async () => {
    const before = scene.api.put(paths.cniNodes, old);
    scene.api.put(paths.nodes, aNode());
    await scene.start();

    expect(cniNode()).toMatchObject({
      metadata: {
        uid: before.metadata.uid,
        labels: { "kubernetes.io/os": "linux" },
        finalizers: ["networking.k8s.aws/resource-cleanup"],
        ownerReferences: [{ kind: "Node", name: "node-a", uid: nodeUid, controller: true }],
      },
      spec: {
        features: [feature],
        tags: { "cluster.k8s.amazonaws.com/name": "test", "node.k8s.amazonaws.com/instance_id": instanceId },
      },
    });
  });

  test("keeps a feature that the CNI plugin adds while it is being completed", async () => {
    const both = [feature, { name: "CustomNetworking", value: "zone-a" }];
    scene.api.put(paths.cniNodes, old);
    scene.api.put(paths.nodes, aNode());
    let isAdded = false;
    scene.api.failNext(
      (request) => {
        const isCompletion = request.method === "PATCH" && request.path === `${paths.cniNodes}/node-a`;
        if (isCompletion && !isAdded) scene.api.put(paths.cniNodes, { ...old, spec: { features: both } });
        if (isCompletion) isAdded = true;
        return false;
      },
      { status: 200, body: {} },
    );
    await scene.start();
    await scene.clock.advance(1_000);

    expect(isAdded).toBe(true);
    expect(cniNode()).toMatchObject({
      metadata: { finalizers: ["networking.k8s.aws/resource-cleanup"] },
      spec: { features: both },
    });
  });

  test("for an earlier node of the name is given to this one, so that the garbage collector leaves it", async () => {
    const owner = { apiVersion: "v1", kind: "Node", name: "node-a", uid: "uid-first", controller: true };
    scene.api.put(paths.cniNodes, { ...old, metadata: { name: "node-a", ownerReferences: [owner] } });
    scene.api.put(paths.nodes, aNode());
    await scene.start();

    expect(cniNode()?.metadata.ownerReferences).toMatchObject([{ uid: nodeUid }]);
    expect(cniNode()?.spec).toMatchObject({ features: [feature] });
  });

  test.each<[string, FakeObject]>([
    ["a Windows node", aNode("node-a", { metadata: { name: "node-a", labels: { "kubernetes.io/os": "windows" } } })],
    [
      "a node of EKS auto mode",
      aNode("node-a", { metadata: { name: "node-a", labels: { "eks.amazonaws.com/compute-type": "auto" } } }),
    ],
    ["no node", aNode("node-b")],
  ])("for %s is left alone", async (_, node) => {
    const before = scene.api.put(paths.cniNodes, old);
    scene.api.put(paths.nodes, node);
    await scene.start();
    await scene.clock.advance(5_000);

    expect(cniNode()).toEqual(before);
  });
});

describe("the CustomResourceDefinition of CNINodes", () => {
  test("may be installed later: until then it is looked for now and then, and said once", async () => {
    scene.api.missing.add(paths.cniNodes);
    for (let index = 0; index < 20; index += 1) {
      scene.api.put(paths.nodes, aNode(`node-${index}`, { spec: { providerID: `aws:///a/i-000000${10 + index}` } }));
    }
    await scene.start();
    await scene.clock.advance(60_000);
    const isCreate = ({ method, path }: { method: string; path: string }) =>
      method === "POST" && path === paths.cniNodes;
    expect(scene.api.requests.filter(isCreate).length).toBeLessThan(60);
    expect(scene.logged.filter((line) => line.includes("knows no CNINodes"))).toHaveLength(1);

    scene.api.missing.delete(paths.cniNodes);
    await scene.clock.advance(60_000);

    expect(scene.api.get(paths.cniNodes, "node-19")).toBeDefined();
  });
});

test("K08: a CNINode that was deleted while no leader ran comes back with the features that its node remembers", async () => {
  const customNetworking = { name: "CustomNetworking", value: "zone-a" };
  const marked = {
    name: "node-a",
    labels: { "kubernetes.io/os": "linux", "vpc.amazonaws.com/has-trunk-attached": "true" },
    annotations: {
      "trunkline/has-trunk-attached": "status",
      "trunkline/cninode-features": JSON.stringify([feature, customNetworking]),
    },
  };
  scene.api.put(paths.nodes, aNode("node-a", { metadata: marked }));
  scene.api.put(paths.eniConfigs, { metadata: { name: "zone-a" }, spec: { subnet: "subnet-01234567" } });
  await scene.start();

  expect(cniNode()?.spec).toMatchObject({ features: [feature, customNetworking] });
  // Not even for a moment is the node one that asks for nothing.
  const told = scene.sent("NodeObserved");
  expect(told.map(({ wantsTrunk, eniConfig }) => [wantsTrunk, eniConfig?.name])).toEqual(
    told.map(() => [true, "zone-a"]),
  );
  expect(told.length).toBeGreaterThan(0);
});
