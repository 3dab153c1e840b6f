import { describe, expect, test } from "vitest";
import { eligibilityOf, eniConfigNameOf, instanceIdOf, wantsTrunk } from "./nodes.ts";
import type { CniNodeObject, NodeObject, StringMap } from "./objects.ts";

const trunk = "vpc.amazonaws.com/has-trunk-attached";
const node = (labels: StringMap = {}, annotations: StringMap = {}): NodeObject => ({
  metadata: { labels: { "kubernetes.io/os": "linux", ...labels }, annotations },
  spec: { providerID: "aws:///us-west-2a/i-0123456789abcdef0" },
});
const cniNode = (name: string, value?: string): CniNodeObject => ({
  spec: { features: [{ name, ...(value === undefined ? {} : { value }) }] },
});

test.each([
  ["aws:///us-west-2a/i-0123456789abcdef0", "i-0123456789abcdef0"],
  ["aws:///us-west-2a/i-01234567", "i-01234567"],
  ["aws://123456789012/us-west-2a/i-0123456789abcdef0", "i-0123456789abcdef0"],
  ["aws:////i-0123456789abcdef0", "i-0123456789abcdef0"],
  ["i-01234567", "i-01234567"],
  ["aws:///us-west-2a/i-0123456789abcdef0/", undefined],
  ["aws:///us-west-2b/0a1b2c3d4e-0123456789abcdef/fargate-ip-192-168-1-1.us-west-2.compute.internal", undefined],
  ["gce://project/us-west1-a/i-instance", undefined],
  ["aws:///us-west-2a/i-0123456", undefined],
  ["aws:///us-west-2a/i-0123456789", undefined],
  ["aws:///us-west-2a/i-0123456789ABCDEF0", undefined],
  ["eks-hybrid:///us-west-2/cluster/mi-01234567", undefined],
  ["", undefined],
  [undefined, undefined],
])("K04: the provider ID %s names the instance %s", (providerId, expected) => {
  expect(instanceIdOf(providerId)).toBe(expected);
});

describe("K06: a node could have a trunk", () => {
  test.each<[string, NodeObject, string | undefined]>([
    ["when it is a Linux instance", node(), undefined],
    [
      "when kubernetes.io/os is missing: somebody took the label away",
      { ...node(), metadata: { labels: {} } },
      undefined,
    ],
    ["but not on Windows", node({ "kubernetes.io/os": "windows" }), "windows"],
    ["but not in auto mode", node({ "eks.amazonaws.com/compute-type": "auto" }), "compute-type"],
    ["but not on Fargate", node({ "eks.amazonaws.com/compute-type": "fargate" }), "compute-type"],
    ["but not as a hybrid node", node({ "eks.amazonaws.com/compute-type": "hybrid" }), "compute-type"],
    ["but not outside of EC2", { ...node(), spec: { providerID: "eks-hybrid:///r/c/mi-1" } }, "not-an-instance"],
    ["but not before its provider ID is set", { metadata: {} }, "no-provider-id"],
  ])("%s", (_, object, because) => {
    const eligibility = eligibilityOf(object);

    expect(eligibility.eligible ? undefined : eligibility.because).toBe(because);
  });
});

describe("K05: a node asks for a trunk", () => {
  test.each<[string, NodeObject, CniNodeObject | undefined, boolean]>([
    ["by its label", node({ [trunk]: "true" }), undefined, true],
    ["by its label, whatever the value", node({ [trunk]: "false" }), undefined, true],
    ["by the feature of its CNINode", node(), cniNode("SecurityGroupsForPods"), true],
    ["not by another feature", node(), cniNode("CustomNetworking", "a"), false],
    [
      "not by a label that is our status",
      node({ [trunk]: "true" }, { "trunkline/has-trunk-attached": "status" }),
      undefined,
      false,
    ],
    [
      "by a label whose value somebody changed after us",
      node({ [trunk]: "yes" }, { "trunkline/has-trunk-attached": "status" }),
      undefined,
      true,
    ],
    ["not by a mark without its label", node({}, { "trunkline/has-trunk-attached": "status" }), undefined, false],
    ["not by nothing", node(), undefined, false],
    ["not by a CNINode without features", node(), { spec: { features: null } }, false],
  ])("%s", (_, object, found, expected) => {
    expect(wantsTrunk(object, found)).toBe(expected);
  });
});

describe("K14: the ENIConfig of a node", () => {
  const label = "vpc.amazonaws.com/eniConfig";

  test.each<[string, NodeObject, CniNodeObject | undefined, string | undefined]>([
    ["is what its label says", node({ [label]: "a" }), cniNode("CustomNetworking", "b"), "a"],
    ["is else what its CNINode says", node(), cniNode("CustomNetworking", "b"), "b"],
    ["has no name where its label is empty", node({ [label]: "" }), cniNode("CustomNetworking", "b"), ""],
    ["has no name where its CNINode says none", node(), cniNode("CustomNetworking"), ""],
    ["has no name where its CNINode says an empty one", node(), cniNode("CustomNetworking", ""), ""],
    ["is none without either", node(), cniNode("SecurityGroupsForPods"), undefined],
    ["is none without a CNINode", node(), undefined, undefined],
  ])("%s", (_, object, found, expected) => {
    expect(eniConfigNameOf(object, found)).toBe(expected);
  });
});
