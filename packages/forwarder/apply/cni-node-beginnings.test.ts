import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ApiRequest } from "../ports/api.ts";
import type { FakeObject } from "../testing/fake-api.ts";
import { aNode, createScene, paths, type Scene } from "../testing/scene.ts";

const feature = { name: "SecurityGroupsForPods" };
const otherInstance = "i-00000000000000002";
const clusterTag = { "cluster.k8s.amazonaws.com/name": "test" };
let scene: Scene;

beforeEach(async () => {
  scene = createScene();
  scene.api.put(paths.nodes, aNode());
  await scene.start();
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

const cniNode = (name = "node-a") => scene.api.get(paths.cniNodes, name);
const isCreate = (request: ApiRequest) => request.method === "POST" && request.path === paths.cniNodes;

describe("the CNINode of a node without a provider ID", () => {
  test("is created at once, and gets the instance's tag when that is known", async () => {
    scene.api.put(paths.nodes, aNode("node-b", { spec: {} }));
    await scene.clock.advance(100);
    const created = cniNode("node-b") as FakeObject;
    expect(created.spec).toEqual({ features: [], tags: clusterTag });

    scene.api.put(paths.cniNodes, { ...created, spec: { features: [feature], tags: clusterTag } });
    scene.api.put(paths.nodes, aNode("node-b", { spec: { providerID: `aws:///a/${otherInstance}` } }));
    await scene.clock.advance(100);

    expect(cniNode("node-b")?.spec).toEqual({
      features: [feature],
      tags: { ...clusterTag, "node.k8s.amazonaws.com/instance_id": otherInstance },
    });
  });

  test.each([
    ["on Windows", { "kubernetes.io/os": "windows" }],
    ["of Fargate", { "eks.amazonaws.com/compute-type": "fargate" }],
  ])("is not created for a node %s", async (_, labels) => {
    scene.api.put(paths.nodes, aNode("node-b", { metadata: { name: "node-b", labels }, spec: {} }));
    await scene.clock.advance(5_000);

    expect(cniNode("node-b")).toBeUndefined();
  });
});

describe("a CNINode that somebody deletes", () => {
  test("and that cannot be created again is told to its node, and counted as by the Go controller", async () => {
    expect(scene.metrics.value("recreate_cniNode_call_count")).toBeUndefined();
    scene.api.failNext(isCreate, { status: 500, body: { message: "no etcd" } });
    scene.api.remove(paths.cniNodes, "node-a");
    await scene.clock.advance(5_000);

    expect(cniNode()).toBeDefined();
    expect(scene.events("node-a")).toEqual([
      "CNINodeCreationFailed CNINode was deleted and failed to be recreated by the vpc-resource-controller",
    ]);
    expect(scene.metrics.value("recreate_cniNode_call_count")).toBe(2);
    expect(scene.metrics.value("recreate_cniNode_err_count")).toBe(1);
  });

  test("is told so itself when its finalizer cannot be taken away", async () => {
    const isPatch = ({ method, path }: ApiRequest) => method === "PATCH" && path === `${paths.cniNodes}/node-a`;
    scene.api.failNext(isPatch, { status: 403, body: { message: "forbidden" } });
    const { metadata, ...rest } = cniNode() as FakeObject;
    scene.api.put(paths.cniNodes, { ...rest, metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } });
    await scene.clock.advance(5_000);

    const told = scene.api.requests.filter(({ method, path }) => method === "POST" && path.endsWith("/events"));
    expect(told).toMatchObject([
      {
        path: "/api/v1/namespaces/default/events",
        body: {
          involvedObject: { apiVersion: "vpcresources.k8s.aws/v1alpha1", kind: "CNINode", name: "node-a" },
          type: "Warning",
          reason: "CNINodeDeletionFailed",
          message: "CNINode delete failed, will be retried",
        },
      },
    ]);
    expect(cniNode()?.metadata.finalizers).toEqual([]);
  });
});
