import { expect, test } from "vitest";
import type { KubernetesObject } from "../../ports.ts";
import type { Pod } from "../objects.ts";
import { pod, startTestCluster, type TestWorld } from "../testing/world.ts";
import { POD_ENI } from "./pod-eni.ts";

const AWS_NODE = { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" };
const WISH = { resources: { limits: { [POD_ENI]: "1" } } };
const DEMUX = { name: "DISABLE_TCP_EARLY_DEMUX", value: "true" };

/** What `kubectl set env daemonset aws-node ENABLE_POD_ENI=true` does, with the other settings of the CNI plugin. */
async function enablePodEni({ access, clock }: TestWorld, mode = "strict", initEnv: object[] = [DEMUX]) {
  const env = [
    { name: "ENABLE_POD_ENI", value: "true" },
    { name: "POD_SECURITY_GROUP_ENFORCING_MODE", value: mode },
  ];
  const containers = [{ name: "aws-node", image: "amazon-k8s-cni:v1.23.0", env }];
  const initContainers = [{ name: "init", image: "init", env: initEnv }];
  const body = { spec: { template: { spec: { containers, initContainers } } } };
  await access.patch(AWS_NODE, { type: "merge", body });
  await clock.advance(5_000);
}

function podRef(name: string) {
  return { group: "", resource: "pods", namespace: "default", name };
}

async function annotate({ access }: TestWorld, name: string, privateIp: string) {
  const branch = { eniId: "eni-1", ifAddress: "0a:01", privateIp, ipv6Addr: "", vlanId: 1, subnetCidr: "10.0.0.0/16" };
  const annotations = { [POD_ENI]: JSON.stringify([branch]) };
  await access.patch(podRef(name), { type: "merge", body: { metadata: { annotations } } });
}

function branchPod(name: string, container: object = {}): KubernetesObject {
  return pod(name, { ...WISH, ...container }, { nodeName: "node-1" });
}

test("a pod that asks for a branch fails its sandbox until the annotation is there, then has that address", async () => {
  const world = await startTestCluster(1);
  await enablePodEni(world);
  await world.apply(branchPod("a"));
  await world.clock.advance(3_500);
  const waiting = world.pods("a")[0]?.status;
  const [failure] = world.events("FailedCreatePodSandBox");

  await annotate(world, "a", "10.0.7.7");
  await world.clock.advance(100);
  const notYet = world.pods("a")[0]?.status?.phase;
  await world.clock.advance(1_000);

  expect(waiting).toMatchObject({ phase: "Pending", hostIP: "10.0.0.1" });
  expect(waiting?.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: "ContainerCreating" } });
  expect(failure?.count).toBe(4);
  expect(failure?.message).toMatch(
    /^Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "[0-9a-f]{64}": plugin type="aws-cni" name="aws-cni" failed \(add\): add cmd: failed to assign an IP address to container$/,
  );
  expect(notYet).toBe("Pending");
  expect(world.pods("a")[0]?.status).toMatchObject({ phase: "Running", podIP: "10.0.7.7" });
  expect(world.network.assigned).toEqual([]);
});

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

test("a node without free addresses fails the sandbox and tries again", async () => {
  const world = await startTestCluster(1);
  const { assignSecondaryAddress } = world.network;
  world.network.assignSecondaryAddress = () => ({ error: "no free address" });
  await world.apply(pod("a"));
  await world.clock.advance(1_500);

  world.network.assignSecondaryAddress = assignSecondaryAddress;
  await world.clock.advance(1_500);

  expect(world.events("FailedCreatePodSandBox")[0]?.count).toBe(2);
  expect(world.pods("a")[0]?.status?.phase).toBe("Running");
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

test("a pod that is removed by force gives its address back at once", async () => {
  const world = await startTestCluster(1);
  await world.apply(pod("a"));
  await world.clock.advance(1_000);
  const before = [...world.network.assigned];

  await world.access.delete(podRef("a"), { gracePeriodSeconds: 0 });
  await world.clock.advance(100);

  expect([before, world.network.assigned]).toEqual([["10.0.1.1"], []]);
});

test("when the annotation of a running branch vanishes, the sandbox is made anew and waits for one", async () => {
  const world = await startTestCluster(1);
  await enablePodEni(world);
  await world.apply(branchPod("a"));
  await annotate(world, "a", "10.0.7.7");
  await world.clock.advance(2_000);

  await world.access.patch(podRef("a"), { type: "merge", body: { metadata: { annotations: { [POD_ENI]: null } } } });
  await world.clock.advance(1_500);
  const failures = world.events("FailedCreatePodSandBox").at(-1)?.count ?? 0;
  const without = world.pods("a")[0]?.status?.podIP;
  await annotate(world, "a", "10.0.7.8");
  await world.clock.advance(2_000);

  expect(world.events("SandboxChanged")[0]?.message).toBe("Pod sandbox changed, it will be killed and re-created.");
  expect(failures).toBeGreaterThan(0);
  expect(without).toBeUndefined();
  expect(world.pods("a")[0]?.status).toMatchObject({ podIP: "10.0.7.8", phase: "Running" });
});
