import { isEniKnown } from "./branch-calls.ts";
import type { ClusterRecord, SightingRecord } from "./cluster-records.ts";
import { coolUntil } from "./cooling.ts";
import { branchAt, holdsSlot, isPlaced } from "./partition.ts";
import type { EniFacts } from "./ports.ts";
import type { Partition } from "./records.ts";
import type { Settings } from "./settings.ts";
import type { Write } from "./transaction.ts";
import { isVlanTaken, withoutVlans } from "./vlans.ts";
import { putTrunk } from "./writes.ts";

/** What the reaper makes of an ENI that carries our tags. */
export type Judgement =
  /** A record holds it, an intent wants it, or it goes with its instance. */
  | "wanted"
  /** Too young to tell: its record may be on its way. */
  | "young"
  /** Looks orphaned for the first time. */
  | "sighted"
  /** Seen before, but not long enough ago, or a snapshot has yet to omit it. */
  | "waiting"
  /** Seen twice, and nothing and nobody wants it. */
  | "orphan";

/** What the judgement rests on; EC2 was listed before the partition was loaded (S16). */
export interface Evidence {
  readonly eni: EniFacts;
  readonly partition: Partition;
  readonly sighting: SightingRecord | undefined;
  /** EC2 or the ledger says that the instance is gone: nobody can use the ENI, and no intent stands (P12, P23). */
  readonly hasInstanceEnded: boolean;
  /** The registration of the cluster that the ENI belongs to, for its cool-down. */
  readonly registration?: ClusterRecord | undefined;
  readonly now: number;
  readonly settings: Settings;
}

/**
 * Judges an ENI (P23, S16). Nothing tells when the pod of an ENI without a record ended, nor whether an outcome under way still names it: where its
 * instance exists it cools in full from its first sighting (P24). One that is associated is an orphan only after a snapshot that was sent when any such
 * outcome was dead has omitted it (P11): a lost table and a silent forwarder must not cost a pod.
 */
export const judgeEni = (evidence: Evidence): Judgement => {
  const { eni, partition, sighting, hasInstanceEnded, now, settings } = evidence;
  if (isEniKnown(partition, eni.eniId) || (!hasInstanceEnded && isIntended(eni, partition))) return "wanted";
  if (eni.attachment !== undefined && eni.interfaceType === "trunk") return "wanted";
  if (eni.createdAt === undefined || eni.createdAt + settings.orphanAgeSeconds * 1_000 > now) return "young";
  if (sighting === undefined) return "sighted";
  if (sighting.firstSeenAt + settings.sightingGapSeconds * 1_000 > now) return "waiting";
  if (hasInstanceEnded) return "orphan";
  const isAssociated = eni.status !== "available";
  const quietAt = sighting.firstSeenAt + (isAssociated ? settings.outcomeDeadSeconds * 1_000 : 0);
  if (coolUntil(quietAt, {}, evidence.registration, settings) > now) return "waiting";
  return !isAssociated || (partition.trunk?.lastSnapshotAt ?? 0) > quietAt ? "orphan" : "waiting";
};

/** Whether some record is still about to create or to find this very ENI. */
const isIntended = ({ intent }: EniFacts, partition: Partition): boolean => {
  if (intent === undefined) return false;
  const { trunk } = partition;
  if (intent.owner === trunk?.instanceId) {
    return (
      trunk.status === "requested" && trunk.createdAt === intent.createdAt && trunk.generation === intent.generation
    );
  }
  const branch = branchAt(partition, intent.owner, intent.index);
  return (
    branch !== undefined &&
    isPlaced(branch) &&
    branch.createdAt === intent.createdAt &&
    branch.generation === intent.generation
  );
};

/** Sightings expire so long after the first one, milliseconds. */
const sightingMilliseconds = 86_400_000;

/** Writes down that an ENI looks orphaned. */
export const sightingWrite = ({ eni, now }: Pick<Evidence, "eni" | "now">): Write => ({
  kind: "put",
  record: {
    kind: "sighting",
    eniId: eni.eniId,
    version: 1,
    firstSeenAt: now,
    instanceId: eni.instanceId,
    claimed: false,
    expiresAt: now + sightingMilliseconds,
  },
  expect: [{ name: "absent" }],
});

/** Claims an orphan's deletion: an adoption deletes the sighting, so that one of the two fails (P23). */
export const sightingClaim = (sighting: SightingRecord): Write => ({
  kind: "put",
  record: { ...sighting, version: sighting.version + 1, claimed: true },
  expect: [{ name: "version-is", version: sighting.version }],
});

/** Frees what an orphan that is gone had of its trunk: the VLAN ID that no branch has, and the slot that no branch holds. */
export const orphanVlanWrite = (eni: EniFacts, partition: Partition): Write | undefined => {
  const { trunk, branches } = partition;
  const { vlanId } = eni;
  if (trunk === undefined || vlanId === undefined || trunk.trunkEniId !== eni.trunkEniId) return undefined;
  const isTaken = branches.some((branch) => isPlaced(branch) && branch.vlanId === vlanId);
  if (isTaken || !isVlanTaken(trunk.vlans, vlanId)) return undefined;
  const slots = branches.filter(holdsSlot).length;
  const held = eni.status === "available" ? trunk.held : Math.max(slots, trunk.held - 1);
  return putTrunk({ ...trunk, held, vlans: withoutVlans(trunk.vlans, [vlanId]) }, trunk);
};

/** Whether so many of our ENIs look orphaned that the reaper rather doubts its own eyes (S16). */
export const isImplausible = (orphans: number, all: number, settings: Settings): boolean =>
  orphans > settings.reaperShareFloor && orphans / all > settings.reaperShareMax;
