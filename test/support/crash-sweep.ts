import type { NetworkInterface } from "@aws-sdk/client-ec2";
import type { InstanceId, PodEniAssigned } from "@trunkline/core";
import { tagKeys } from "@trunkline/ec2";
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
 * Plays a scenario once as it is, then twice for every call that its worker made: killed before the call, and after it.
 *
 * @returns how many points were swept. What runs at the same time may once need a call less: a last point that is then never reached does
 * not count.
 * @throws Error that names the call at which the scenario broke.
 */
export async function sweep<Scene>(world: CrashWorld, scenario: CrashScenario<Scene>): Promise<number> {
  const { calls } = await play(world, scenario);
  let swept = 0;
  for (let nth = 1; nth <= calls.length; nth += 1) {
    for (const phase of ["before", "after"] as const) {
      const worker = await play(world, scenario, { nth, phase });
      if (worker.isDead) swept += 1;
      else if (worker.calls.length >= nth) throw new Error(`The worker survived its end ${phase} call ${nth}.`);
    }
  }
  return swept;
}

async function play<Scene>(world: CrashWorld, scenario: CrashScenario<Scene>, crash?: CrashPoint): Promise<Worker> {
  const scene = await scenario.prepare();
  const worker = world.hire(crash);
  try {
    await scenario.act(scene);
    world.hire();
    await scenario.assess(scene);
    await scenario.end(scene);
  } catch (cause) {
    const where = crash === undefined ? "not killed" : `killed ${crash.phase} call ${crash.nth}`;
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${where} (${worker.calls.join(" ")}): ${what}`, { cause });
  }
  return worker;
}

/**
 * Asserts that the pod has so many ENIs on the instance and that nobody else has any: in EC2, in the ledger, in what was told, and in the
 * pod's annotation.
 *
 * @returns the ENIs' IDs.
 */
export async function expectEnis(
  world: CrashWorld,
  { instanceId, pod, count }: { instanceId: InstanceId; pod: CrashPod; count: number },
): Promise<readonly string[]> {
  const { networkInterfaces, associations } = world.ec2.model().state();
  const branches = networkInterfaces.filter(isBranch);
  expect(branches).toHaveLength(count);
  expect(associations).toHaveLength(count);
  expect(new Set(associations.map(({ VlanId }) => VlanId)).size).toBe(count);
  const told = world.outcomes.filter(
    (outcome): outcome is PodEniAssigned => outcome.type === "PodEniAssigned" && outcome.podUid === pod.uid,
  );
  expect(told.length).toBeGreaterThan(0);
  for (const outcome of told) expect(outcome).toEqual(told[0]);
  const annotation = readPodEnis((await world.cluster.annotationOf(pod)) ?? "[]");
  expect(annotation).toEqual(told[0]?.enis);
  const truth = branches.map((branch) => {
    const association = associations.find(({ BranchInterfaceId }) => BranchInterfaceId === branch.NetworkInterfaceId);
    return {
      eniId: branch.NetworkInterfaceId,
      ifAddress: branch.MacAddress,
      privateIp: branch.PrivateIpAddress,
      vlanId: association?.VlanId,
      associationID: association?.AssociationId,
    };
  });
  expect(annotation).toHaveLength(count);
  expect(annotation).toEqual(expect.arrayContaining(truth.map((one) => expect.objectContaining(one))));
  await expectRecords(world, { instanceId, pod, eniIds: truth.map(({ eniId }) => String(eniId)) });
  return truth.map(({ eniId }) => String(eniId));
}

async function expectRecords(
  world: CrashWorld,
  { instanceId, pod, eniIds }: { instanceId: InstanceId; pod: CrashPod; eniIds: readonly string[] },
): Promise<void> {
  const { trunk, branches } = await world.load(instanceId);
  const living = branches.filter(({ status }) => status !== "gone");
  expect(living.map(({ status, owner }) => ({ status, owner }))).toEqual(
    eniIds.map(() => ({ status: "associated", owner: pod.uid })),
  );
  expect(living.map((branch) => "eni" in branch && branch.eni?.eniId).toSorted()).toEqual(eniIds.toSorted());
  expect(trunk).toMatchObject({ status: "ready", held: eniIds.length });
  expect(bitsOf(trunk?.vlans)).toBe(eniIds.length);
}

/** An ENI of ours that is no trunk. EC2 calls it a branch only once it is associated, so its type does not tell. */
const isBranch = ({ TagSet = [], InterfaceType }: NetworkInterface): boolean =>
  InterfaceType !== "trunk" && TagSet.some(({ Key }) => Key === tagKeys.owner);

/** Asserts that neither EC2 nor the ledger nor a queue remembers a branch. */
export async function expectNoEni(world: CrashWorld, instanceId: InstanceId): Promise<void> {
  const { networkInterfaces, associations } = world.ec2.model().state();
  expect(networkInterfaces.filter(isBranch)).toEqual([]);
  expect(associations).toEqual([]);
  const { trunk, branches } = await world.load(instanceId);
  expect(branches.filter(({ status }) => status !== "gone")).toEqual([]);
  expect(trunk).toMatchObject({ status: "ready", held: 0 });
  expect(bitsOf(trunk?.vlans)).toBe(0);
  expect(world.queues.left()).toEqual([]);
}

const bitsOf = (vlans = ""): number => BigInt(`0x${vlans}`).toString(2).replaceAll("0", "").length;
