import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FakeObject } from "../testing/fake-api.ts";
import { aNode, aPod, aPolicy, assigned, createScene, paths, podEniKey, type Scene } from "../testing/scene.ts";

let scene: Scene;

beforeEach(async () => {
  scene = createScene();
  scene.api.put(paths.nodes, aNode());
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

const settle = () => scene.clock.advance(500);
const container = (request?: string) => ({
  name: "a",
  resources: { requests: request === undefined ? {} : { [podEniKey]: request } },
});
const withContainers = (...containers: object[]): Partial<FakeObject> => ({ spec: { nodeName: "node-a", containers } });
const annotated = (name: string): FakeObject => {
  const pod = aPod(name);
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { [podEniKey]: JSON.stringify(assigned(name).enis) } },
  };
};

describe("K55: a pod wants ENIs", () => {
  test.each<[string, FakeObject, readonly number[]]>([
    ["as many as its containers request together", aPod("db", withContainers(container("1"), container("2"))), [3]],
    ["when only its second container requests one", aPod("db", withContainers(container(), container("1"))), [1]],
    ["but not when they request none", aPod("db", withContainers(container("0"), container())), []],
    [
      "but not when only an init container requests one",
      aPod("db", { spec: { nodeName: "node-a", containers: [container()], initContainers: [container("1")] } }),
      [],
    ],
    ["but not without a node", aPod("db", { spec: { containers: [container("1")] } }), []],
    ["but not when it has its annotation", annotated("db"), []],
    ["but not when it has succeeded", aPod("db", { status: { phase: "Succeeded" } }), []],
    ["but not when it has failed", aPod("db", { status: { phase: "Failed" } }), []],
  ])("%s", async (_, pod, expected) => {
    scene.api.put(paths.pods, pod);
    await scene.start();
    await settle();

    expect(scene.sent("PodObserved").map((event) => event.pod.enis)).toEqual(expected);
  });
});

test("K28: a pod that has its ENI keeps it as it is, whatever becomes of the policies", async () => {
  scene.api.put(paths.policies, aPolicy("one", ["sg-1"]));
  await scene.start();
  scene.api.put(paths.pods, aPod("db"));
  await settle();
  scene.queues.deliver(assigned("db"));
  await settle();
  const before = scene.api.get(paths.pods, "db");
  expect(before?.metadata.annotations).toHaveProperty([podEniKey]);
  expect(scene.sent("PodObserved")).toHaveLength(1);

  scene.api.put(paths.policies, aPolicy("one", ["sg-2"]));
  await settle();
  scene.api.put(paths.policies, aPolicy("two", ["sg-3"]));
  await settle();
  scene.api.remove(paths.policies, "one");
  await settle();
  scene.api.put(paths.pods, aPod("young"));
  await settle();

  expect(scene.sent("PodObserved").map(({ pod }) => [pod.name, pod.securityGroups])).toEqual([["young", ["sg-3"]]]);
  expect(scene.api.get(paths.pods, "db")).toEqual(before);
  expect(scene.events("db").filter((event) => event.startsWith("SecurityGroupRequested"))).toHaveLength(1);
});

describe("K26: without the CustomResourceDefinition of SecurityGroupPolicy", () => {
  const missing = "warn The API server does not know a type";

  test("there are no policies, it is said once, and a pod that asks gets the node's groups", async () => {
    scene.api.missing.add(paths.policies);
    scene.api.put(paths.pods, aPod("db"));
    await scene.start();
    await scene.clock.advance(60_000);

    expect(scene.forwarder.isReady()).toBe(true);
    expect(scene.sent("PodObserved").map((event) => event.pod.securityGroups)).toEqual([[]]);
    expect(scene.logged.filter((line) => line.startsWith(missing) && line.includes("securitygrouppolicies"))).toEqual([
      expect.stringContaining("install its CustomResourceDefinition"),
    ]);
  });

  test("policies count as soon as it is there, and its loss is said again", async () => {
    const lines = () => scene.logged.filter((line) => line.startsWith(missing)).length;
    scene.api.missing.add(paths.policies);
    await scene.start();
    scene.api.missing.delete(paths.policies);
    scene.api.put(paths.policies, aPolicy("one", ["sg-1"]));
    await scene.clock.advance(10_000);
    scene.api.put(paths.pods, aPod("db"));
    await settle();
    expect(scene.sent("PodObserved").map((event) => event.pod.securityGroups)).toEqual([["sg-1"]]);
    expect(lines()).toBe(1);

    scene.api.missing.add(paths.policies);
    scene.api.endWatches(410);
    await scene.clock.advance(60_000);

    expect(lines()).toBe(2);
  });
});
