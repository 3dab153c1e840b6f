import type { InstanceId, PodEniAssigned } from "@trunkline/core";
import { readPodEnis } from "@trunkline/kubernetes";
import { expect } from "vitest";
import type { CrashPod } from "./crash-cluster.ts";
import type { CrashPoint, Worker } from "./crash-worker.ts";
import type { CrashWorld } from "./crash-world.ts";

/** What is swept: the worker is killed at every call of `act`. */
export interface CrashScenario<Scene> {
  /** Prepares the scene, whose messages the worker has not seen yet. */
  prepare(): Promise<Scene>;
  /** What the worker does that is killed on the way, and all redeliveries. */
  act(scene: Scene): Promise<void>;
  /** What must hold then. */
  assess(scene: Scene): Promise<void>;
  /** Ends everything, and assesses that nothing is left. */
  end(scene: Scene): Promise<void>;
}

/**
 * Plays a scenario once as it is, then once for every call that its worker made, killed before the call and after it.
 *
 * @returns how many points were swept.
 * @throws Error that names the call at which the scenario broke.
 */
export async function sweep<Scene>(world: CrashWorld, scenario: CrashScenario<Scene>): Promise<number> {
  const { calls } = await play(world, scenario);
  const points = calls.flatMap((call, index) =>
    (["before", "after"] as const).map((phase) => ({ call, crash: { nth: index + 1, phase } })),
  );
  for (const { call, crash } of points) {
    const where = `killed ${crash.phase} call ${crash.nth} of ${calls.length}, ${call}`;
    const worker = await play(world, scenario, crash).catch((cause: unknown) => {
      throw new Error(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    });
    if (!worker.isDead) throw new Error(`${where}: never reached`);
  }
  return points.length;
}

async function play<Scene>(world: CrashWorld, scenario: CrashScenario<Scene>, crash?: CrashPoint): Promise<Worker> {
  const scene = await scenario.prepare();
  const worker = world.hire(crash);
  await scenario.act(scene);
  world.hire();
  await scenario.assess(scene);
  await scenario.end(scene);
  return worker;
}

/** Asserts that the pod has one ENI on the instance and that nobody else has any: in EC2, the ledger and the cluster. */
export async function expectOneEni(world: CrashWorld, instanceId: InstanceId, pod: CrashPod): Promise<string> {
  const { networkInterfaces, associations } = world.ec2.model().state();
  const branches = networkInterfaces.filter(({ InterfaceType }) => InterfaceType === "branch");
  expect(branches).toHaveLength(1);
  expect(associations).toHaveLength(1);
  const [branch] = branches;
  const [association] = associations;
  expect(association?.BranchInterfaceId).toBe(branch?.NetworkInterfaceId);
  const told = world.outcomes.filter(
    (outcome): outcome is PodEniAssigned => outcome.type === "PodEniAssigned" && outcome.podUid === pod.uid,
  );
  expect(told.length).toBeGreaterThan(0);
  for (const outcome of told) expect(outcome).toEqual(told[0]);
  const annotation = readPodEnis((await world.cluster.annotationOf(pod)) ?? "[]");
  expect(annotation).toEqual(told[0]?.enis);
  expect(annotation).toMatchObject([
    {
      eniId: branch?.NetworkInterfaceId,
      vlanId: association?.VlanId,
      associationID: association?.AssociationId,
      ifAddress: branch?.MacAddress,
      privateIp: branch?.PrivateIpAddress,
    },
  ]);
  const { trunk, branches: records } = await world.load(instanceId);
  expect(records.filter(({ status }) => status !== "gone")).toMatchObject([
    { status: "associated", owner: pod.uid, eni: { eniId: branch?.NetworkInterfaceId }, vlanId: association?.VlanId },
  ]);
  expect(trunk).toMatchObject({ trunkEniId: association?.TrunkInterfaceId, held: 1 });
  expect(bitsOf(trunk?.vlans)).toBe(1);
  return String(branch?.NetworkInterfaceId);
}

/** Asserts that neither EC2 nor the ledger nor a queue remembers a branch. */
export async function expectNoEni(world: CrashWorld, instanceId: InstanceId): Promise<void> {
  const { networkInterfaces, associations } = world.ec2.model().state();
  expect(networkInterfaces.filter(({ InterfaceType }) => InterfaceType === "branch")).toEqual([]);
  expect(associations).toEqual([]);
  const { trunk, branches } = await world.load(instanceId);
  expect(branches.filter(({ status }) => status !== "gone")).toEqual([]);
  expect(trunk).toMatchObject({ status: "ready", held: 0 });
  expect(bitsOf(trunk?.vlans)).toBe(0);
  expect(world.queues.left()).toEqual([]);
}

const bitsOf = (vlans = ""): number => BigInt(`0x${vlans}`).toString(2).replaceAll("0", "").length;
