import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FakeObject } from "../testing/fake-api.ts";
import { aNode, aPod, aPolicy, createScene, paths, type Scene } from "../testing/scene.ts";

let scene: Scene;

beforeEach(() => {
  scene = createScene();
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

describe("the cluster", () => {
  const settings = (value: string): FakeObject => ({
    metadata: { name: "amazon-vpc-cni", namespace: "kube-system" },
    data: { "branch-eni-cooldown": value },
  });

  test("introduces itself with its cool-down and the sets of groups that its policies name", async () => {
    scene.api.put(paths.configMaps, settings("45"));
    scene.api.put(paths.policies, aPolicy("one", ["sg-2", "sg-1"]));
    scene.api.put(paths.policies, aPolicy("two", ["sg-3"]));
    scene.api.put(paths.policies, aPolicy("same", ["sg-1", "sg-2"], "other"));
    scene.api.put(paths.pods, aPod("db"));
    await scene.start();
    await scene.clock.advance(500);

    expect(scene.sent("ClusterRegistered")).toEqual([
      {
        type: "ClusterRegistered",
        incarnation: "uid-kube-system",
        cooldownSeconds: 45,
        forwarderVersion: "0.1.0",
        groupSets: [["sg-1", "sg-2"], ["sg-1", "sg-2", "sg-3"], ["sg-3"]],
      },
    ]);
  });

  test("introduces itself again when a pod comes or goes whose groups no policy names alone", async () => {
    scene.api.put(paths.policies, aPolicy("one", ["sg-1"]));
    scene.api.put(paths.policies, aPolicy("two", ["sg-2"]));
    await scene.start();
    await scene.clock.advance(500);
    const sets = () => scene.sent("ClusterRegistered").map(({ groupSets }) => groupSets);
    expect(sets()).toEqual([[["sg-1"], ["sg-2"]]]);

    scene.api.put(paths.pods, aPod("db"));
    await scene.clock.advance(500);
    expect(sets()).toEqual([[["sg-1"], ["sg-1", "sg-2"], ["sg-2"]]]);

    scene.api.remove(paths.pods, "db");
    await scene.clock.advance(500);
    expect(sets()).toEqual([[["sg-1"], ["sg-2"]]]);
  });

  test("introduces itself again with the snapshots' interval, so that functions that lost it know it again", async () => {
    await scene.start();
    await scene.clock.advance(500);
    const [first] = scene.sent("ClusterRegistered");
    await scene.clock.advance(299_000);
    expect(scene.sent("ClusterRegistered")).toEqual([]);

    await scene.clock.advance(2_000);

    expect(scene.sent("ClusterRegistered")).toEqual([first]);
  });

  test("tells a changed cool-down, to the functions and to the nodes", async () => {
    scene.api.put(paths.nodes, aNode());
    await scene.start();
    await scene.clock.advance(500);
    expect(scene.sent("ClusterRegistered")).toMatchObject([{ cooldownSeconds: 60 }]);

    scene.api.put(paths.configMaps, settings("90"));
    await scene.clock.advance(500);
    scene.api.put(paths.configMaps, settings("soon"));
    await scene.clock.advance(500);

    expect(scene.sent("ClusterRegistered")).toMatchObject([{ cooldownSeconds: 90 }]);
    expect(scene.events("node-a")).toEqual([
      "BranchENICoolDownPeriodUpdated Branch ENI cool down period has been updated to 1m30s",
    ]);
  });

  const cooldownEvent = (duration: string) =>
    `BranchENICoolDownPeriodUpdated Branch ENI cool down period has been updated to ${duration}`;

  test.each([
    ["aaa", undefined],
    ["-1", 30],
    ["29", 30],
    ["100000", 3_600],
    ["", undefined],
    ["60.5", undefined],
    ["1e3", undefined],
  ])("K16: settings with branch-eni-cooldown %j stop nothing and are reported once", async (value, seconds) => {
    scene.api.put(paths.nodes, aNode());
    scene.api.put(paths.configMaps, settings("90"));
    await scene.start();
    await scene.clock.advance(500);
    scene.sent("ClusterRegistered");

    scene.api.put(paths.configMaps, settings(value));
    await scene.clock.advance(500);
    scene.api.put(paths.configMaps, { ...settings(value), metadata: { ...settings(value).metadata, labels: {} } });
    scene.api.put(paths.policies, aPolicy("one", ["sg-1"]));
    await scene.clock.advance(500);

    const told = scene.sent("ClusterRegistered").map((event) => event.cooldownSeconds);
    expect(told).toEqual(seconds === undefined ? [90] : [seconds, seconds]);
    const warnings = scene.logged.filter((line) => line.startsWith("warn A setting in the ConfigMap"));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("branch-eni-cooldown");
    expect(scene.events("node-a")).toHaveLength(seconds === undefined ? 0 : 1);
  });

  test("K16: keeps its cool-down when the ConfigMap or its key goes", async () => {
    scene.api.put(paths.nodes, aNode());
    scene.api.put(paths.configMaps, settings("90"));
    await scene.start();
    await scene.clock.advance(500);
    scene.sent("ClusterRegistered");

    scene.api.put(paths.configMaps, { ...settings("90"), data: {} });
    await scene.clock.advance(500);
    scene.api.remove(paths.configMaps, "amazon-vpc-cni");
    await scene.clock.advance(500);

    expect(scene.sent("ClusterRegistered")).toEqual([]);
    expect(scene.events("node-a")).toEqual([]);
  });

  test("K74: tells the nodes of a cool-down each time that it changes, but not those that are none of ours", async () => {
    const windows = { metadata: { name: "node-w", labels: { "kubernetes.io/os": "windows" } } };
    scene.api.put(paths.nodes, aNode());
    scene.api.put(paths.nodes, aNode("node-w", windows));
    scene.api.put(paths.configMaps, settings("90"));
    await scene.start();
    for (const value of ["120", "90", "90"]) {
      await scene.clock.advance(500);
      scene.api.put(paths.configMaps, settings(value));
    }
    await scene.clock.advance(500);

    expect(scene.events("node-a")).toEqual([cooldownEvent("2m0s"), cooldownEvent("1m30s")]);
    expect(scene.events("node-w")).toEqual([]);
  });

  test("K74: tells the nodes of no cool-down when only the policies change", async () => {
    scene.api.put(paths.nodes, aNode());
    scene.api.put(paths.configMaps, settings("90"));
    await scene.start();
    await scene.clock.advance(500);
    scene.sent("ClusterRegistered");

    scene.api.put(paths.policies, aPolicy("one", ["sg-1"]));
    await scene.clock.advance(500);

    expect(scene.sent("ClusterRegistered")).toHaveLength(1);
    expect(scene.events("node-a")).toEqual([]);
  });

  test("tells when a policy goes", async () => {
    scene.api.put(paths.policies, aPolicy("one", ["sg-1"]));
    await scene.start();
    await scene.clock.advance(500);
    scene.sent("ClusterRegistered");

    scene.api.remove(paths.policies, "one");
    await scene.clock.advance(500);

    expect(scene.sent("ClusterRegistered")).toMatchObject([{ groupSets: [] }]);
  });
});

describe("snapshots", () => {
  test("are sent soon after the start and then in their interval", async () => {
    scene.api.put(paths.nodes, aNode());
    await scene.start();
    await scene.clock.advance(2_000);
    expect(scene.sent("NodeSnapshot")).toHaveLength(1);

    await scene.clock.advance(900_000);

    expect(scene.sent("NodeSnapshot")).toHaveLength(3);
  });

  test("say of a pod whose groups cannot be told just that, so that no pod is missing from one", async () => {
    scene.api.put(paths.nodes, aNode());
    scene.api.put(paths.policies, {
      ...aPolicy("policy", []),
      spec: { serviceAccountSelector: {}, securityGroups: { groupIds: ["sg-1"] } },
    });
    scene.api.put(paths.pods, aPod("db"));
    await scene.start();
    await scene.clock.advance(2_000);
    expect(scene.sent("NodeSnapshot")).toMatchObject([{ pods: [{ podUid: "uid-db", areGroupsUnknown: true }] }]);
    expect(scene.sent("PodObserved")).toEqual([]);

    scene.api.put(paths.serviceAccounts, { metadata: { name: "default", namespace: "default" } });
    await scene.clock.advance(330_000);

    expect(scene.sent("PodObserved")).toMatchObject([{ pod: { securityGroups: ["sg-1"] } }]);
    expect(scene.sent("NodeSnapshot")).toMatchObject([{ pods: [{ podUid: "uid-db", securityGroups: ["sg-1"] }] }]);
  });
});
