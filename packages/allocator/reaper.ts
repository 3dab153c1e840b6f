import {
  type ClusterName,
  type Context,
  type EniFacts,
  expiredTombstones,
  type InstanceId,
  isFinished,
  isImplausible,
  isSnapshotOverdue,
  judgeEni,
  orphanVlanWrite,
  overdueMessages,
  type Partition,
  podsQuestion,
  putTrunk,
  type RecordKey,
  type SightingRecord,
  sightingClaim,
  sightingWrite,
  type TrunkRecord,
} from "@trunkline/core";
import { reportCall } from "./calls.ts";
import type { Dependencies } from "./dependencies.ts";
import { parallel } from "./parallel.ts";
import { serve } from "./serve.ts";
import { emptyPurse, takeToken } from "./tokens.ts";
import { loadPartition } from "./view.ts";

/** Pages of 1,000 ENIs that one run lists. */
const pagesMax = 10;
/** Pages of nodes that one run sweeps for each cluster. */
const nodePagesMax = 10;
/** Nodes that are looked at at the same time. */
const nodesAtOnce = 8;

export interface ReaperRun {
  /** Where the next run goes on; absent when everything was listed. */
  readonly continuation?: string | undefined;
}

/**
 * Finds what has no message: overdue records, instances that ended without a word, and ENIs of ours that nobody wants. EC2 is listed before the
 * ledger is read, so that an ENI whose record is being written is never taken for an orphan (P23, S16).
 */
export const reap = async (dependencies: Dependencies, run: ReaperRun = {}): Promise<ReaperRun> => {
  const listing = await listOurs(dependencies, run.continuation);
  if (run.continuation === undefined) {
    for (const cluster of dependencies.clusters) await sweepCluster(dependencies, cluster);
  }
  await reapOrphans(dependencies, listing.enis);
  if (run.continuation === undefined && listing.next === undefined) await countEnis(dependencies, listing.enis);
  return { continuation: listing.next };
};

/** Writes down how many ENIs each limited cluster has; the limit is soft, and checked against this count (P19). */
const countEnis = async (dependencies: Dependencies, enis: readonly EniFacts[]): Promise<void> => {
  const { ledger, clusters, clusterLimits } = dependencies;
  for (const cluster of clusters) {
    if (clusterLimits(cluster).enisMax === undefined) continue;
    const record = await ledger.get({ kind: "cluster", cluster });
    const eniCount = enis.filter((eni) => eni.cluster === cluster).length;
    if (record === undefined || record.eniCount === eniCount) continue;
    const next = { ...record, version: record.version + 1, eniCount };
    await ledger.commit([{ kind: "put", record: next, expect: [{ name: "version-is", version: record.version }] }]);
  }
};

interface Listing {
  readonly enis: readonly EniFacts[];
  readonly next?: string | undefined;
}

const listOurs = async (dependencies: Dependencies, from: string | undefined): Promise<Listing> => {
  const enis: EniFacts[] = [];
  let next = from;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    if (!(await mayCall(dependencies, "DescribeNetworkInterfaces"))) return { enis, next };
    const page = await dependencies.ec2.listOurs(next);
    await reportCall(dependencies, "DescribeNetworkInterfaces", page);
    if (!page.ok) return { enis, next };
    enis.push(...page.value.elements);
    next = page.value.next;
    if (next === undefined) return { enis };
  }
  return { enis, next };
};

const mayCall = async (
  dependencies: Dependencies,
  action: "DescribeNetworkInterfaces" | "DescribeInstances" | "DeleteNetworkInterface",
): Promise<boolean> => {
  const [cluster] = dependencies.clusters;
  if (cluster === undefined) return false;
  return (await takeToken(dependencies, emptyPurse(cluster, "background"), action)) === undefined;
};

const sweepCluster = async (dependencies: Dependencies, cluster: ClusterName): Promise<void> => {
  const registration = await dependencies.ledger.get({ kind: "cluster", cluster });
  let next: string | undefined;
  for (let pages = 0; pages < nodePagesMax; pages += 1) {
    const page = await dependencies.ledger.nodesOf(cluster, next);
    await parallel(page.elements, nodesAtOnce, async (instanceId) => {
      const context: Context = {
        now: dependencies.clock.now(),
        settings: dependencies.settings,
        cluster,
        registration,
        limits: dependencies.clusterLimits(cluster),
        grants: new Map(),
        probes: new Map(),
      };
      await sweepNode(dependencies, context, instanceId);
    });
    next = page.next;
    if (next === undefined) return;
  }
};

const sweepNode = async (dependencies: Dependencies, context: Context, instanceId: InstanceId): Promise<void> => {
  const partition = await loadPartition(dependencies, instanceId);
  const { trunk } = partition;
  // Conflicts are pods that were revived.
  for (const write of expiredTombstones(partition, context.now)) await dependencies.ledger.commit([write]);
  if (isFinished(partition)) {
    await forget(dependencies, partition, context.cluster);
    return;
  }
  if (trunk !== undefined && isSnapshotOverdue(trunk, context)) {
    const fate = await fateOf(dependencies, trunk, context);
    if (fate === "ended") {
      await endInstance(dependencies, instanceId);
      return;
    }
    const question = fate === "exists" ? podsQuestion(partition) : [];
    if (question.length > 0) await dependencies.outbox.send(question);
  }
  const overdue = overdueMessages(partition, context);
  dependencies.telemetry.count("Overdue", overdue.length);
  if (overdue.length > 0) await dependencies.outbox.send(overdue);
};

/** What EC2 says of a silent node. Not found counts twice, some time apart (P12). */
const fateOf = async (
  dependencies: Dependencies,
  trunk: TrunkRecord,
  { now, settings }: Context,
): Promise<"exists" | "ended" | "unclear"> => {
  if (!(await mayCall(dependencies, "DescribeInstances"))) return "unclear";
  const seen = await dependencies.ec2.describeInstance(trunk.instanceId);
  await reportCall(dependencies, "DescribeInstances", seen);
  if (!seen.ok) return "unclear";
  if (seen.value !== undefined) return seen.value.state === "terminated" ? "ended" : "exists";
  if (trunk.notFoundSince === undefined) {
    await dependencies.ledger.commit([putTrunk({ ...trunk, notFoundSince: now }, trunk)]);
    return "unclear";
  }
  return trunk.notFoundSince + settings.notFoundGraceSeconds * 1_000 <= now ? "ended" : "unclear";
};

const endInstance = async (dependencies: Dependencies, instanceId: InstanceId): Promise<void> => {
  const event = { type: "InstanceStateChanged", instanceId, state: "terminated" } as const;
  const message = { event, sentAt: dependencies.clock.now(), receiveCount: 1, messageId: `reaper-${instanceId}` };
  const failed = await serve(dependencies, [{ instanceId, cluster: undefined, messages: [message] }]);
  if (failed.length > 0) dependencies.telemetry.count("ReaperFailures", failed.length);
};

/** Removes the records of an instance that has ended; its tombstones expire by themselves. */
const forget = async (
  { ledger }: Dependencies,
  { trunk, instanceId }: Partition,
  cluster: ClusterName,
): Promise<void> => {
  if (trunk === undefined) return;
  await ledger.commit([
    { kind: "delete", key: { kind: "trunk", instanceId }, expect: [{ name: "version-is", version: trunk.version }] },
    { kind: "delete", key: { kind: "cluster-node", cluster, instanceId }, expect: [] },
  ]);
};

interface Suspect {
  readonly eni: EniFacts;
  readonly sighting: SightingRecord;
  readonly hasInstanceEnded: boolean;
}

const reapOrphans = async (dependencies: Dependencies, enis: readonly EniFacts[]): Promise<void> => {
  const { settings, telemetry } = dependencies;
  const groups = [...Map.groupBy(enis, ({ instanceId }) => instanceId)];
  const found = await parallel(groups, nodesAtOnce, ([instanceId, group]) =>
    instanceId === undefined ? Promise.resolve([]) : suspectsOf(dependencies, instanceId, group),
  );
  const suspects = found.flat();
  // An ended instance is proof enough; only what looks orphaned on living ones can be a mistake of ours.
  const doubtful = suspects.filter(({ hasInstanceEnded }) => !hasInstanceEnded);
  const isStopped = isImplausible(doubtful.length, enis.length, settings);
  if (isStopped) {
    telemetry.count("ReaperStopped", 1);
    telemetry.note("error", "So many ENIs look orphaned that none on a living instance is deleted.", {
      suspects: doubtful.length,
      enis: enis.length,
    });
  }
  const condemned = suspects.filter(({ hasInstanceEnded }) => hasInstanceEnded || !isStopped);
  for (const suspect of condemned.slice(0, settings.reaperDeletionsMax)) await deleteOrphan(dependencies, suspect);
};

/** Judges the ENIs of one instance, and writes first sightings down. */
const suspectsOf = async (
  dependencies: Dependencies,
  instanceId: InstanceId,
  enis: readonly EniFacts[],
): Promise<readonly Suspect[]> => {
  const { ledger, clock, settings } = dependencies;
  const partition = await loadPartition(dependencies, instanceId);
  const suspects: Suspect[] = [];
  let hasInstanceEnded = partition.trunk?.status === "gone";
  let isAsked = hasInstanceEnded;
  for (const eni of enis) {
    const evidence = { eni, partition, now: clock.now(), settings };
    const first = judgeEni({ ...evidence, sighting: undefined, hasInstanceEnded });
    if (first !== "sighted") continue;
    if (!isAsked) {
      hasInstanceEnded = await isInstanceGone(dependencies, instanceId);
      isAsked = true;
    }
    const key: Extract<RecordKey, { kind: "sighting" }> = { kind: "sighting", eniId: eni.eniId };
    const sighting = await ledger.get<"sighting">(key);
    if (sighting === undefined) await ledger.commit([sightingWrite(evidence)]);
    else if (judgeEni({ ...evidence, sighting, hasInstanceEnded }) === "orphan") {
      suspects.push({ eni, sighting, hasInstanceEnded });
    }
  }
  return suspects;
};

const isInstanceGone = async (dependencies: Dependencies, instanceId: InstanceId): Promise<boolean> => {
  if (!(await mayCall(dependencies, "DescribeInstances"))) return false;
  const seen = await dependencies.ec2.describeInstance(instanceId);
  await reportCall(dependencies, "DescribeInstances", seen);
  return seen.ok && seen.value?.state === "terminated";
};

/** Deletes an ENI that was seen twice: claim the sighting, read the ledger once more, delete, free its VLAN ID (P23). */
const deleteOrphan = async (
  dependencies: Dependencies,
  { eni, sighting, hasInstanceEnded }: Suspect,
): Promise<void> => {
  const { ledger, ec2, clock, settings, telemetry } = dependencies;
  if (eni.instanceId === undefined || !(await mayCall(dependencies, "DeleteNetworkInterface"))) return;
  if ((await ledger.commit([sightingClaim(sighting)])) === "conflict") return;
  const partition = await loadPartition(dependencies, eni.instanceId);
  if (judgeEni({ eni, partition, sighting, hasInstanceEnded, now: clock.now(), settings }) !== "orphan") return;
  const deleted = await ec2.deleteEni(eni.eniId);
  await reportCall(dependencies, "DeleteNetworkInterface", deleted);
  if (!deleted.ok && deleted.failure.remedy !== "not-found") return;
  telemetry.count("OrphansDeleted", 1);
  const vlan = orphanVlanWrite(eni, partition);
  if (vlan !== undefined) await ledger.commit([vlan]);
  await ledger.commit([{ kind: "delete", key: { kind: "sighting", eniId: eni.eniId }, expect: [] }]);
};
