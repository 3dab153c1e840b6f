import { describe, expect, test } from "vitest";
import { guardBinding, guardChangedNode, guardChangedPod, guardNewPod } from "./guard.ts";
import type { NodeObject, PodObject, StringMap } from "./objects.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const podSg = "fargate.amazonaws.com/pod-sg";
const forwarder = "system:serviceaccount:kube-system:vpc-resource-controller";
const awsNode = "system:serviceaccount:kube-system:aws-node";

const pod = (annotations?: StringMap): PodObject => ({ metadata: annotations === undefined ? {} : { annotations } });

describe("K38: a new pod", () => {
  test.each<[string, PodObject, boolean]>([
    ["without annotations is admitted", pod(), true],
    ["with other annotations is admitted", pod({ a: "b" }), true],
    ["with Fargate's annotation is admitted", pod({ [podSg]: "sg-1" }), true],
    ["with the annotation of an ENI is refused", pod({ [podEni]: "[]" }), false],
    ["with an empty annotation of an ENI is refused", pod({ [podEni]: "" }), false],
  ])("%s", (_, object, allowed) => {
    expect(guardNewPod(object).allowed).toBe(allowed);
  });
});

describe("the binding of a pod, whose annotations become the pod's,", () => {
  test.each<[string, StringMap | undefined, boolean]>([
    ["is admitted without annotations", undefined, true],
    ["is admitted with other annotations", { "scheduler/score": "5" }, true],
    ["may not bring the annotation of an ENI", { [podEni]: "[]" }, false],
    ["may not bring an empty one", { [podEni]: "" }, false],
    ["may not bring Fargate's groups", { [podSg]: "sg-1" }, false],
  ])("%s", (_, annotations, allowed) => {
    expect(guardBinding(pod(annotations)).allowed).toBe(allowed);
  });
});

describe("K39, K40: a changed pod", () => {
  test.each<[string, PodObject, PodObject, string, boolean]>([
    ["anybody may change other annotations", pod({ [podEni]: "x" }), pod({ [podEni]: "x", a: "b" }), "jane", true],
    ["the forwarder may annotate", pod(), pod({ [podEni]: "x" }), forwarder, true],
    ["nobody else may annotate", pod(), pod({ [podEni]: "x" }), "jane", false],
    ["nobody else may change the annotation", pod({ [podEni]: "x" }), pod({ [podEni]: "y" }), "jane", false],
    ["nobody else may add an empty annotation", pod(), pod({ [podEni]: "" }), "jane", false],
    ["nobody else may remove an empty annotation", pod({ [podEni]: "" }), pod(), "jane", false],
    ["an administrator is nobody else", pod({ [podEni]: "x" }), pod({ [podEni]: "y" }), "kubernetes-admin", false],
    [
      "the same user of another namespace may not",
      pod(),
      pod({ [podEni]: "x" }),
      forwarder.replace("kube-", ""),
      false,
    ],
    ["the forwarder may remove the annotation", pod({ [podEni]: "x" }), pod(), forwarder, true],
    ["annotations may be null", { metadata: { annotations: null } }, pod(), "jane", true],
    ["nobody else may remove the annotation", pod({ [podEni]: "x" }), pod(), "system:admin", false],
    ["Fargate's annotation never changes", pod({ [podSg]: "x" }), pod({ [podSg]: "y" }), forwarder, false],
    ["Fargate's annotation is not added", pod(), pod({ [podSg]: "y" }), "jane", false],
    ["Fargate's annotation is not removed", pod({ [podSg]: "x" }), pod(), "jane", false],
  ])("%s", (_, before, after, user, allowed) => {
    expect(guardChangedPod(before, after, user).allowed).toBe(allowed);
  });
});

describe("K41: a node that the CNI plugin changes", () => {
  const node: NodeObject = {
    metadata: { name: "n", resourceVersion: "1", labels: { a: "b" }, annotations: { c: "d" } },
    spec: { providerID: "aws:///a/i-1" },
    status: { capacity: { cpu: "2" } },
  };
  const labelled = (labels: StringMap): NodeObject => ({
    ...node,
    metadata: { ...node.metadata, resourceVersion: "2", labels },
  });

  test.each<[string, NodeObject, string, boolean]>([
    ["may get the trunk's label", labelled({ a: "b", "vpc.amazonaws.com/has-trunk-attached": "true" }), awsNode, true],
    ["may get the ENIConfig's label", labelled({ a: "b", "vpc.amazonaws.com/eniConfig": "a" }), awsNode, true],
    ["may not get another label", labelled({ a: "b", x: "y" }), awsNode, false],
    ["may not lose another label", labelled({}), awsNode, false],
    [
      "may not get another annotation",
      { ...node, metadata: { ...node.metadata, annotations: { c: "e" } } },
      awsNode,
      false,
    ],
    ["may not change its provider ID", { ...node, spec: { providerID: "aws:///a/i-2" } }, awsNode, false],
    ["may lose the trunk's label", labelled({ a: "b" }), awsNode, true],
    ["may not change the value of another label", labelled({ a: "c" }), awsNode, false],
    ["may not lose its annotations", { ...node, metadata: { ...node.metadata, annotations: null } }, awsNode, false],
    ["may not get a finalizer", { ...node, metadata: { ...node.metadata, finalizers: ["x"] } }, awsNode, false],
    ["may have an empty list for none", { ...node, metadata: { ...node.metadata, finalizers: [] } }, awsNode, true],
    ["may not change its capacity", { ...node, status: { capacity: { cpu: "9" } } }, awsNode, false],
    ["may not get a taint", { ...node, spec: { ...node.spec, taints: [{ key: "x" }] } as object }, awsNode, false],
    ["may change in any way by somebody else", labelled({}), "jane", true],
  ])("%s", (_, after, user, allowed) => {
    expect(guardChangedNode(node, after, user).allowed).toBe(allowed);
  });
});

test("nodes that are nested without end are told apart instead of failing", () => {
  const deep = (levels: number): unknown => Array.from({ length: levels }).reduce((inner) => [inner], 0);
  const node = { spec: deep(5_000) } as NodeObject;

  expect(guardChangedNode(node, node, awsNode).allowed).toBe(false);
});

test("a list of a node that becomes a map with the same entries is a change", () => {
  const before = { metadata: {}, spec: { taints: ["a"] } };
  const after = { metadata: {}, spec: { taints: { 0: "a" } } };

  expect(guardChangedNode(before as NodeObject, after as unknown as NodeObject, awsNode).allowed).toBe(false);
});
