import type { NodeTrunkProblem, NodeTrunkReady, Outcome, PodUid } from "@trunkline/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FakeObject } from "../testing/fake-api.ts";
import {
  aNode,
  aPod,
  aPolicy,
  assigned,
  createScene,
  instanceId,
  nodeUid,
  paths,
  type Scene,
} from "../testing/scene.ts";

const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";
const labels = { "kubernetes.io/os": "linux", [trunkLabel]: "false" };
const ofNode = { instanceId, nodeName: "node-a", nodeUid };
const ofPod = { podUid: "uid-db" as PodUid, namespace: "default", name: "db", instanceId };
const ready: NodeTrunkReady = { type: "NodeTrunkReady", ...ofNode, branchesMax: 9, backendVersion: "0.1.0" };
const problem = (reason: NodeTrunkProblem["reason"], detail: string, action?: string): Outcome => ({
  type: "NodeTrunkProblem",
  ...ofNode,
  reason,
  detail,
  action,
});

let scene: Scene;

beforeEach(async () => {
  scene = createScene();
  scene.api.put(paths.nodes, aNode("node-a", { metadata: { name: "node-a", labels } }));
  await scene.start();
  await scene.clock.advance(500);
});

afterEach(async () => {
  const stopped = scene.forwarder.stop();
  await scene.clock.advance(10_000);
  await stopped;
});

const deliver = async (...outcomes: readonly Outcome[]) => {
  scene.queues.deliver(...outcomes);
  await scene.clock.advance(500);
};
const settle = () => scene.clock.advance(500);
const putPod = async (change: Partial<FakeObject> = {}) => {
  scene.api.put(paths.pods, aPod("db", change));
  await settle();
};
const annotation = JSON.stringify(assigned("db").enis);

/** Each row of the table of events: its number in the contract, on what, reason, type, message, and how it comes about. */
const rows: readonly (readonly [
  row: string,
  on: "pod" | "node",
  reason: string,
  type: "Normal" | "Warning",
  message: string,
  come: () => Promise<void>,
])[] = [
  [
    "K60",
    "pod",
    "SecurityGroupRequested",
    "Normal",
    "Pod will get the following Security Groups [sg-a sg-b]",
    async () => {
      scene.api.put(paths.policies, aPolicy("one", ["sg-a", "sg-b"]));
      await putPod();
    },
  ],
  [
    "K61",
    "pod",
    "SecurityGroupRequested",
    "Warning",
    "Pod will get the instance security group as the pod didn't match any Security Group from SecurityGroupPolicy",
    () => putPod(),
  ],
  [
    "K62",
    "pod",
    "ResourceAllocated",
    "Normal",
    `Allocated ${annotation} to the pod`,
    async () => {
      await putPod();
      await deliver(assigned("db"));
    },
  ],
  [
    "K63",
    "pod",
    "BranchAllocationFailed",
    "Warning",
    "failed to allocate branch ENI to pod: InvalidGroup.NotFound: The security group 'sg-a' does not exist",
    async () => {
      const detail = "The security group 'sg-a' does not exist";
      await putPod();
      await deliver({ type: "PodEniFailed", ...ofPod, code: "InvalidGroup.NotFound", detail });
    },
  ],
  [
    "K64",
    "pod",
    "BranchAllocationFailed",
    "Warning",
    "Insufficient permissions: Unable to create Elastic Network Interface. CreateNetworkInterface was refused.",
    async () => {
      const refused = { code: "UnauthorizedOperation", detail: "You are not", action: "CreateNetworkInterface" };
      await putPod();
      await deliver({ type: "PodEniFailed", ...ofPod, ...refused });
    },
  ],
  [
    "K65",
    "pod",
    "SecurityGroupMissed",
    "Warning",
    "Pod matches the Security Groups [sg-a] but was admitted without a request for a branch ENI; it has the node's security groups: recreate it",
    async () => {
      const policy = aPolicy("one", ["sg-a"]);
      policy.metadata.creationTimestamp = "2026-01-01T00:00:00Z";
      scene.api.put(paths.policies, policy);
      const late = aPod("db");
      late.metadata.creationTimestamp = "2026-01-01T00:01:00Z";
      await putPod({
        metadata: late.metadata,
        spec: { nodeName: "node-a", containers: [{ name: "a" }] },
        status: { phase: "Running", containerStatuses: [{ state: { running: {} } }] },
      });
    },
  ],
  [
    "K66",
    "pod",
    "BranchENIAnnotationFailed",
    "Warning",
    "failed to annotate pod with branch ENI details: pods is forbidden",
    async () => {
      await putPod();
      const answer = { status: 403, body: { message: "pods is forbidden" } };
      scene.api.failNext((request) => request.method === "PATCH" && request.path.endsWith("/pods/db"), answer, 100);
      await deliver(assigned("db"));
    },
  ],
  [
    "K67",
    "pod",
    "BranchAllocationDelayed",
    "Normal",
    "The pod waits for its branch ENI: the EC2 rate limit of the account; about 3 s",
    async () => {
      await putPod();
      await deliver({ type: "PodEniDelayed", ...ofPod, reason: "rate-limit", waitSeconds: 3, detail: "" });
    },
  ],
  [
    "K68",
    "node",
    "ControllerVersionNotice",
    "Normal",
    "The node is managed by VPC resource controller version 0.1.0",
    () => deliver(ready),
  ],
  [
    "K69",
    "node",
    "NodeTrunkInitiated",
    "Normal",
    "The node has trunk interface initialized successfully",
    () => deliver(ready),
  ],
  [
    "K70",
    "node",
    "NodeTrunkFailedInit",
    "Warning",
    "The node failed initializing trunk interface: waiting for a free network interface (3 of 3 attached)",
    () => deliver(problem("NodeTrunkFailedInit", "waiting for a free network interface (3 of 3 attached)")),
  ],
  [
    "K71",
    "node",
    "TrunkENICreationFailed",
    "Warning",
    "Failed to create trunk interface: Error Code: InsufficientFreeAddressesInSubnet",
    () => deliver(problem("TrunkENICreationFailed", "InsufficientFreeAddressesInSubnet")),
  ],
  [
    "K71",
    "node",
    "TrunkENICreationFailed",
    "Warning",
    "Failed to create trunk interface: Error Code: UnauthorizedOperation; the functions' role lacks the permission ec2:CreateNetworkInterface",
    () => deliver(problem("TrunkENICreationFailed", "UnauthorizedOperation", "CreateNetworkInterface")),
  ],
  [
    "K72",
    "node",
    "Unsupported",
    "Warning",
    "The instance type t3.large is not supported for trunk interface (Security Group for Pods)",
    () =>
      deliver(
        problem(
          "Unsupported",
          "The instance type t3.large is not supported for trunk interface (Security Group for Pods)",
        ),
      ),
  ],
  [
    "K72",
    "node",
    "Unsupported",
    "Warning",
    "The instance type z9.large is not supported yet by the vpc resource controller",
    () =>
      deliver(problem("Unsupported", "The instance type z9.large is not supported yet by the vpc resource controller")),
  ],
  [
    "K73",
    "node",
    "EniConfigNameNotFound",
    "Warning",
    "failed to find the ENIConfig zone-a for node node-a",
    async () => {
      const zoned = { ...labels, "vpc.amazonaws.com/eniConfig": "zone-a" };
      scene.api.put(paths.nodes, aNode("node-a", { metadata: { name: "node-a", labels: zoned } }));
      await settle();
    },
  ],
  [
    "K74",
    "node",
    "BranchENICoolDownPeriodUpdated",
    "Normal",
    "Branch ENI cool down period has been updated to 1m30s",
    async () => {
      const metadata = { name: "amazon-vpc-cni", namespace: "kube-system" };
      scene.api.put(paths.configMaps, { metadata, data: { "branch-eni-cooldown": "90" } });
      await settle();
    },
  ],
];

describe("the table of events", () => {
  test.each(rows)("%s: on the %s: %s, %s: %s", async (_, on, reason, type, message, come) => {
    await come();

    const events = scene.api.requests
      .filter((request) => request.method === "POST" && request.path.endsWith("/events"))
      .map((request) => request.body as { reason: string });
    const involved =
      on === "pod"
        ? { kind: "Pod", namespace: "default", name: "db", uid: "uid-db" }
        : { kind: "Node", name: "node-a", uid: "node-a" };
    expect(events.filter((event) => event.reason === reason)).toEqual([
      expect.objectContaining({
        type,
        reason,
        message,
        involvedObject: { apiVersion: "v1", ...involved },
        source: { component: "vpc-resource-controller" },
        count: 1,
      }),
    ]);
  });
});
