import {
  type ClusterName,
  type Context,
  doubtedTrunk,
  expiredTombstones,
  type InstanceId,
  isFinished,
  isOnInstance,
  isSnapshotOverdue,
  type Look,
  missingSteps,
  nodeLookAt,
  overdueMessages,
  type Partition,
  podsQuestion,
  putTrunk,
  type TrunkRecord,
} from "@trunkline/core";
import { reportCall } from "./calls.ts";
import type { Dependencies } from "./dependencies.ts";
import { parallel } from "./parallel.ts";
import { serve } from "./serve.ts";
import { mayCall } from "./tokens.ts";
import { loadPartition } from "./view.ts";

/** Pages of nodes that one run sweeps for each cluster. */
const nodePagesMax = 10;
/** Nodes that are looked at at the same time. */
const nodesAtOnce = 8;

/**
 * Sweeps the nodes of a cluster for what has no message.
 *
 * @param listed every ENI of ours as EC2 showed them before; undefined when the listing is not complete
 */
export const sweepCluster = async (
  dependencies: Dependencies,
  cluster: ClusterName,
  listed: Look | undefined,
): Promise<void> => {
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
      await sweepNode(dependencies, context, instanceId, listed);
    });
    next = page.next;
    if (next === undefined) return;
  }
};

const sweepNode = async (
  dependencies: Dependencies,
  context: Context,
  instanceId: InstanceId,
  listed: Look | undefined,
): Promise<void> => {
  const partition = await loadPartition(dependencies, instanceId);
  const { trunk } = partition;
  // Conflicts are pods that were revived.
  for (const write of expiredTombstones(partition, context.now)) await dependencies.ledger.commit([write]);
  if (isFinished(partition)) {
    await forget(dependencies, partition, context.cluster);
    return;
  }
  const isDoubted = trunk?.eniMissingSince !== undefined;
  if (trunk !== undefined && listed !== undefined) {
    await doubtTrunk(dependencies, context, trunk, listed.enis);
    await reportMissing(dependencies, context, partition, listed);
  }
  if (trunk !== undefined && (isDoubted || isSnapshotOverdue(trunk, context))) {
    const fate = await fateOf(dependencies, trunk, context);
    if (fate === "ended") {
      await endInstance(dependencies, instanceId);
      return;
    }
    const question = fate === "exists" && isSnapshotOverdue(trunk, context) ? podsQuestion(partition) : [];
    if (question.length > 0) await dependencies.outbox.send(question);
  }
  const overdue = overdueMessages(partition, context);
  dependencies.telemetry.count("Overdue", overdue.length);
  if (overdue.length > 0) await dependencies.outbox.send(overdue);
};

/** What EC2 says of a silent node. Not found counts twice in a row, some time apart (P12). */
const fateOf = async (
  dependencies: Dependencies,
  trunk: TrunkRecord,
  { now, settings }: Context,
): Promise<"exists" | "ended" | "unclear"> => {
  if (!(await mayCall(dependencies, "DescribeInstances"))) return "unclear";
  const seen = await dependencies.ec2.describeInstance(trunk.instanceId);
  await reportCall(dependencies, "DescribeInstances", seen);
  if (!seen.ok) return "unclear";
  if (seen.value !== undefined) {
    // It was only hidden for a moment: the next time that it is not found counts as the first.
    if (trunk.notFoundSince !== undefined) {
      await dependencies.ledger.commit([putTrunk({ ...trunk, notFoundSince: undefined }, trunk)]);
    }
    return seen.value.state === "terminated" ? "ended" : "exists";
  }
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

/** A ready trunk whose ENI the listing does not show in its place is doubted, and looked for again when that has lasted (P13). */
const doubtTrunk = async (
  { ledger, outbox, telemetry }: Dependencies,
  { now, settings }: Context,
  trunk: TrunkRecord,
  listed: Look["enis"],
): Promise<void> => {
  const { trunkEniId } = trunk;
  const doubted = doubtedTrunk(trunk, now);
  if (doubted === undefined || trunkEniId === undefined || isOnInstance(listed.get(trunkEniId), trunk)) return;
  if ((await ledger.commit([putTrunk(doubted, trunk)])) === "conflict") return;
  telemetry.count("TrunksDoubted", 1);
  await outbox.send([nodeLookAt(trunk, now + settings.notFoundGraceSeconds * 1_000, now)]);
};

/**
 * Branches that somebody deleted or disassociated by hand are doubted, and reported to their pods when that has lasted (P07). The branches of a
 * trunk ENI that is not in its place share its fate.
 */
const reportMissing = async (
  { ledger, outbox, telemetry }: Dependencies,
  context: Context,
  partition: Partition,
  listed: Look,
): Promise<void> => {
  const { trunk } = partition;
  if (trunk?.trunkEniId === undefined || !isOnInstance(listed.enis.get(trunk.trunkEniId), trunk)) return;
  for (const { writes, envelopes } of missingSteps(partition, listed, context)) {
    // Told before it is written down: a pod may hear of it twice, but not never. A conflict is judged again by the next run.
    if (envelopes.length > 0) await outbox.send(envelopes);
    telemetry.count("BranchesMissing", envelopes.length);
    await ledger.commit(writes);
  }
};
