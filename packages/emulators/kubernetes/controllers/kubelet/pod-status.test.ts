import { expect, test } from "vitest";
import { pod, startTestCluster } from "../testing/world.ts";

test.each([
  ["nginx", "docker.io/library/nginx:latest"],
  ["nginx:1.29", "docker.io/library/nginx:1.29"],
  ["curlimages/curl", "docker.io/curlimages/curl:latest"],
  ["public.ecr.aws/nginx/nginx:1.23", "public.ecr.aws/nginx/nginx:1.23"],
  ["localhost:5000/web", "localhost:5000/web:latest"],
])("the image %s is pulled as %s", async (image, imageID) => {
  const { apply, clock, pods } = await startTestCluster(1);

  await apply(pod("a", { image }));
  await clock.advance(1_000);

  expect(pods("a")[0]?.status?.containerStatuses).toMatchObject([{ image, imageID }]);
});

test.each([
  [{}, "BestEffort"],
  [{ limits: { "vpc.amazonaws.com/pod-eni": "1" } }, "BestEffort"],
  [{ requests: { cpu: "100m" } }, "Burstable"],
  [{ limits: { cpu: "1", memory: "1Gi" } }, "Guaranteed"],
  [{ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } }, "Burstable"],
])("with %j the quality of service is %s", async (resources, qosClass) => {
  const { apply, clock, pods } = await startTestCluster(1);

  await apply(pod("a", { resources }, { nodeName: "node-1" }));
  await clock.advance(1_000);

  expect(pods("a")[0]?.status?.qosClass).toBe(qosClass);
});

test("init containers have succeeded once the sandbox is there, and are waited for before", async () => {
  const { apply, clock, network, pods } = await startTestCluster(1);
  const { assignSecondaryAddress } = network;
  network.assignSecondaryAddress = () => ({ error: "none" });
  await apply(pod("a", {}, { initContainers: [{ name: "prepare", image: "busybox" }] }));
  await clock.advance(500);
  const before = pods("a")[0]?.status;

  network.assignSecondaryAddress = assignSecondaryAddress;
  await clock.advance(16_000);

  const initialized = (status: typeof before) => status?.conditions?.find(({ type }) => type === "Initialized");
  expect(before?.initContainerStatuses).toMatchObject([{ state: { waiting: { reason: "PodInitializing" } } }]);
  expect(initialized(before)).toMatchObject({ status: "False", reason: "ContainersNotInitialized" });
  expect(pods("a")[0]?.status?.initContainerStatuses).toMatchObject([{ state: { terminated: { exitCode: 0 } } }]);
  expect(initialized(pods("a")[0]?.status)).toMatchObject({ status: "True" });
});
