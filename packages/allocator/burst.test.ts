import { branded, type InstanceId } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import {
  addInstance,
  assignedPods,
  createInMemoryPacer,
  createTestWorld,
  nodeObserved,
  podObserved,
} from "./testing/index.ts";

const nodes = 34;
const pods = 300;

describe("300 pods on 34 nodes at once", () => {
  it("all get their ENI at the account's rate, and none is wasted", async () => {
    const world = createTestWorld({}, createInMemoryPacer);
    const instances = Array.from({ length: nodes }, (_, number) =>
      branded<InstanceId>(`i-${String(number).padStart(17, "0")}`),
    );
    for (const instanceId of instances) {
      addInstance(world, instanceId);
      world.send(nodeObserved(instanceId));
    }
    await world.run(120);
    const created = world.ec2.calls.filter((action) => action === "CreateNetworkInterface").length;
    const beganAt = world.clock.now();

    for (let number = 0; number < pods; number += 1) {
      world.send(podObserved(number, {}, { instanceId: instances[number % nodes] as InstanceId }));
    }
    let seconds = 0;
    for (; seconds < 300 && new Set(assignedPods(world)).size < pods; seconds += 5) await world.run(5);

    expect(new Set(assignedPods(world)).size).toBe(pods);
    expect(world.ec2.branches()).toHaveLength(pods);
    expect(world.ec2.calls.filter((action) => action === "CreateNetworkInterface").length - created).toBe(pods);
    // 300 associations at 5 a second, less a full bucket.
    expect(world.clock.now() - beganAt).toBeLessThanOrEqual(80_000);
    expect(world.pending().filter(({ to }) => to === "pod-events")).toEqual([]);
    const copies = world.outbox.sent.filter(({ envelope }) => envelope.to === "pod-events");
    const byPod = Map.groupBy(copies, ({ envelope }) =>
      JSON.stringify("pod" in envelope.body ? envelope.body.pod : ""),
    );
    expect(byPod.size).toBeGreaterThan(pods - 60);
    // One copy for a pod that waits for its turn, so two messages in all: no polling.
    expect(Math.max(...[...byPod.values()].map(({ length }) => length))).toBeLessThanOrEqual(1);
  });
});
