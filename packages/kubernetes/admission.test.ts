import { applyPatch } from "rfc6902";
import { describe, expect, test, vi } from "vitest";
import { type JsonPatchOperation, mutatePod, pointerStep } from "./admission.ts";
import type { PodObject } from "./objects.ts";
import type { PodLabels, Policy, PolicyMatch } from "./policies.ts";
import { requestOf } from "./requests.ts";

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

const one = { [podEni]: "1" };

const withResources = (given: object): PodObject => ({
  ...plain,
  spec: { containers: [{ name: "a", resources: given }, { name: "b" }] },
});

describe("K35: a pod that a policy matches asks for one branch ENI in its first container", () => {
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
    [
      "resources that are null are replaced",
      { ...plain, spec: { containers: [{ name: "a", resources: null }] } },
      [{ op: "add", path: resources, value: { limits: { [podEni]: "1" }, requests: { [podEni]: "1" } } }],
    ],
    [
      "maps that are null are replaced",
      withResources({ limits: null, requests: null }),
      [
        { op: "add", path: `${resources}/limits`, value: { [podEni]: "1" } },
        { op: "add", path: `${resources}/requests`, value: { [podEni]: "1" } },
      ],
    ],
    [
      "other requests stay, absent limits are added",
      withResources({ requests: { cpu: "1" } }),
      [
        { op: "add", path: `${resources}/limits`, value: { [podEni]: "1" } },
        { op: "add", path: `${resources}/requests/${step}`, value: "1" },
      ],
    ],
    [
      "claims of devices stay",
      withResources({ claims: [{ name: "gpu" }] }),
      [
        { op: "add", path: `${resources}/limits`, value: { [podEni]: "1" } },
        { op: "add", path: `${resources}/requests`, value: { [podEni]: "1" } },
      ],
    ],
    [
      "a limit that is there already is not patched",
      withResources({ limits: { [podEni]: "1" } }),
      [{ op: "add", path: `${resources}/requests`, value: { [podEni]: "1" } }],
    ],
    ["a request that is there already is not patched", withResources({ limits: one, requests: one }), []],
    [
      "a quantity that is a number is written as others are",
      withResources({ limits: { [podEni]: 1 }, requests: one }),
      [{ op: "add", path: `${resources}/limits/${step}`, value: "1" }],
    ],
    [
      "init containers are not looked at",
      { ...plain, spec: { ...plain.spec, initContainers: [{ name: "i", resources: { limits: one } }] } as object },
      [{ op: "add", path: resources, value: { limits: one, requests: one } }],
    ],
    [
      "ephemeral containers are not looked at",
      { ...plain, spec: { ...plain.spec, ephemeralContainers: [{ name: "e" }] } as object },
      [{ op: "add", path: resources, value: { limits: one, requests: one } }],
    ],
    [
      "a pod without a name of its own",
      { ...plain, metadata: { ...plain.metadata, generateName: "web-" } },
      [{ op: "add", path: resources, value: { limits: one, requests: one } }],
    ],
    [
      "Linux by its node selector",
      { ...plain, spec: { ...plain.spec, nodeSelector: { "kubernetes.io/os": "linux" }, os: { name: "linux" } } },
      [{ op: "add", path: resources, value: { limits: one, requests: one } }],
    ],
  ])("%s", (_, pod, expected) => {
    expect(patchOf(pod)).toEqual(expected);
  });
});

describe("a pod is left as it is", () => {
  test.each<[string, PodObject, PolicyMatch?]>([
    ["when no policy matches", plain, found()],
    ["K31: on the host's network", { ...plain, spec: { ...plain.spec, hostNetwork: true } }],
    ["K31: on Fargate and the host's network", { ...fargate, spec: { hostNetwork: true } }],
    ["K33: on Windows", { ...plain, spec: { ...plain.spec, nodeSelector: { "kubernetes.io/os": "windows" } } }],
    [
      "K33: on Windows by the old label",
      { ...plain, spec: { ...plain.spec, nodeSelector: { "beta.kubernetes.io/os": "windows" } } },
    ],
    ["K33: on Windows by its own word", { ...plain, spec: { ...plain.spec, os: { name: "windows" } } }],
    ["K33: with init containers only", { metadata: {}, spec: { containers: [], initContainers: [{}] } as object }],
    [
      "K33: on Fargate as the mirror of a static pod",
      { ...fargate, metadata: { ...fargate.metadata, annotations: { "kubernetes.io/config.mirror": "x" } } },
    ],
    [
      "on Fargate when it has its groups already",
      { ...fargate, metadata: { ...fargate.metadata, annotations: { [podSg]: "sg-1,sg-2" } } },
    ],
    [
      "K33: as the mirror of a static pod",
      { ...plain, metadata: { annotations: { "kubernetes.io/config.mirror": "x" } } },
    ],
    ["K33: without containers", { metadata: {}, spec: { containers: [] } }],
    ["K33: without a list of containers", { metadata: {}, spec: { containers: null } }],
    ["without anything", {}],
    ["on Fargate when nothing matches and the user gave nothing", fargate, found()],
  ])("%s", (_, pod, match) => {
    expect(patchOf(pod, match)).toEqual([]);
  });
});

describe("K32: a pod for Fargate", () => {
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

test("K36: a pod whose policies cannot be read is denied with the reason", () => {
  expect(patchOf(plain, { ok: false, problem: 'serviceaccounts "a" not found' })).toBe(
    'failed to get matching security groups for the pod: serviceaccounts "a" not found',
  );
});

describe("a webhook that puts its container first and lets the API server ask again", () => {
  const asking = { name: "a", resources: { limits: one, requests: { cpu: "1", ...one } } };
  const containersOf = (containers: object[]) => {
    const pod = { ...plain, spec: { containers: JSON.parse(JSON.stringify(containers)) as object[] } };
    const patch = patchOf(pod as PodObject);
    expect(applyPatch(pod, patch as never).filter((problem) => problem !== null)).toEqual([]);
    expect(patchOf(pod as PodObject)).toEqual([]);
    return pod.spec.containers;
  };

  test("moves the request to the new first container", () => {
    expect(containersOf([{ name: "sidecar" }, asking])).toEqual([
      { name: "sidecar", resources: { limits: one, requests: one } },
      { name: "a", resources: { limits: {}, requests: { cpu: "1" } } },
    ]);
  });

  test("moves it past containers without one", () => {
    const sidecar = { name: "sidecar", resources: { limits: { cpu: "1" } } };

    expect(containersOf([sidecar, { name: "b" }, asking])).toEqual([
      { name: "sidecar", resources: { limits: { cpu: "1", ...one }, requests: one } },
      { name: "b" },
      { name: "a", resources: { limits: {}, requests: { cpu: "1" } } },
    ]);
  });

  test("does not change how many ENIs a pod asks for in further containers", () => {
    expect(requestOf(containersOf([asking, asking]) as never)).toBe(2);
    expect(requestOf(containersOf([{ name: "sidecar" }, asking, asking]) as never)).toBe(2);
  });
});

describe("K27: how many groups a pod may get", () => {
  const groups = (count: number) => Array.from({ length: count }, (_, index) => `sg-${index}`);
  const policiesNamed = (...names: string[]) => names.map((name) => ({ name }) as Policy);
  const judged = (count: number, pod = plain, policies: Policy[] = []) =>
    mutatePod(pod, "default", () => ({ ok: true, policies, groupIds: groups(count) }));

  test("up to the default quota nothing is said", () => {
    expect(judged(5)).not.toHaveProperty("warnings");
  });

  test.each([
    ["a pod", plain],
    ["a pod for Fargate", fargate],
  ])("above it %s is admitted with a warning that fits", (_, pod) => {
    const verdict = judged(6, pod);

    expect(verdict).toMatchObject({
      allowed: true,
      warnings: [expect.stringMatching(/^the pod gets 6 security groups; a network interface takes 5 unless/)],
    });
    expect((verdict as { warnings?: string[] }).warnings?.[0]?.length).toBeLessThanOrEqual(256);
    expect(judged(16, pod)).toMatchObject({ allowed: true });
  });

  test.each([
    [[], "the pod gets 17 security groups, but a network interface takes at most 16"],
    [["a"], "the pod gets 17 security groups by the security group policies a, but"],
    [["a", "b", "c", "d", "e"], "security group policies a, b, c and 2 more, but"],
  ])("above what any interface takes it is refused (policies %j)", (names, part) => {
    for (const pod of [plain, fargate]) {
      const verdict = judged(17, pod, policiesNamed(...names));

      expect(verdict).toMatchObject({ allowed: false, reason: expect.stringContaining(part) });
    }
  });
});

test.each<[string, PodObject, PodLabels]>([
  ["the request's namespace", plain, { namespace: "default", labels: { role: "db" }, serviceAccountName: "default" }],
  [
    "the object's namespace and ServiceAccount",
    { metadata: { namespace: "own" }, spec: { serviceAccountName: "sa", containers: [{}] } },
    { namespace: "own", labels: {}, serviceAccountName: "sa" },
  ],
])("K34: policies are asked about %s", (_, pod, expected) => {
  const match = vi.fn(() => found());

  mutatePod(pod, "default", match);

  expect(match).toHaveBeenCalledWith(expected);
});

test("a request of another container stays when the first one has asked by itself: whoever wrote both wants both", () => {
  const asking = (count: string) => ({ limits: { [podEni]: count }, requests: { [podEni]: count } });
  const containers = [
    { name: "a", resources: asking("2") },
    { name: "b", resources: asking("1") },
  ];
  const verdict = mutatePod({ spec: { containers } }, "default", () => ({
    ok: true,
    policies: [],
    groupIds: ["sg-1"],
  }));

  expect(verdict).toMatchObject({ allowed: true });
  expect(verdict.allowed && verdict.patch.map(({ op, path }) => `${op} ${path}`)).toEqual([
    `add ${resources}/limits/${step}`,
    `add ${resources}/requests/${step}`,
  ]);
});
