import {
  type BranchRecord,
  type ClusterName,
  type Context,
  type InstanceId,
  isTorn,
  mendedTrunk,
  type Partition,
  type SubnetId,
  type SubnetProbeRecord,
  type TokenGrant,
  type Transaction,
  withWrites,
} from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";
import { loadProbes } from "./probes.ts";

/** One node as this worker sees it: the partition that it loaded, with everything that it has committed since. */
export interface View {
  readonly instanceId: InstanceId;
  readonly cluster: ClusterName;
  registration: Context["registration"];
  readonly grants: Map<string, TokenGrant>;
  /** Pods with several ENIs whose assignment was sent. */
  readonly told: Set<string>;
  partition: Partition;
  probes: ReadonlyMap<SubnetId, SubnetProbeRecord>;
  /** The last of the commits that change the trunk: they run one after the other, or all but one would conflict. */
  tail: Promise<unknown>;
}

/** Two loads of a torn partition are so far apart, milliseconds; then what they show is a fact. */
const tornRetryMilliseconds = 1_000;

/**
 * Loads a partition. A Query is not isolated from transactions: what contradicts itself is loaded again, and mended when it stays.
 */
export const loadPartition = async (dependencies: Dependencies, instanceId: InstanceId): Promise<Partition> => {
  const { ledger, clock } = dependencies;
  let partition = await ledger.load(instanceId);
  if (isTorn(partition)) partition = await ledger.load(instanceId);
  if (isTorn(partition)) {
    await clock.sleep(tornRetryMilliseconds);
    partition = await ledger.load(instanceId);
  }
  return { ...partition, trunk: mendedTrunk(partition) };
};

/** A first look at a node. Undefined: no queue and no record tells whose it is. */
export const openView = async (
  dependencies: Dependencies,
  instanceId: InstanceId,
  cluster: ClusterName | undefined,
): Promise<View | undefined> => {
  const partition = await loadPartition(dependencies, instanceId);
  const owner = cluster ?? partition.trunk?.cluster;
  if (owner === undefined) return undefined;
  const registration = await dependencies.ledger.get({ kind: "cluster", cluster: owner });
  const probes = await loadProbes(dependencies, partition);
  return {
    instanceId,
    cluster: owner,
    registration,
    grants: new Map(),
    told: new Set(),
    partition,
    probes,
    tail: Promise.resolve(),
  };
};

/** Loads the partition of a view again. */
export const reloadView = async (dependencies: Dependencies, view: View): Promise<void> => {
  view.partition = await loadPartition(dependencies, view.instanceId);
  view.probes = await loadProbes(dependencies, view.partition);
  if (view.registration?.breaker === undefined) return;
  view.registration = await dependencies.ledger.get({ kind: "cluster", cluster: view.cluster });
};

/** What a decision may know now. */
export const contextOf = (dependencies: Dependencies, view: View): Context => ({
  now: dependencies.clock.now(),
  settings: dependencies.settings,
  cluster: view.cluster,
  registration: view.registration,
  limits: dependencies.clusterLimits(view.cluster),
  grants: view.grants,
  probes: view.probes,
});

/** Commits and, on success, shows the writes in the view. */
export const commitTo = async (
  dependencies: Dependencies,
  view: View,
  writes: Transaction,
): Promise<"committed" | "conflict"> => {
  const result = await dependencies.ledger.commit(writes);
  if (result === "committed") show(view, writes);
  return result;
};

/** The view shows what it has committed, also where a claim wrote down that it probes (P16, P19). */
const show = (view: View, writes: Transaction): void => {
  view.partition = withWrites(view.partition, writes);
  for (const write of writes) {
    if (write.kind !== "put") continue;
    if (write.record.kind === "cluster") view.registration = write.record;
    if (write.record.kind === "subnet-probe") {
      view.probes = new Map([...view.probes, [write.record.subnetId, write.record]]);
    }
  }
};

/** Runs a task after all earlier ones of the view's trunk. */
export const inTurn = <Result>(view: View, task: () => Promise<Result>): Promise<Result> => {
  const turn = view.tail.then(task);
  view.tail = turn.catch(() => undefined);
  return turn;
};

/** Whether a transaction changes the trunk. */
export const touchesTrunk = (writes: Transaction): boolean =>
  writes.some((write) => write.kind === "put" && write.record.kind === "trunk");

/** The record that a branch has in the view. */
export const branchIn = (view: View, owner: string, index: number): BranchRecord | undefined =>
  view.partition.branches.find((branch) => branch.owner === owner && branch.index === index);
