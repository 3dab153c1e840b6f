import type { BranchRecord, ClusterRegistered, Settings } from "@trunkline/core";
import {
  addInstance,
  createTestWorld,
  nodeObserved,
  podObserved,
  podUid,
  type TestWorld,
  testIncarnation,
  testInstance,
} from "./world.ts";

/** A world with one node whose trunk is ready. */
export const readyWorld = async (changes: Partial<Settings> = {}): Promise<TestWorld> => {
  const world = createTestWorld(changes);
  addInstance(world);
  world.send(nodeObserved());
  await world.run(5);
  return world;
};

/** Sends so many pods to the node. */
export const fill = async (world: TestWorld, pods: number): Promise<void> => {
  for (let number = 1; number <= pods; number += 1) world.send(podObserved(number));
  await world.run(1);
};

/** The first record of a pod, or of any other owner. */
export const branchOf = async (world: TestWorld, owner: number | string): Promise<BranchRecord | undefined> => {
  const wanted = typeof owner === "number" ? podUid(owner) : owner;
  return (await world.ledger.load(testInstance)).branches.find((branch) => branch.owner === wanted);
};

/** Pods that were told their ENIs, in the order of the messages. */
export const assignedPods = (world: TestWorld): readonly string[] =>
  world.outbox.outcomes().flatMap((outcome) => (outcome.type === "PodEniAssigned" ? [outcome.podUid] : []));

/** The cluster introduces itself. */
export const registered = (changes: Partial<ClusterRegistered> = {}): ClusterRegistered => ({
  type: "ClusterRegistered",
  incarnation: testIncarnation,
  cooldownSeconds: 60,
  forwarderVersion: "0.1.0",
  groupSets: [["sg-0000000000000000a"]],
  ...changes,
});
