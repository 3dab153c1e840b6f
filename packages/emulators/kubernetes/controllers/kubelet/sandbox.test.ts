import { expect, test } from "vitest";
import { awsNodeManifests } from "../manifests.ts";
import { AWS_NODE, annotate, branchPod, DEMUX, enablePodEni, podRef } from "../testing/branches.ts";
import { pod, startTestCluster, startTestWorld } from "../testing/world.ts";
import { NETWORK_NOT_READY } from "./cni.ts";
import { POD_ENI } from "./pod-eni.ts";

test("a pod that asks for a branch fails its sandbox until the annotation is there, then has that address", async () => {
  const world = await startTestCluster(1);
  await enablePodEni(world);
  await world.apply(branchPod("a"));
  await world.clock.advance(46_000);
  const waiting = world.pods("a")[0]?.status;
  const [failure] = world.events("FailedCreatePodSandBox");

  await annotate(world, "a", "10.0.7.7");
  await world.clock.advance(100);

  expect(waiting).toMatchObject({ phase: "Pending", hostIP: "10.0.0.1" });
  expect(waiting?.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: "ContainerCreating" } });
  // The pauses are 10 to 15 seconds.
  expect([4, 5]).toContain(failure?.count);
  expect(failure?.message).toMatch(
    /^Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "[0-9a-f]{64}": plugin type="aws-cni" name="aws-cni" failed \(add\): add cmd: failed to assign an IP address to container$/,
  );
  expect(world.pods("a")[0]?.status).toMatchObject({ phase: "Running", podIP: "10.0.7.7" });
  expect(world.network.assigned).toEqual([]);
});

test("a pod in the host's network has the node's address and needs no CNI plugin", async () => {
  const world = await startTestCluster(1);
  await world.access.delete(AWS_NODE);
  await world.clock.advance(1_000);

  await world.apply(pod("host", {}, { hostNetwork: true }), pod("plain"));
  await world.clock.advance(1_000);

  expect(world.pods("host")[0]?.status).toMatchObject({ phase: "Running", podIP: "10.0.0.1" });
  expect(world.pods("plain")[0]?.status?.phase).toBe("Pending");
  expect(world.events("FailedCreatePodSandBox")[0]?.message).toContain("dial tcp 127.0.0.1:50051");
});

test("while ENABLE_POD_ENI is off, a pod that asks gets an ordinary address", async () => {
  const world = await startTestCluster(1);

  await world.apply(branchPod("a"));
  await world.clock.advance(1_000);

  expect(world.pods("a")[0]?.status?.podIP).toBe("10.0.1.1");
});

test("a node without free addresses fails the sandbox and tries again after 10 to 15 seconds", async () => {
  const world = await startTestCluster(1);
  const { assignSecondaryAddress } = world.network;
  world.network.assignSecondaryAddress = () => ({ error: "no free address" });
  await world.apply(pod("a"));
  await world.clock.advance(1_000);

  world.network.assignSecondaryAddress = assignSecondaryAddress;
  await world.clock.advance(8_900);
  const before = world.pods("a")[0]?.status?.phase;
  await world.clock.advance(6_000);

  expect(world.events("FailedCreatePodSandBox")[0]?.count).toBe(1);
  expect([before, world.pods("a")[0]?.status?.phase]).toEqual(["Pending", "Running"]);
});

test.each([
  ["annotations", { annotations: { note: "x" } }, "Running"],
  ["labels", { labels: { note: "x" } }, "Running"],
  ["finalizers, which kubelet does not look at,", { finalizers: ["example.com/hold"] }, "Pending"],
])("a change of a pod's %s leads to a new try of its sandbox or not", async (_what, metadata, phase) => {
  const world = await startTestCluster(1);
  const { assignSecondaryAddress } = world.network;
  world.network.assignSecondaryAddress = () => ({ error: "no free address" });
  await world.apply(pod("a"));
  await world.clock.advance(1_000);
  world.network.assignSecondaryAddress = assignSecondaryAddress;

  await world.access.patch(podRef("a"), { type: "merge", body: { metadata } });
  await world.clock.advance(500);

  expect(world.pods("a")[0]?.status?.phase).toBe(phase);
});

test("a branch is connected only once the CNI plugin has seen the trunk ENI", async () => {
  const world = await startTestCluster(1);
  world.network.trunkless.add("i-00000001");
  await enablePodEni(world);
  await world.apply(branchPod("a"));
  await annotate(world, "a", "10.0.7.7");
  await world.clock.advance(1_000);
  const [failure] = world.events("FailedCreatePodSandBox");

  world.network.trunkless.clear();
  await world.clock.advance(20_000);

  expect(failure?.message).toContain("add cmd: failed to assign an IP address to container");
  expect(world.pods("a")[0]?.status).toMatchObject({ phase: "Running", podIP: "10.0.7.7" });
});

test("in an IPv6 cluster the branch has the annotation's IPv6 address, and none without it", async () => {
  const world = await startTestCluster(1);
  await enablePodEni(world, "strict", [DEMUX], [{ name: "ENABLE_IPv6", value: "true" }]);
  await world.apply(branchPod("a"), branchPod("b"));

  await annotate(world, "a", "10.0.7.7");
  await annotate(world, "b", "10.0.7.8", { ipv6Addr: "fd00::8", subnetV6Cidr: "fd00::/64" });
  await world.clock.advance(20_000);

  expect(world.pods("a")[0]?.status?.phase).toBe("Pending");
  expect(world.pods("b")[0]?.status).toMatchObject({ phase: "Running", podIP: "fd00::8" });
});

test("a pod that is removed by force gives its address back at once", async () => {
  const world = await startTestCluster(1);
  await world.apply(pod("a"));
  await world.clock.advance(1_000);
  const before = [...world.network.assigned];

  await world.access.delete(podRef("a"), { gracePeriodSeconds: 0 });
  await world.clock.advance(100);

  expect([before, world.network.assigned]).toEqual([["10.0.1.1"], []]);
});

test("when the annotation of a running branch vanishes, nothing happens to its sandbox", async () => {
  const world = await startTestCluster(1);
  await enablePodEni(world);
  await world.apply(branchPod("a"));
  await annotate(world, "a", "10.0.7.7");
  await world.clock.advance(2_000);
  const [before] = world.pods("a");

  await world.access.patch(podRef("a"), { type: "merge", body: { metadata: { annotations: { [POD_ENI]: null } } } });
  await world.clock.advance(20_000);

  expect(before?.status).toMatchObject({ phase: "Running", podIP: "10.0.7.7" });
  expect(world.pods("a")[0]?.status).toEqual(before?.status);
});

test("until the CNI plugin has run on a node for the first time, pods of its network wait and try every second", async () => {
  const world = await startTestWorld();
  await world.controllers.registerNode({
    instanceId: "i-00000001",
    availabilityZone: "us-west-2a",
    privateIp: "10.0.0.1",
    instanceType: "m5.large",
    name: "node-1",
  });
  await world.apply(pod("a"));
  await world.clock.advance(5_500);
  const [told] = world.events("NetworkNotReady");

  await world.apply(...awsNodeManifests());
  await world.clock.advance(2_000);

  expect(told).toEqual({ message: NETWORK_NOT_READY, count: 6, about: "a" });
  expect(world.pods("a")[0]?.status?.phase).toBe("Running");
});
