import { expect, test } from "vitest";
import type { Pod } from "../objects.ts";
import { annotate, branchPod, DEMUX, enablePodEni, podRef } from "../testing/branches.ts";
import { pod, startTestCluster } from "../testing/world.ts";

test("the life of an ordinary pod is told by its events, in order", async () => {
  const world = await startTestCluster(1);

  await world.apply(pod("a"));
  await world.clock.advance(1_000);
  await world.access.delete(podRef("a"));
  await world.clock.advance(1_000);

  const own = world.api.all("events").filter((event) => (event.involvedObject as { name: string }).name === "a");
  expect(own.map((event) => event.reason)).toEqual(["Scheduled", "Pulling", "Pulled", "Created", "Started", "Killing"]);
  expect(own.map((event) => event.message)).toContain("Stopping container main");
  expect(world.pods("a")).toEqual([]);
  expect(world.network.assigned).toEqual([]);
});

test("a running pod has the conditions and the container status of a real one", async () => {
  const world = await startTestCluster(1);

  await world.apply(pod("a"));
  await world.clock.advance(1_000);

  const status = world.pods("a")[0]?.status;
  const ready = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
  expect(status?.conditions?.map(({ type, status: is }) => [type, is])).toEqual(ready.map((type) => [type, "True"]));
  expect(status).toMatchObject({
    podIPs: [{ ip: "10.0.1.1" }],
    startTime: "2026-01-01T00:00:01Z",
    qosClass: "BestEffort",
  });
  expect(status?.containerStatuses).toMatchObject([{ name: "main", ready: true, started: true, restartCount: 0 }]);
});

test("a failing readiness probe makes the pod unready with kubelet's words, and mending it makes it ready", async () => {
  const world = await startTestCluster(1);
  await enablePodEni(world);
  const readinessProbe = { httpGet: { path: "/health", port: 80 }, periodSeconds: 2, failureThreshold: 1 };
  await world.apply(branchPod("a", { readinessProbe }));
  await annotate(world, "a", "10.0.7.7");
  const ready = () => world.pods("a")[0]?.status?.conditions?.find(({ type }) => type === "Ready");
  await world.clock.advance(5_000);
  const before = ready()?.status;

  world.network.dropped.add("10.0.0.1 10.0.7.7 80");
  await world.clock.advance(3_000);
  const during = ready();
  world.network.dropped.clear();
  await world.clock.advance(3_000);

  expect([before, ready()?.status]).toEqual(["True", "True"]);
  expect(during).toMatchObject({ status: "False", message: "containers with unready status: [main]" });
  expect(world.events("Unhealthy")[0]?.message).toBe(
    'Readiness probe failed: Get "http://10.0.7.7:80/health": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
  );
});

test("an ordinary pod's probes never leave the node, so no group can stop them", async () => {
  const world = await startTestCluster(1);
  world.network.dropped.add("10.0.0.1 * 80");

  await world.apply(pod("a", { readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 } }));
  await world.clock.advance(5_000);

  expect(world.pods("a")[0]?.status?.containerStatuses?.[0]?.ready).toBe(true);
});

test.each([
  { mode: "strict", initEnv: [], ready: false },
  { mode: "strict", initEnv: [DEMUX], ready: true },
  { mode: "standard", initEnv: [], ready: true },
])("with mode $mode and init settings $initEnv, kubelet's TCP probe of a branch succeeds: $ready", async (given) => {
  const world = await startTestCluster(1);
  await enablePodEni(world, given.mode, given.initEnv);

  await world.apply(branchPod("a", { readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 } }));
  await annotate(world, "a", "10.0.7.7");
  await world.clock.advance(5_000);

  expect(world.pods("a")[0]?.status?.containerStatuses?.[0]?.ready).toBe(given.ready);
});

test("a branch that EC2 does not have under its VLAN ID has no connection at all", async () => {
  const world = await startTestCluster(1);
  await enablePodEni(world);
  world.network.unwired.add("eni-1");

  await world.apply(branchPod("a", { readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 } }));
  await annotate(world, "a", "10.0.7.7");
  await world.clock.advance(5_000);

  expect(world.pods("a")[0]?.status?.containerStatuses?.[0]?.ready).toBe(false);
  expect(world.events("Unhealthy")[0]?.message).toBe("Readiness probe failed: dial tcp 10.0.7.7:80: i/o timeout");
});

test("a failing liveness probe restarts the container", async () => {
  const world = await startTestCluster(1);
  const livenessProbe = { tcpSocket: { port: 81 }, periodSeconds: 1, failureThreshold: 2 };

  await world.apply(pod("a", { livenessProbe }));
  await world.clock.advance(30_000);

  expect(world.events("Killing")[0]?.message).toBe("Container main failed liveness probe, will be restarted");
  expect(world.pods("a")[0]?.status?.containerStatuses?.[0]?.restartCount).toBeGreaterThan(0);
});

test("readiness waits for the startup probe", async () => {
  const world = await startTestCluster(1);
  const startupProbe = { tcpSocket: { port: 81 }, periodSeconds: 1, failureThreshold: 100 };

  await world.apply(pod("a", { startupProbe }));
  await world.clock.advance(10_000);

  expect(world.pods("a")[0]?.status?.containerStatuses?.[0]).toMatchObject({ started: false, ready: false });
  expect(world.events("Unhealthy")[0]?.message).toContain("Startup probe failed: dial tcp");
});

test("a container that ends is started again after a pause that doubles, by its pod's policy", async () => {
  const world = await startTestCluster(1);
  await world.apply(pod("a", { image: "busybox", command: ["sh", "-c", "exit 1"] }));

  await world.clock.advance(5_000);
  const crashed = world.pods("a")[0]?.status?.containerStatuses?.[0];
  await world.clock.advance(10_000);
  const once = world.pods("a")[0]?.status?.containerStatuses?.[0]?.restartCount;
  await world.clock.advance(20_000);

  expect(crashed).toMatchObject({
    restartCount: 0,
    state: { waiting: { reason: "CrashLoopBackOff" } },
    lastState: { terminated: { exitCode: 1, reason: "Error" } },
  });
  expect([once, world.pods("a")[0]?.status?.containerStatuses?.[0]?.restartCount]).toEqual([1, 2]);
});

test("a deleted pod ends within its grace period, and tells its end after its network is gone and before it goes itself", async () => {
  const world = await startTestCluster(1, { terminationMs: 60_000 });
  await world.apply(pod("a", {}, { terminationGracePeriodSeconds: 3 }));
  await world.clock.advance(1_000);
  const phases: (string | undefined)[] = [];
  let assignedAtEnd = 1;
  const stop = world.access.watch({ group: "", resource: "pods" }, ({ type, object }) => {
    if ((object as Pod).status?.phase === "Succeeded") assignedAtEnd = world.network.assigned.length;
    if (object.metadata.name === "a")
      phases.push(`${type} ${(object as { status?: { phase?: string } }).status?.phase}`);
  });

  await world.access.delete(podRef("a"));
  await world.clock.advance(2_500);
  const during = world.pods("a").length;
  await world.clock.advance(1_000);

  expect([during, world.pods("a").length]).toEqual([1, 0]);
  expect(phases.slice(-2)).toEqual(["MODIFIED Succeeded", "DELETED Succeeded"]);
  expect(assignedAtEnd).toBe(0);
  stop();
});
