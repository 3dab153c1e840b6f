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
