import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  aNode,
  aPod,
  aPolicy,
  assigned,
  createScene,
  incarnation,
  instanceId,
  nodeUid,
  paths,
  podEniKey,
  type Scene,
} from "./testing/scene.ts";

let scene: Scene;

beforeEach(() => {
  scene = createScene();
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

describe("the way of one pod", () => {
  test("a pod that is bound is told with its whole wish, and annotated when its ENI is there", async () => {
    scene.api.put(paths.nodes, aNode());
    scene.api.put(paths.policies, aPolicy("policy", ["sg-1", "sg-2"]));
    await scene.start();

    const pod = scene.api.put(paths.pods, aPod("db"));
    await scene.clock.advance(100);

    expect(scene.sent("PodObserved")).toEqual([
      {
        type: "PodObserved",
        incarnation,
        instanceId,
        nodeName: "node-a",
        nodeUid,
        pod: {
          podUid: "uid-db",
          namespace: "default",
          name: "db",
          resourceVersion: pod.metadata.resourceVersion,
          enis: 1,
          securityGroups: ["sg-1", "sg-2"],
        },
      },
    ]);
    expect(scene.events("db")).toEqual([
      "SecurityGroupRequested Pod will get the following Security Groups [sg-1 sg-2]",
    ]);

    scene.queues.deliver(assigned("db"));
    await scene.clock.advance(100);

    const annotation = scene.api.get(paths.pods, "db")?.metadata.annotations?.[podEniKey];
    expect(JSON.parse(annotation ?? "")).toEqual(assigned("db").enis);
    expect(scene.events("db")).toContain(`ResourceAllocated Allocated ${annotation} to the pod`);
    expect(scene.queues.deleted).toEqual(["1"]);
  });

  test("a pod that no policy matches but that asks gets the node's groups", async () => {
    scene.api.put(paths.nodes, aNode());
    await scene.start();

    scene.api.put(paths.pods, aPod("db"));
    await scene.clock.advance(100);

    expect(scene.sent("PodObserved").map((event) => event.pod.securityGroups)).toEqual([[]]);
    expect(scene.events("db")).toEqual([
      "SecurityGroupRequested Pod will get the instance security group as the pod didn't match any Security Group from SecurityGroupPolicy",
    ]);
  });

  test("a pod is told once, and again only when its wish changes", async () => {
    scene.api.put(paths.nodes, aNode());
    scene.api.put(paths.policies, aPolicy("policy", ["sg-1"]));
    await scene.start();
    scene.api.put(paths.pods, aPod("db"));
    scene.api.put(paths.pods, aPod("db", { status: { phase: "Pending", message: "again" } }));
    await scene.clock.advance(100);

    expect(scene.sent("PodObserved")).toHaveLength(1);

    scene.api.put(paths.policies, aPolicy("policy", ["sg-2"]));
    await scene.clock.advance(100);

    expect(scene.sent("PodObserved").map((event) => event.pod.securityGroups)).toEqual([["sg-2"]]);
    expect(scene.events("db")).toEqual([
      "SecurityGroupRequested Pod will get the following Security Groups [sg-1]",
      "SecurityGroupRequested Pod will get the following Security Groups [sg-2]",
    ]);
  });

  test("a pod whose node appears later is told then", async () => {
    await scene.start();
    scene.api.put(paths.pods, aPod("db"));
    await scene.clock.advance(100);

    expect(scene.sent("PodObserved")).toEqual([]);

    scene.api.put(paths.nodes, aNode());
    await scene.clock.advance(100);

    expect(scene.sent("PodObserved")).toHaveLength(1);
  });

  test("K55: a pod that does not ask, or has no node, is not told", async () => {
    scene.api.put(paths.nodes, aNode());
    await scene.start();
    scene.api.put(paths.pods, aPod("plain", { spec: { nodeName: "node-a", containers: [{ name: "a" }] } }));
    scene.api.put(
      paths.pods,
      aPod("unbound", { spec: { containers: [{ resources: { requests: { [podEniKey]: "1" } } }] } }),
    );
    await scene.clock.advance(100);

    expect(scene.sent("PodObserved")).toEqual([]);
  });

  test("K65: a pod that runs without a request although an older policy matches it is told so", async () => {
    scene.api.put(paths.nodes, aNode());
    scene.api.put(paths.policies, {
      ...aPolicy("policy", ["sg-1"]),
      metadata: { name: "policy", namespace: "default", creationTimestamp: "2026-01-01T00:00:00Z" },
    });
    await scene.start();
    const running = (createdAt: string) => ({
      metadata: { name: "x", namespace: "default", labels: { role: "db" }, creationTimestamp: createdAt },
      spec: { nodeName: "node-a", containers: [{ name: "a" }] },
      status: { phase: "Running", containerStatuses: [{ state: { running: {} } }] },
    });
    const younger = running("2026-01-01T00:00:09Z");
    const older = running("2025-12-31T00:00:00Z");
    scene.api.put(paths.pods, { ...younger, metadata: { ...younger.metadata, name: "younger" } });
    scene.api.put(paths.pods, { ...older, metadata: { ...older.metadata, name: "older" } });
    await scene.clock.advance(100);

    expect(scene.events("younger")).toEqual([
      "SecurityGroupMissed Pod matches the Security Groups [sg-1] but was admitted without a request for a branch ENI; it has the node's security groups: recreate it",
    ]);
    expect(scene.events("older")).toEqual([]);
  });
});

test("K26: a ServiceAccount that is not there is told apart from one that cannot be read", async () => {
  const { forwarder, api } = scene;
  api.put(paths.serviceAccounts, { metadata: { name: "a", namespace: "default", labels: { owner: "x" } } });
  api.failNext(({ path }) => path.endsWith("/serviceaccounts/c"), { status: 500, body: { message: "etcd is away" } });

  expect(await forwarder.lookUpServiceAccount("default", "a")).toEqual({ owner: "x" });
  expect(await forwarder.lookUpServiceAccount("default", "b")).toBeUndefined();
  await expect(forwarder.lookUpServiceAccount("default", "c")).rejects.toThrow("etcd is away");
});

test.each([
  ["neither selector", aPolicy("policy", ["sg-1"]), { podSelector: undefined }, "neither podSelector nor"],
  ["no group", aPolicy("policy", []), {}, "no security group is named"],
  [
    "17 groups",
    aPolicy(
      "policy",
      Array.from({ length: 17 }, (_, index) => `sg-${index}`),
    ),
    {},
    "17 groups, but",
  ],
])("a policy with %s is reported", async (_, policy, change, problem) => {
  await scene.start();
  scene.api.put(paths.policies, { ...policy, spec: { ...(policy.spec as object), ...change } });
  await scene.clock.advance(100);

  expect(scene.logged.filter((line) => line.includes(problem))).toHaveLength(1);
});

test("K24: a policy with an invalid selector matches nothing and is reported", async () => {
  scene.api.put(paths.nodes, aNode());
  const policy = aPolicy("policy", ["sg-1"], "not a value");
  await scene.start();
  scene.api.put(paths.policies, policy);
  scene.api.put(paths.pods, aPod("db"));
  await scene.clock.advance(100);

  expect(scene.sent("PodObserved")).toMatchObject([{ pod: { securityGroups: [] } }]);
  expect(scene.logged.some((line) => line.includes("is not a label value"))).toBe(true);
});

describe("K56: the end of a pod", () => {
  const running = { phase: "Running", containerStatuses: [{ state: { running: {} } }] };

  beforeEach(async () => {
    scene.api.put(paths.nodes, aNode());
    await scene.start();
    scene.api.put(paths.pods, aPod("db", { status: running }));
    await scene.clock.advance(100);
  });

  test("a pod that succeeds is told once, also when it is deleted afterwards", async () => {
    const ended = scene.api.put(paths.pods, aPod("db", { status: { phase: "Succeeded" } }));
    await scene.clock.advance(100);
    scene.api.remove(paths.pods, "db");
    await scene.clock.advance(100);

    expect(scene.sent("PodGone")).toEqual([
      {
        type: "PodGone",
        incarnation,
        instanceId,
        podUid: "uid-db",
        resourceVersion: ended.metadata.resourceVersion,
        how: "terminal",
      },
    ]);
  });

  test("a pod that is only terminating is not told", async () => {
    const terminating = aPod("db", { status: running });
    terminating.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
    scene.api.put(paths.pods, terminating);
    await scene.clock.advance(100);

    expect(scene.sent("PodGone")).toEqual([]);
  });

  test("a pod that is deleted while it runs was deleted by force, and its grace period is told", async () => {
    scene.api.remove(paths.pods, "db");
    await scene.clock.advance(100);

    expect(scene.sent("PodGone")).toMatchObject([{ how: "deleted", forcedGraceSeconds: 30 }]);
  });

  test("a pod that is deleted after its containers ended was not deleted by force", async () => {
    scene.api.put(
      paths.pods,
      aPod("db", { status: { ...running, containerStatuses: [{ state: { terminated: {} } }] } }),
    );
    scene.api.remove(paths.pods, "db");
    await scene.clock.advance(100);

    const [gone] = scene.sent("PodGone");
    expect(gone).toMatchObject({ how: "deleted" });
    expect(gone).not.toHaveProperty("forcedGraceSeconds");
  });

  test("a pod that is missing from a new list carries the list's version", async () => {
    scene.api.endWatches(410);
    scene.api.remove(paths.pods, "db");
    await scene.clock.advance(5_000);

    expect(scene.sent("PodGone")).toMatchObject([
      { how: "absent-from-list", podUid: "uid-db", resourceVersion: String(scene.api.version) },
    ]);
  });

  test("a pod that was replaced under its name is gone, and the new one is told", async () => {
    const replaced = aPod("db");
    replaced.metadata.uid = "uid-new";
    scene.sent("PodObserved");
    scene.api.put(paths.pods, replaced);
    await scene.clock.advance(100);

    expect(scene.sent("PodGone")).toMatchObject([{ podUid: "uid-db", how: "absent-from-list" }]);
    expect(scene.sent("PodObserved")).toMatchObject([{ pod: { podUid: "uid-new" } }]);
  });

  test("a deleted Node ends no pod", async () => {
    scene.api.remove(paths.nodes, "node-a");
    await scene.clock.advance(100);

    expect(scene.sent("PodGone")).toEqual([]);
    expect(scene.sent("NodeGone")).toMatchObject([{ instanceId, nodeUid }]);

    scene.api.put(paths.pods, aPod("db", { status: { phase: "Failed" } }));
    await scene.clock.advance(100);

    expect(scene.sent("PodGone")).toMatchObject([{ podUid: "uid-db", instanceId }]);
  });
});
