import { expect, test } from "vitest";
import { type Deployment, nameOf, type ReplicaSet } from "../objects.ts";
import { deployment, startTestCluster, type TestWorld } from "../testing/world.ts";

const ref = { group: "apps", resource: "deployments", namespace: "default", name: "web" };

function setImage({ access }: TestWorld, image: string) {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image }] } };
  return access.patch(ref, { type: "merge", body: { spec: { template } } });
}

function statusOf({ api }: TestWorld) {
  return api.all<Deployment>("deployments")[0]?.status;
}

function progress(world: TestWorld) {
  return statusOf(world)?.conditions?.find(({ type }) => type === "Progressing");
}

test("a new image replaces all pods, and the status ends as `kubectl rollout status` wants it", async () => {
  const world = await startTestCluster(2);
  await world.apply(deployment("web", 4));
  await world.clock.advance(2_000);

  await setImage(world, "httpd");
  await world.clock.advance(20_000);

  expect(world.pods("web").map(({ spec }) => spec.containers[0]?.image)).toEqual(Array(4).fill("httpd"));
  expect(statusOf(world)).toMatchObject({
    observedGeneration: 2,
    replicas: 4,
    updatedReplicas: 4,
    availableReplicas: 4,
    unavailableReplicas: 0,
  });
  expect(progress(world)).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
  expect(world.events("ScalingReplicaSet")[0]?.message).toMatch(/^Scaled up replica set web-\w{10} from 0 to 4$/);
});

test("going back to an old template uses its ReplicaSet again and makes it the newest revision", async () => {
  const world = await startTestCluster(1);
  await world.apply(deployment("web", 1, { ports: undefined }));
  await world.clock.advance(2_000);
  const [first] = world.api.all<ReplicaSet>("replicasets");
  await setImage(world, "httpd");
  await world.clock.advance(5_000);

  await setImage(world, "nginx");
  await world.clock.advance(5_000);

  const replicaSets = world.api.all<ReplicaSet>("replicasets");
  const current = replicaSets.find(({ spec }) => spec.replicas === 1);
  expect(replicaSets).toHaveLength(2);
  expect(nameOf(current ?? { apiVersion: "", kind: "", metadata: {} })).toBe(first?.metadata.name);
  expect(current?.metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("3");
  expect(world.api.all<Deployment>("deployments")[0]?.metadata.annotations).toMatchObject({
    "deployment.kubernetes.io/revision": "3",
  });
});

test("scaling changes the pods without a new ReplicaSet, and the rollout stays complete", async () => {
  const world = await startTestCluster(2);
  await world.apply(deployment("web", 2));
  await world.clock.advance(2_000);

  await world.access.patch(ref, { type: "merge", body: { spec: { replicas: 5 } } });
  await world.clock.advance(2_000);
  const grown = world.pods("web").length;
  await world.access.patch(ref, { type: "merge", body: { spec: { replicas: 1 } } });
  await world.clock.advance(2_000);

  expect([grown, world.pods("web").length]).toEqual([5, 1]);
  expect(world.api.all("replicasets")).toHaveLength(1);
  expect(progress(world)?.reason).toBe("NewReplicaSetAvailable");
});

test("a rollout whose pods never become ready exceeds its deadline", async () => {
  const world = await startTestCluster(1);
  const readinessProbe = { tcpSocket: { port: 81 } };
  await world.apply(deployment("web", 1, { readinessProbe }, { progressDeadlineSeconds: 60 }));

  await world.clock.advance(50_000);
  const before = progress(world)?.reason;
  await world.clock.advance(20_000);

  expect(before).toBe("ReplicaSetUpdated");
  expect(progress(world)).toMatchObject({ status: "False", reason: "ProgressDeadlineExceeded" });
  expect(statusOf(world)?.conditions?.find(({ type }) => type === "Available")?.status).toBe("False");
});

test("a pod counts as available only after minReadySeconds", async () => {
  const world = await startTestCluster(1);
  await world.apply(deployment("web", 1, {}, { minReadySeconds: 30 }));

  await world.clock.advance(10_000);
  const early = statusOf(world);
  await world.clock.advance(25_000);

  expect(early).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
  expect(statusOf(world)).toMatchObject({ readyReplicas: 1, availableReplicas: 1 });
});

test("a pod that is deleted is replaced", async () => {
  const world = await startTestCluster(1);
  await world.apply(deployment("web", 1));
  await world.clock.advance(2_000);
  const [before] = world.pods("web");

  await world.access.delete({ group: "", resource: "pods", namespace: "default", name: before?.metadata.name ?? "" });
  await world.clock.advance(2_000);

  const after = world.pods("web");
  expect(after).toHaveLength(1);
  expect(after[0]?.metadata.uid).not.toBe(before?.metadata.uid);
  expect(after[0]?.status?.phase).toBe("Running");
});
