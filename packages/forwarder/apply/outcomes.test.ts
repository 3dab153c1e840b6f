import type { Outcome, PodUid } from "@trunkline/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  aNode,
  aPod,
  aPolicy,
  assigned,
  createScene,
  instanceId,
  nodeUid,
  paths,
  podEniKey,
  type Scene,
} from "../testing/scene.ts";

const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";
const ofNode = { instanceId, nodeName: "node-a", nodeUid };
const ready: Outcome = { type: "NodeTrunkReady", ...ofNode, branchesMax: 9, backendVersion: "0.1.0" };
const ofPod = { podUid: "uid-db" as PodUid, namespace: "default", name: "db", instanceId };

let scene: Scene;

const cniNode = {
  metadata: { name: "node-a" },
  spec: { features: [{ name: "SecurityGroupsForPods" }] },
};

beforeEach(async () => {
  scene = createScene();
  scene.api.put(paths.nodes, aNode());
  scene.api.put(paths.cniNodes, cniNode);
  await scene.start();
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

const deliver = async (...outcomes: readonly Outcome[]) => {
  scene.queues.deliver(...outcomes);
  await scene.clock.advance(200);
};

describe("a problem of a pod's ENI", () => {
  const detail = "EC2 shows the branch ENI eni-01234567 no more: recreate the pod";
  const problem: Outcome = { type: "PodEniProblem", ...ofPod, eniId: "eni-01234567", problem: "eni-deleted", detail };

  test("is an event on a pod that lives with it, and nothing once it has ended", async () => {
    await deliver(problem);
    expect(scene.events("db")).toEqual([]);

    scene.api.put(paths.pods, aPod("db"));
    await deliver(assigned("db"), problem);

    expect(scene.events("db").at(-1)).toBe(`BranchENIMissing ${detail}`);
  });
});

describe("news about a pod that waits", () => {
  const delayed: Outcome = { type: "PodEniDelayed", ...ofPod, reason: "node-full", waitSeconds: 9, detail: "" };
  const failed: Outcome = { type: "PodEniFailed", ...ofPod, code: "InvalidGroup.NotFound", detail: "no sg-1" };

  test("become events", async () => {
    scene.api.put(paths.pods, aPod("db"));

    await deliver(delayed, failed);

    expect(scene.events("db").slice(-2)).toEqual([
      "BranchAllocationDelayed The pod waits for its branch ENI: the node is at capacity until a cool-down ends; about 9 s",
      "BranchAllocationFailed failed to allocate branch ENI to pod: InvalidGroup.NotFound: no sg-1",
    ]);
  });

  test("are dropped when it is gone or has its ENI", async () => {
    await deliver(delayed, failed);
    expect(scene.events("db")).toEqual([]);

    scene.api.put(paths.pods, aPod("db"));
    await deliver(assigned("db"), delayed);

    expect(scene.events("db").filter((event) => event.startsWith("BranchAllocation"))).toEqual([]);
  });

  test("K67: are one event for each change of reason, whatever their figures", async () => {
    scene.api.put(paths.pods, aPod("db"));

    await deliver(delayed, { ...delayed, waitSeconds: 8 }, { ...delayed, waitSeconds: 7, detail: "9 of 9 held" });
    await deliver({ ...delayed, reason: "rate-limit" }, { ...delayed, waitSeconds: 6 });

    expect(scene.events("db").filter((event) => event.startsWith("BranchAllocationDelayed"))).toEqual([
      "BranchAllocationDelayed The pod waits for its branch ENI: the node is at capacity until a cool-down ends; about 9 s",
      "BranchAllocationDelayed The pod waits for its branch ENI: the EC2 rate limit of the account; about 9 s",
      "BranchAllocationDelayed The pod waits for its branch ENI: the node is at capacity until a cool-down ends; about 6 s",
    ]);
  });

  test("name what is wrong with the ENI of a pod that lives", async () => {
    const detail = "The network interface eni-0123456789abcdef0 does not exist any more: recreate the pod";
    const eniId = "eni-0123456789abcdef0";
    scene.api.put(paths.pods, aPod("db"));

    await deliver({ type: "PodEniProblem", ...ofPod, eniId, problem: "eni-deleted", detail });

    expect(scene.events("db")).toContain(`BranchENIMissing ${detail}`);
  });
});

describe("a trunk that is ready", () => {
  const node = () => scene.api.get(paths.nodes, "node-a");
  const capacity = () => (node()?.status as { capacity?: Record<string, string> } | undefined)?.capacity?.[podEniKey];

  test("K10, K11: gives the node its capacity, its label and two events", async () => {
    await deliver(ready);

    expect(capacity()).toBe("9");
    expect(node()?.metadata.labels?.[trunkLabel]).toBe("true");
    expect(scene.events("node-a")).toEqual([
      "ControllerVersionNotice The node is managed by VPC resource controller version 0.1.0",
      "NodeTrunkInitiated The node has trunk interface initialized successfully",
    ]);
    const event = scene.api.requests.find((request) => request.path === "/api/v1/namespaces/default/events");
    expect(event?.body).toMatchObject({
      involvedObject: { kind: "Node", name: "node-a", uid: "node-a" },
      source: { component: "vpc-resource-controller" },
    });
  });

  test("K10: gives the capacity again when the kubelet resets it", async () => {
    await deliver(ready);

    scene.api.put(paths.nodes, aNode("node-a", { metadata: node()?.metadata ?? { name: "node-a" } }));
    await scene.clock.advance(3_000);

    expect(capacity()).toBe("9");
  });

  test("changes nothing when it is told again", async () => {
    await deliver(ready);
    const version = node()?.metadata.resourceVersion;

    await deliver(ready);

    expect(node()?.metadata.resourceVersion).toBe(version);
  });

  test("K11: is no request of the node, and takes its label along when it goes", async () => {
    await deliver(ready);
    const cniNode = scene.api.get(paths.cniNodes, "node-a") ?? { metadata: { name: "node-a" } };
    scene.api.put(paths.cniNodes, { ...cniNode, spec: { features: [] } });
    await scene.clock.advance(2_000);
    expect(scene.sent("NodeObserved").at(-1)).toMatchObject({ wantsTrunk: false });

    await deliver({ type: "NodeTrunkGone", ...ofNode });

    expect(node()?.metadata.labels).not.toHaveProperty([trunkLabel]);
    expect(node()?.metadata.annotations).toEqual({});
    expect(capacity()).toBe("0");
  });

  test("K11: leaves the label of somebody else when it goes", async () => {
    scene.api.put(
      paths.nodes,
      aNode("node-a", { metadata: { name: "node-a", labels: { "kubernetes.io/os": "linux", [trunkLabel]: "false" } } }),
    );
    await deliver(ready);
    expect(node()?.metadata.labels?.[trunkLabel]).toBe("true");

    await deliver({ type: "NodeTrunkGone", ...ofNode });

    expect(node()?.metadata.labels?.[trunkLabel]).toBe("true");
  });

  test("is applied later when the API server refuses for a while; until then no label and no event tell of it", async () => {
    scene.api.failNext((request) => request.path === "/api/v1/nodes/node-a/status", { status: 500, body: {} }, 2);

    await deliver(ready);
    expect(node()?.metadata.labels).not.toHaveProperty([trunkLabel]);
    expect(scene.events("node-a")).toEqual([]);
    await scene.clock.advance(5_000);

    expect(capacity()).toBe("9");
    expect(node()?.metadata.labels?.[trunkLabel]).toBe("true");
    expect(scene.events("node-a")).toHaveLength(2);
  });
});

test("a problem with a trunk becomes an event on the node", async () => {
  await deliver({ type: "NodeTrunkProblem", ...ofNode, reason: "NodeTrunkFailedInit", detail: "no tag" });

  expect(scene.events("node-a")).toEqual(["NodeTrunkFailedInit The node failed initializing trunk interface: no tag"]);
});

describe("what the functions ask for", () => {
  test("a snapshot is answered from a list that asks for no version", async () => {
    scene.api.put(paths.policies, aPolicy("policy", ["sg-1"]));
    scene.api.put(paths.pods, aPod("db"));
    scene.api.put(paths.pods, aPod("ended", { status: { phase: "Succeeded" } }));
    scene.api.put(paths.pods, aPod("elsewhere", { spec: { nodeName: "node-b", containers: [] } }));
    await deliver(assigned("db"));
    await scene.clock.advance(2_000);
    scene.sent("NodeSnapshot");
    scene.api.requests.length = 0;

    await deliver({ type: "SnapshotRequested", instanceId });

    expect(scene.sent("NodeSnapshot")).toMatchObject([
      {
        instanceId,
        nodeName: "node-a",
        listVersion: expect.stringMatching(/^\d+$/),
        pods: [{ podUid: "uid-db", securityGroups: ["sg-1"], annotation: assigned("db").enis }],
      },
    ]);
    const list = scene.api.requests.find((request) => request.path.startsWith("/api/v1/pods?"));
    expect(list?.path).toContain("fieldSelector=spec.nodeName%3Dnode-a");
    expect(list?.path).not.toContain("resourceVersion");
  });

  test("a snapshot of an instance without a node is no message", async () => {
    await scene.clock.advance(2_000);
    scene.sent("NodeSnapshot");

    await deliver({ type: "SnapshotRequested", instanceId: "i-00000000000000009" as typeof instanceId });

    expect(scene.sent("NodeSnapshot")).toEqual([]);
    expect(scene.queues.deleted).toEqual(["1"]);
  });

  test("pods in question are answered when they are absent or terminal", async () => {
    scene.api.put(paths.pods, aPod("db"));
    const ended = scene.api.put(paths.pods, aPod("ended", { status: { phase: "Failed" } }));
    await scene.clock.advance(100);
    scene.sent("PodGone");

    const podUids = ["uid-db", "uid-ended", "uid-absent"] as PodUid[];
    await deliver({ type: "PodsQuestioned", instanceId, podUids });

    expect(scene.sent("PodGone")).toMatchObject([
      { podUid: "uid-ended", how: "terminal", resourceVersion: ended.metadata.resourceVersion },
      { podUid: "uid-absent", how: "absent-from-list", resourceVersion: String(scene.api.version) },
    ]);
  });
});

test("an outcome that cannot be read is dropped with a line in the log", async () => {
  scene.queues.deliverText('{"version":99,"type":"PodEniAssigned"}');
  await scene.clock.advance(100);

  expect(scene.queues.deleted).toEqual(["1"]);
  expect(scene.logged.some((line) => line.includes("unknown-version"))).toBe(true);
});
