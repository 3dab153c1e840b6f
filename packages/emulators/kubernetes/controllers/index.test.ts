import { expect, test } from "vitest";
import type { Deployment } from "./objects.ts";
import { deployment, startTestCluster } from "./testing/world.ts";

test("a Deployment becomes running pods with addresses, spread over the nodes", async () => {
  const { clock, pods, api, apply, errors, network, controllers } = await startTestCluster(2);

  await apply(deployment("web", 4));
  await clock.advance(1_000);

  const running = pods("web");
  expect(errors).toEqual([]);
  expect(running.map(({ status }) => status?.phase)).toEqual(["Running", "Running", "Running", "Running"]);
  expect(new Set(running.map(({ status }) => status?.podIP))).toEqual(new Set(network.assigned));
  expect(running.filter(({ spec }) => spec.nodeName === "node-1")).toHaveLength(2);
  expect(api.all<Deployment>("deployments")[0]?.status).toMatchObject({ availableReplicas: 4, updatedReplicas: 4 });
  await controllers.stop();
});

test("controllers that are stopped leave no timer, no address and no watch behind", async () => {
  const { clock, apply, network, controllers, pods } = await startTestCluster(2);
  const env = [
    { name: "HOST", value: "10.0.9.9" },
    { name: "DBNAME", value: "shop" },
  ];
  await apply(deployment("web", 2, { readinessProbe: { tcpSocket: { port: 80 } }, env }));
  await clock.advance(1_000);

  await controllers.stop();
  await apply(deployment("late", 2));
  await clock.advance(60_000);

  expect(clock.waiting()).toBe(0);
  expect(network.assigned).toEqual([]);
  expect(pods("late")).toEqual([]);
});
