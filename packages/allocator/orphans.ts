import {
  type ClusterRecord,
  type EniFacts,
  type InstanceId,
  isImplausible,
  judgeEni,
  orphanVlanWrite,
  type RecordKey,
  type SightingRecord,
  sightingClaim,
  sightingWrite,
} from "@trunkline/core";
import { reportCall } from "./calls.ts";
import type { Dependencies } from "./dependencies.ts";
import { parallel } from "./parallel.ts";
import { mayCall } from "./tokens.ts";
import { loadPartition } from "./view.ts";

/** Instances whose ENIs are judged at the same time. */
const instancesAtOnce = 8;

interface Suspect {
  readonly eni: EniFacts;
  readonly registration: ClusterRecord | undefined;
  readonly sighting: SightingRecord;
  readonly hasInstanceEnded: boolean;
}

/** Deletes what nobody wants, unless so much of it stands on living instances that the reaper doubts its own eyes (S16). */
export const reapOrphans = async (dependencies: Dependencies, enis: readonly EniFacts[]): Promise<void> => {
  const { settings, telemetry } = dependencies;
  const groups = [...Map.groupBy(enis, ({ instanceId }) => instanceId)];
  const found = await parallel(groups, instancesAtOnce, ([instanceId, group]) =>
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
    if (sighting === undefined) {
      await ledger.commit([sightingWrite(evidence)]);
      continue;
    }
    const cluster = partition.trunk?.cluster ?? eni.cluster;
    const registration = cluster && (await ledger.get({ kind: "cluster", cluster }));
    if (judgeEni({ ...evidence, sighting, hasInstanceEnded, registration }) === "orphan") {
      suspects.push({ eni, sighting, hasInstanceEnded, registration });
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
const deleteOrphan = async (dependencies: Dependencies, { eni, ...suspicion }: Suspect): Promise<void> => {
  const { ledger, ec2, clock, settings, telemetry } = dependencies;
  const { sighting } = suspicion;
  if (eni.instanceId === undefined || !(await mayCall(dependencies, "DeleteNetworkInterface"))) return;
  if ((await ledger.commit([sightingClaim(sighting)])) === "conflict") return;
  const partition = await loadPartition(dependencies, eni.instanceId);
  if (judgeEni({ eni, partition, ...suspicion, now: clock.now(), settings }) !== "orphan") return;
  const deleted = await ec2.deleteEni(eni.eniId);
  await reportCall(dependencies, "DeleteNetworkInterface", deleted);
  if (!deleted.ok && deleted.failure.remedy !== "not-found") return;
  telemetry.count("OrphansDeleted", 1);
  const vlan = orphanVlanWrite(eni, partition);
  if (vlan !== undefined) await ledger.commit([vlan]);
  await ledger.commit([{ kind: "delete", key: { kind: "sighting", eniId: eni.eniId }, expect: [] }]);
};
