import { describe, expect, test } from "vitest";
import { guardChangedNode, guardChangedPod, guardNewPod } from "./guard.ts";
import type { NodeObject, PodObject, StringMap } from "./objects.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const podSg = "fargate.amazonaws.com/pod-sg";
const forwarder = "system:serviceaccount:kube-system:vpc-resource-controller";
const awsNode = "system:serviceaccount:kube-system:aws-node";

const pod = (annotations?: StringMap): PodObject => ({ metadata: annotations === undefined ? {} : { annotations } });

describe("a new pod", () => {
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

describe("a changed pod", () => {
  test.each<[string, PodObject, PodObject, string, boolean]>([
    ["anybody may change other annotations", pod({ [podEni]: "x" }), pod({ [podEni]: "x", a: "b" }), "jane", true],
    ["the forwarder may annotate", pod(), pod({ [podEni]: "x" }), forwarder, true],
    ["nobody else may annotate", pod(), pod({ [podEni]: "x" }), "jane", false],
    ["nobody else may change the annotation", pod({ [podEni]: "x" }), pod({ [podEni]: "y" }), "jane", false],
    ["nobody else may remove the annotation", pod({ [podEni]: "x" }), pod(), "system:admin", false],
    ["Fargate's annotation never changes", pod({ [podSg]: "x" }), pod({ [podSg]: "y" }), forwarder, false],
    ["Fargate's annotation is not added", pod(), pod({ [podSg]: "y" }), "jane", false],
    ["Fargate's annotation is not removed", pod({ [podSg]: "x" }), pod(), "jane", false],
  ])("%s", (_, before, after, user, allowed) => {
    expect(guardChangedPod(before, after, user).allowed).toBe(allowed);
  });
});

describe("a node that the CNI plugin changes", () => {
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
    ["may change in any way by somebody else", labelled({}), "jane", true],
  ])("%s", (_, after, user, allowed) => {
    expect(guardChangedNode(node, after, user).allowed).toBe(allowed);
  });
});
