import { expect, test } from "vitest";
import type { KubernetesObject } from "../../ports.ts";
import type { Job } from "../objects.ts";
import { startTestCluster, type TestWorld } from "../testing/world.ts";
import { isOver } from "./job-plan.ts";

function job(spec: object, command: string[]): KubernetesObject {
  const containers = [{ name: "work", image: "busybox", command }];
  const template = { spec: { restartPolicy: "Never", containers } };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "work", namespace: "default" },
    spec: { template, ...spec },
  };
}

function statusOf({ api }: TestWorld) {
  return api.all<Job>("jobs")[0]?.status;
}

test("a Job runs its pods at most `parallelism` at a time and completes", async () => {
  const world = await startTestCluster(2);
  await world.apply(job({ completions: 3, parallelism: 2 }, ["sh", "-c", "sleep 5"]));

  await world.clock.advance(3_000);
  const during = statusOf(world);
  await world.clock.advance(20_000);

  expect(during).toMatchObject({ active: 2, ready: 2, succeeded: 0 });
  expect(statusOf(world)).toMatchObject({
    active: 0,
    succeeded: 3,
    conditions: [{ type: "SuccessCriteriaMet" }, { type: "Complete", status: "True" }],
  });
  expect(world.pods("work").map(({ status }) => status?.phase)).toEqual(Array(3).fill("Succeeded"));
  expect(world.events("Completed")).toMatchObject([{ message: "Job completed", about: "work" }]);
});

test("the pods of a Job give their addresses back when they complete", async () => {
  const world = await startTestCluster(1);
  await world.apply(job({ completions: 2, parallelism: 2 }, ["sleep", "5"]));

  await world.clock.advance(3_000);
  const during = world.network.assigned.length;
  await world.clock.advance(5_000);

  expect([during, world.network.assigned.length]).toEqual([2, 0]);
  expect(world.pods("work")[0]?.status?.podIP).toMatch(/^10\.0\.1\./);
});

test("a Job whose pods fail gives up after its limit", async () => {
  const world = await startTestCluster(1);
  await world.apply(job({ completions: 1, parallelism: 1, backoffLimit: 2 }, ["sh", "-c", "exit 3"]));

  await world.clock.advance(30_000);

  expect(statusOf(world)).toMatchObject({ failed: 3, succeeded: 0 });
  expect(statusOf(world)?.conditions?.at(-1)).toMatchObject({ type: "Failed", reason: "BackoffLimitExceeded" });
  expect(world.pods("work").map(({ status }) => status?.phase)).toEqual(Array(3).fill("Failed"));
});

test("deleting a pod that succeeded does not run the work again", async () => {
  const world = await startTestCluster(1);
  await world.apply(job({ completions: 1, parallelism: 1 }, ["true"]));
  await world.clock.advance(5_000);

  const name = world.pods("work")[0]?.metadata.name ?? "";
  await world.access.delete({ group: "", resource: "pods", namespace: "default", name });
  await world.clock.advance(5_000);

  expect(world.pods("work")).toEqual([]);
  expect(statusOf(world)).toMatchObject({ succeeded: 1, active: 0 });
});

test("a suspended Job starts nothing", async () => {
  const world = await startTestCluster(1);

  await world.apply(job({ completions: 1, parallelism: 1, suspend: true }, ["true"]));
  await world.clock.advance(5_000);

  expect(world.pods("work")).toEqual([]);
  const [stored] = world.api.all<Job>("jobs");
  expect(stored !== undefined && isOver(stored)).toBe(false);
});

test("a Job with a time to live goes after it, with its pods", async () => {
  const world = await startTestCluster(1);
  await world.apply(job({ completions: 1, parallelism: 1, ttlSecondsAfterFinished: 30 }, ["true"]));

  await world.clock.advance(20_000);
  const during = world.api.all("jobs").length;
  await world.clock.advance(20_000);

  expect([during, world.api.all("jobs").length]).toEqual([1, 0]);
  expect(world.pods("work")).toEqual([]);
});
