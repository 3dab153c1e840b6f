import { describe, expect, test } from "vitest";
import { type CniNodeSource, completeCniNode, newCniNode, readFeaturesMark, writeFeaturesMark } from "./cninodes.ts";
import type { CniNodeObject, OwnerReference } from "./objects.ts";

test("K07: a CNINode belongs to its node, tells its cluster and instance, and keeps its features", () => {
  const made = newCniNode({
    nodeName: "n",
    nodeUid: "uid",
    os: "linux",
    cluster: "c",
    instanceId: "i-01234567",
    features: [{ name: "CustomNetworking", value: "a" }],
  });

  expect(made).toEqual({
    apiVersion: "vpcresources.k8s.aws/v1alpha1",
    kind: "CNINode",
    metadata: {
      name: "n",
      labels: { "kubernetes.io/os": "linux" },
      finalizers: ["networking.k8s.aws/resource-cleanup"],
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "n", uid: "uid", controller: true }],
    },
    spec: {
      features: [{ name: "CustomNetworking", value: "a" }],
      tags: { "cluster.k8s.amazonaws.com/name": "c", "node.k8s.amazonaws.com/instance_id": "i-01234567" },
    },
  });
});

describe("a CNINode that is there already", () => {
  const source: CniNodeSource = {
    nodeName: "n",
    nodeUid: "uid",
    os: "linux",
    cluster: "c",
    instanceId: "i-01234567",
    features: [],
  };
  const ours: OwnerReference = {
    apiVersion: "v1",
    kind: "Node",
    name: "n",
    uid: "uid",
    controller: true,
  };
  const whole = newCniNode(source);
  const features = [{ name: "SecurityGroupsForPods" }];

  test("lacks nothing when it is as we make it, whatever its features", () => {
    expect(completeCniNode({ ...whole, spec: { ...whole.spec, features } }, source)).toBeUndefined();
  });

  test("gets all of ours, and keeps its features, when somebody made it with nothing", () => {
    expect(completeCniNode({ metadata: {}, spec: { features } }, source)).toEqual({
      metadata: {
        labels: { "kubernetes.io/os": "linux" },
        finalizers: ["networking.k8s.aws/resource-cleanup"],
        ownerReferences: [ours],
      },
      spec: { tags: whole.spec.tags },
    });
  });

  test.each<[string, CniNodeObject, object]>([
    [
      "the finalizer, beside those of others",
      { ...whole, metadata: { ...whole.metadata, finalizers: ["a/b"] } },
      { metadata: { finalizers: ["a/b", "networking.k8s.aws/resource-cleanup"] } },
    ],
    [
      "this Node as its owner in place of the one that had the name before",
      { ...whole, metadata: { ...whole.metadata, ownerReferences: [{ ...ours, uid: "old" }] } },
      { metadata: { ownerReferences: [ours] } },
    ],
    [
      "this Node as an owner that is no controller, when another kind controls it",
      { ...whole, metadata: { ...whole.metadata, ownerReferences: [{ kind: "Pool", uid: "p", controller: true }] } },
      {
        metadata: {
          ownerReferences: [
            { kind: "Pool", uid: "p", controller: true },
            { ...ours, controller: false },
          ],
        },
      },
    ],
    [
      "this instance's tag",
      {
        ...whole,
        spec: { features, tags: { ...whole.spec.tags, "node.k8s.amazonaws.com/instance_id": "i-89abcdef" } },
      },
      { spec: { tags: whole.spec.tags } },
    ],
  ])("gets %s", (_, found, expected) => {
    expect(completeCniNode(found, source)).toEqual(expected);
  });
});

describe("K08: the mark that remembers a CNINode's features", () => {
  test("says what was written", () => {
    const features = [{ name: "SecurityGroupsForPods" }, { name: "CustomNetworking", value: "us-west-2a" }];

    expect(readFeaturesMark(writeFeaturesMark(features))).toEqual(features);
  });

  test.each([
    ["nothing", undefined],
    ["no JSON", "SecurityGroupsForPods"],
    ["no list", '{"name":"SecurityGroupsForPods"}'],
    ["a list of something else", '["SecurityGroupsForPods"]'],
    ["a value that is no text", '[{"name":"CustomNetworking","value":1}]'],
    ["a list that is too long", writeFeaturesMark([{ name: "x".repeat(5_000) }])],
  ])("names no features when it is %s", (_, mark) => {
    expect(readFeaturesMark(mark)).toEqual([]);
  });
});
