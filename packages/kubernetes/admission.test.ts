import { describe, expect, test, vi } from "vitest";
import { type JsonPatchOperation, mutatePod, pointerStep } from "./admission.ts";
import type { PodObject } from "./objects.ts";
import type { PodLabels, PolicyMatch } from "./policies.ts";

const podEni = "vpc.amazonaws.com/pod-eni";
const step = "vpc.amazonaws.com~1pod-eni";
const podSg = "fargate.amazonaws.com/pod-sg";
const resources = "/spec/containers/0/resources";

const found = (...groupIds: string[]): PolicyMatch => ({ ok: true, policies: [], groupIds });
const plain: PodObject = { metadata: { labels: { role: "db" } }, spec: { containers: [{ name: "a" }] } };
const fargate: PodObject = { ...plain, metadata: { labels: { "eks.amazonaws.com/fargate-profile": "p" } } };

const patchOf = (pod: PodObject, match: PolicyMatch = found("sg-1", "sg-2")) => {
  const verdict = mutatePod(pod, "default", () => match);
  return verdict.allowed ? verdict.patch : verdict.reason;
};

const withResources = (given: object): PodObject => ({
  ...plain,
  spec: { containers: [{ name: "a", resources: given }, { name: "b" }] },
});

describe("a pod that a policy matches asks for one branch ENI in its first container", () => {
  test.each<[string, PodObject, readonly JsonPatchOperation[]]>([
    [
      "absent resources are added whole",
      plain,
      [{ op: "add", path: resources, value: { limits: { [podEni]: "1" }, requests: { [podEni]: "1" } } }],
    ],
    [
      "absent maps are added whole",
      withResources({}),
      [
        { op: "add", path: `${resources}/limits`, value: { [podEni]: "1" } },
        { op: "add", path: `${resources}/requests`, value: { [podEni]: "1" } },
      ],
    ],
    [
      "other limits stay",
      withResources({ limits: { cpu: "1" } }),
      [
        { op: "add", path: `${resources}/limits/${step}`, value: "1" },
        { op: "add", path: `${resources}/requests`, value: { [podEni]: "1" } },
      ],
    ],
    [
      "a value from the user is overwritten",
      withResources({ limits: { [podEni]: "3" }, requests: { [podEni]: "3" } }),
      [
        { op: "add", path: `${resources}/limits/${step}`, value: "1" },
        { op: "add", path: `${resources}/requests/${step}`, value: "1" },
      ],
    ],
  ])("%s", (_, pod, expected) => {
    expect(patchOf(pod)).toEqual(expected);
  });
});

describe("a pod is left as it is", () => {
  test.each<[string, PodObject, PolicyMatch?]>([
    ["when no policy matches", plain, found()],
    ["on the host's network", { ...plain, spec: { ...plain.spec, hostNetwork: true } }],
    ["on Fargate and the host's network", { ...fargate, spec: { hostNetwork: true } }],
    ["on Windows", { ...plain, spec: { ...plain.spec, nodeSelector: { "kubernetes.io/os": "windows" } } }],
    [
      "on Windows by the old label",
      { ...plain, spec: { ...plain.spec, nodeSelector: { "beta.kubernetes.io/os": "windows" } } },
    ],
    ["as the mirror of a static pod", { ...plain, metadata: { annotations: { "kubernetes.io/config.mirror": "x" } } }],
    ["without containers", { metadata: {}, spec: { containers: [] } }],
    ["without a list of containers", { metadata: {}, spec: { containers: null } }],
    ["without anything", {}],
    ["on Fargate when nothing matches and the user gave nothing", fargate, found()],
  ])("%s", (_, pod, match) => {
    expect(patchOf(pod, match)).toEqual([]);
  });
});

describe("a pod for Fargate", () => {
  test("gets its groups in an annotation", () => {
    expect(patchOf(fargate)).toEqual([{ op: "add", path: "/metadata/annotations", value: { [podSg]: "sg-1,sg-2" } }]);
  });

  test("loses a value from the user to its groups", () => {
    const pod = { ...fargate, metadata: { ...fargate.metadata, annotations: { [podSg]: "sg-9" } } };

    expect(patchOf(pod)).toEqual([
      { op: "add", path: `/metadata/annotations/${pointerStep(podSg)}`, value: "sg-1,sg-2" },
    ]);
    expect(patchOf(pod, found())).toEqual([{ op: "remove", path: `/metadata/annotations/${pointerStep(podSg)}` }]);
  });
});

test("a pod whose policies cannot be read is denied with the reason", () => {
  expect(patchOf(plain, { ok: false, problem: 'serviceaccounts "a" not found' })).toBe(
    'failed to get matching security groups for the pod: serviceaccounts "a" not found',
  );
});

test.each<[string, PodObject, PodLabels]>([
  ["the request's namespace", plain, { namespace: "default", labels: { role: "db" }, serviceAccountName: "default" }],
  [
    "the object's namespace and ServiceAccount",
    { metadata: { namespace: "own" }, spec: { serviceAccountName: "sa", containers: [{}] } },
    { namespace: "own", labels: {}, serviceAccountName: "sa" },
  ],
])("policies are asked about %s", (_, pod, expected) => {
  const match = vi.fn(() => found());

  mutatePod(pod, "default", match);

  expect(match).toHaveBeenCalledWith(expected);
});
