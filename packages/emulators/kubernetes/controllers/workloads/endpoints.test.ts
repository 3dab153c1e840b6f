import { expect, test } from "vitest";
import type { KubernetesObject } from "../../ports.ts";
import type { Pod, Service } from "../objects.ts";
import { deployment, pod, startTestCluster, type TestWorld } from "../testing/world.ts";
import { endpointsOf, targetPort } from "./service-endpoints.ts";

function service(name: string, spec: object): KubernetesObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace: "default" }, spec };
}

function addresses({ api }: TestWorld): string[] {
  const [slice] = api.all("endpointslices");
  const endpoints = (slice?.endpoints ?? []) as { addresses: string[]; conditions: { ready: boolean } }[];
  return endpoints.flatMap((endpoint) => (endpoint.conditions.ready ? endpoint.addresses : []));
}

test("the slice of a Service lists its ready pods and follows them", async () => {
  const world = await startTestCluster(1);
  await world.apply(
    service("web", { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] }),
    deployment("web", 2),
    deployment("other", 1),
  );

  await world.clock.advance(2_000);
  const two = addresses(world);
  const name = world.pods("web")[0]?.metadata.name ?? "";
  const gone = world.pods("web")[0]?.status?.podIP;
  await world.access.delete({ group: "", resource: "pods", namespace: "default", name });
  await world.clock.advance(10);
  const ending = addresses(world);

  expect(two).toHaveLength(2);
  expect(ending).toEqual(two.filter((address) => address !== gone));
  expect(world.api.all("endpointslices")[0]).toMatchObject({
    ports: [{ port: 8080, protocol: "TCP" }],
    metadata: { labels: { "kubernetes.io/service-name": "web" } },
  });
  expect(world.api.all("endpoints")[0]).toMatchObject({ metadata: { name: "web" } });
});

test("a pod that is not ready is listed as such", async () => {
  const world = await startTestCluster(1);
  await world.apply(
    service("web", { selector: { app: "web" }, ports: [{ port: 80 }] }),
    deployment("web", 1, { readinessProbe: { tcpSocket: { port: 81 } } }),
  );

  await world.clock.advance(2_000);

  expect(addresses(world)).toEqual([]);
  expect(world.api.all("endpoints")[0]).toMatchObject({ subsets: [{ notReadyAddresses: [{ ip: "10.0.1.1" }] }] });
});

test("the endpoints go with their Service", async () => {
  const world = await startTestCluster(1);
  await world.apply(service("web", { selector: { app: "web" }, ports: [{ port: 80 }] }));
  await world.clock.advance(1_000);

  await world.access.delete({ group: "", resource: "services", namespace: "default", name: "web" });
  await world.clock.advance(1_000);

  expect([...world.api.all("endpoints"), ...world.api.all("endpointslices")]).toEqual([]);
  expect(world.errors).toEqual([]);
});

test("a Service without a selector has no endpoints of its own", () => {
  const stored = service("external", { ports: [{ port: 80 }] }) as Service;

  expect(endpointsOf(stored, [pod("web") as Pod])).toEqual([]);
});

test("a target port is found by its name in the pod", () => {
  const web = pod("web", { ports: [{ name: "http", containerPort: 8080 }] }) as Pod;

  expect(targetPort({ port: 80, targetPort: "http" }, web)).toBe(8080);
  expect(targetPort({ port: 80, targetPort: "https" }, web)).toBeUndefined();
  expect(targetPort({ port: 80 }, web)).toBe(80);
});
