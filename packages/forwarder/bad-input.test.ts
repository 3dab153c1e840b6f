import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FakeObject } from "./testing/fake-api.ts";
import { aNode, aPod, aPolicy, assigned, createScene, paths, podEniKey, type Scene } from "./testing/scene.ts";

let scene: Scene;

beforeEach(() => {
  scene = createScene();
  scene.api.put(paths.nodes, aNode());
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

const groups = (count: number) => Array.from({ length: count }, (_, index) => `sg-${index}`);
const withSpec = (name: string, change: object): FakeObject => {
  const policy = aPolicy(name, ["sg-bad"]);
  return { ...policy, spec: { ...(policy.spec as object), ...change } };
};
const selecting = (...matchExpressions: object[]) => ({ podSelector: { matchExpressions } });

/** Policies that somebody wrote wrongly, and what the log says of each. */
const policies: readonly (readonly [string, FakeObject, string])[] = [
  [
    "both selectors absent",
    withSpec("no-selector", { podSelector: undefined }),
    "neither podSelector nor serviceAccountSelector is there",
  ],
  [
    "an operator that is none",
    withSpec("operator", selecting({ key: "role", operator: "Equals", values: ["db"] })),
    '\\"Equals\\" is not a label selector operator',
  ],
  [
    "an operator without its values",
    withSpec("values", selecting({ key: "role", operator: "In" })),
    "operator In needs at least one value",
  ],
  [
    "an operator with values that it does not take",
    withSpec("no-values", selecting({ key: "role", operator: "Exists", values: ["db"] })),
    "operator Exists takes no values",
  ],
  ["no groups", aPolicy("no-groups", []), "no security group is named"],
  ["17 groups", aPolicy("17-groups", groups(17), "many"), "17 groups, but a network interface takes at most 16"],
];

/** Annotations of which none is taken for an ENI, and what the event on the pod says. */
const annotations = [
  ["not-json", "eni-0123", "is not JSON"],
  ["vlan-0", '[{"eniId":"eni-01234567","vlanId":0}]', "has no vlanId from 1 to 4094"],
] as const;

const annotated = (name: string, value: string): FakeObject => {
  const pod = aPod(name);
  return { ...pod, metadata: { ...pod.metadata, annotations: { [podEniKey]: value } } };
};

/** What a pod of a good policy goes through. */
const expectService = async (name: string, securityGroups: readonly string[]) => {
  scene.sent("PodObserved");
  scene.api.put(paths.pods, aPod(name));
  await scene.clock.advance(500);
  expect(scene.sent("PodObserved")).toMatchObject([{ pod: { name, securityGroups } }]);

  scene.queues.deliver(assigned(name));
  await scene.clock.advance(500);
  expect(scene.api.get(paths.pods, name)?.metadata.annotations).toHaveProperty([podEniKey]);
};

describe("a policy with", () => {
  test.each(policies)("%s is told in the log once, selects nothing, and leaves the others alone", async (...row) => {
    const [, policy, problem] = row;
    scene.api.put(paths.policies, aPolicy("good", ["sg-good"]));
    scene.api.put(paths.policies, policy);
    await scene.start();
    scene.api.endWatches(410);
    await scene.clock.advance(5_000);

    const told = scene.logged.filter((line) => line.includes(problem));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`"namespace":"default","name":"${policy.metadata.name}"`);
    await expectService("served", ["sg-good"]);
  });

  test("6 groups is taken as it is: an account may have the quota for them", async () => {
    scene.api.put(paths.policies, aPolicy("six", groups(6)));
    await scene.start();

    await expectService("served", groups(6));
    expect(scene.logged.filter((line) => line.startsWith("warn") && line.includes("groups"))).toEqual([]);
  });
});

test("everything that is bad at once stops nothing", async () => {
  for (const [, policy] of policies) scene.api.put(paths.policies, policy);
  for (const [name, value] of annotations) scene.api.put(paths.pods, annotated(name, value));
  scene.api.put(paths.configMaps, {
    metadata: { name: "amazon-vpc-cni", namespace: "kube-system" },
    data: { "branch-eni-cooldown": "aaa" },
  });
  scene.api.missing.add(paths.cniNodes);
  scene.api.missing.add(paths.eniConfigs);
  scene.api.put(paths.policies, aPolicy("good", ["sg-good"]));
  await scene.start();
  await scene.clock.advance(2_000);

  expect(scene.forwarder.isReady()).toBe(true);
  await expectService("served", ["sg-good"]);
  for (const [name, value, problem] of annotations) {
    expect(scene.api.get(paths.pods, name)?.metadata.annotations?.[podEniKey]).toBe(value);
    expect(scene.events(name)).toEqual([expect.stringContaining(problem)]);
  }
  for (const type of ["cninodes", "eniconfigs"]) {
    const told = scene.logged.filter((line) => line.includes("does not know a type") && line.includes(type));
    expect(told).toHaveLength(1);
  }
  expect(scene.logged.filter((line) => line.includes("branch-eni-cooldown"))).toHaveLength(1);
});
