import { expect, test } from "vitest";
import { POD_ENI } from "./kubelet/pod-eni.ts";
import { deployment, startTestCluster } from "./testing/world.ts";

const NODES = 34;
const PODS = 300;
const BUDGET_MS = 10_000;

test("300 pods with branches on 34 nodes run within seconds of real time, with few requests for each", async () => {
  const world = await startTestCluster(NODES);
  const { access, api, clock } = world;
  const env = [{ name: "ENABLE_POD_ENI", value: "true" }];
  const containers = [{ name: "aws-node", image: "amazon-k8s-cni", env }];
  const awsNode = { group: "apps", resource: "daemonsets", namespace: "kube-system", name: "aws-node" };
  await access.patch(awsNode, { type: "merge", body: { spec: { template: { spec: { containers } } } } });
  for (const { metadata } of api.all("nodes")) {
    const body = { status: { capacity: { [POD_ENI]: "9" } } };
    const ref = { group: "", resource: "nodes", name: metadata.name ?? "" };
    await access.patch(ref, { type: "merge", body, subresource: "status" });
  }
  await clock.advance(30_000);
  let annotated = 0;
  access.watch({ group: "", resource: "pods" }, ({ object }) => {
    const { nodeName } = object.spec as { nodeName?: string };
    const { name = "", namespace = "", annotations, labels } = object.metadata;
    if (nodeName === undefined || annotations?.[POD_ENI] !== undefined || labels?.app !== "web") return;
    annotated += 1;
    const privateIp = `10.1.${annotated >> 8}.${annotated & 255}`;
    const branch = [{ eniId: "eni", ifAddress: "0a", privateIp, vlanId: 1, subnetCidr: "10.0.0.0/8" }];
    const body = { metadata: { annotations: { [POD_ENI]: JSON.stringify(branch) } } };
    clock.schedule(
      500,
      () => void access.patch({ group: "", resource: "pods", namespace, name }, { type: "merge", body }),
    );
  });
  const requestsBefore = api.requests.length;
  const startedMs = performance.now();

  await world.apply(deployment("web", PODS, { resources: { limits: { [POD_ENI]: "1" } } }));
  await clock.advance(10_000);

  const tookMs = performance.now() - startedMs;
  const running = world.pods("web").filter(({ status }) => status?.phase === "Running");
  const perNode = new Map<string, number>();
  for (const { spec } of running) perNode.set(spec.nodeName ?? "", (perNode.get(spec.nodeName ?? "") ?? 0) + 1);
  expect(running).toHaveLength(PODS);
  expect(Math.max(...perNode.values())).toBeLessThanOrEqual(9);
  expect(tookMs).toBeLessThan(BUDGET_MS);
  expect((api.requests.length - requestsBefore) / PODS).toBeLessThan(20);
});
