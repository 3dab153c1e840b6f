import { expect, test } from "vitest";
import type { KubernetesNode } from "../objects.ts";
import { pod, startTestCluster } from "../testing/world.ts";

const POD_ENI = "vpc.amazonaws.com/pod-eni";
const NODE = { group: "", resource: "nodes", name: "node-1" };

test("a node that joins has its provider ID, its labels, its addresses and the pods its interfaces allow", async () => {
  const { api, controllers } = await startTestCluster(0);

  const name = await controllers.registerNode({
    instanceId: "i-0123456789abcdef0",
    availabilityZone: "us-west-2a",
    privateIp: "192.168.3.4",
    instanceType: "m5.large",
    labels: { team: "a" },
  });

  const [node] = api.all<KubernetesNode>("nodes");
  expect(name).toBe("ip-192-168-3-4.us-west-2.compute.internal");
  expect(node?.spec?.providerID).toBe("aws:///us-west-2a/i-0123456789abcdef0");
  expect(node?.metadata.labels).toMatchObject({
    "kubernetes.io/os": "linux",
    "kubernetes.io/hostname": name,
    "node.kubernetes.io/instance-type": "m5.large",
    "topology.kubernetes.io/zone": "us-west-2a",
    team: "a",
  });
  expect(node?.status?.capacity).toMatchObject({ cpu: "2", pods: "29" });
  expect(node?.status?.addresses?.[0]).toEqual({ type: "InternalIP", address: "192.168.3.4" });
  expect(node?.status?.conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
});

test("capacity of an extended resource becomes allocatable at the kubelet's next status, and goes so", async () => {
  const { api, access, clock } = await startTestCluster(1);
  const allocatable = () => api.all<KubernetesNode>("nodes")[0]?.status?.allocatable?.[POD_ENI];
  const setCapacity = (amount: string | null) =>
    access.patch(NODE, { type: "merge", body: { status: { capacity: { [POD_ENI]: amount } } }, subresource: "status" });

  // The first status was written a second ago, when the node joined.
  await setCapacity("9");
  await clock.advance(8_900);
  const before = allocatable();
  await clock.advance(200);
  const given = allocatable();
  await setCapacity(null);
  await clock.advance(10_000);

  expect([before, given, allocatable()]).toEqual([undefined, "9", undefined]);
});

test("a reset of the kubelet sets extended resources to 0", async () => {
  const { api, access, clock, controllers } = await startTestCluster(1);
  const allocatable = () => api.all<KubernetesNode>("nodes")[0]?.status?.allocatable?.[POD_ENI];
  const body = { status: { capacity: { [POD_ENI]: "9" } } };

  await access.patch(NODE, { type: "merge", body, subresource: "status" });
  await clock.advance(10_000);
  const given = allocatable();
  await controllers.resetCapacity("node-1");

  expect([given, allocatable()]).toEqual(["9", "0"]);
  expect(api.all<KubernetesNode>("nodes")[0]?.status?.capacity?.[POD_ENI]).toBe("0");
});

test("the heartbeat is a lease that is renewed", async () => {
  const { api, clock } = await startTestCluster(1);
  const renewed = () => (api.all("leases")[0] as unknown as { spec: { renewTime: string } }).spec.renewTime;
  const first = renewed();

  await clock.advance(10_000);

  expect([first, renewed()]).toEqual(["2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:10.000000Z"]);
});

test("a node that leaves takes its pods with it after a while, and they are marked as failed", async () => {
  const { access, clock, controllers, pods, apply, api } = await startTestCluster(1);
  await apply(pod("a"));
  await clock.advance(1_000);
  const phases: unknown[] = [];
  const stop = access.watch({ group: "", resource: "pods" }, ({ type, object }) => {
    if (type === "DELETED")
      phases.push([object.metadata.name, (object as { status?: { phase: string } }).status?.phase]);
  });

  await controllers.deregisterNode("node-1");
  await clock.advance(1_000);
  const during = pods("a").length;
  await clock.advance(2_000);

  expect(api.all("nodes")).toEqual([]);
  expect([during, pods("a").length]).toEqual([1, 0]);
  expect(phases).toContainEqual(["a", "Failed"]);
  stop();
});

test("a Node that somebody deleted and that registers again keeps its pods", async () => {
  const { access, clock, controllers, pods, apply } = await startTestCluster(1);
  await apply(pod("a"));
  await clock.advance(1_000);
  const [before] = pods("a");

  await access.delete(NODE);
  await clock.advance(500);
  await controllers.registerNode({
    instanceId: "i-00000001",
    availabilityZone: "us-west-2a",
    privateIp: "10.0.0.1",
    instanceType: "m5.large",
    name: "node-1",
  });
  await clock.advance(10_000);

  expect(pods("a")[0]?.metadata.uid).toBe(before?.metadata.uid);
  expect(pods("a")[0]?.status).toEqual(before?.status);
});
