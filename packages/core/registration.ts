import type { ClusterRecord } from "./cluster-records.ts";
import { areSameGroups } from "./cooling.ts";
import type { ClusterRegistered } from "./events.ts";
import type { ClusterName } from "./ids.ts";
import type { Write } from "./transaction.ts";

/** Retired incarnations that are remembered (P09). */
export const retiredMax = 16;

/** What a registration changes. */
export type Registration =
  | { readonly kind: "unchanged" }
  /** The incarnation was retired: it never comes back. */
  | { readonly kind: "retired" }
  | {
      readonly kind: "changed";
      readonly write: Write;
      /** Whether the nodes of the cluster must be looked at: groups that idle branches pin are not named any more, or all pods are new. */
      readonly concernsNodes: boolean;
    };

/**
 * A forwarder introduces its cluster. An incarnation that was never retired retires the current one for good: a control plane that was rebuilt
 * on the same instances is another cluster (P09).
 */
export const registerCluster = (
  record: ClusterRecord | undefined,
  event: ClusterRegistered,
  cluster: ClusterName,
  now: number,
): Registration => {
  if (record?.retired.includes(event.incarnation)) return { kind: "retired" };
  const { incarnation, cooldownSeconds, forwarderVersion, groupSets } = event;
  const isSame =
    record?.incarnation === incarnation &&
    record.cooldownSeconds === cooldownSeconds &&
    record.forwarderVersion === forwarderVersion &&
    JSON.stringify(record.groupSets) === JSON.stringify(groupSets);
  if (isSame) return { kind: "unchanged" };
  const isRebuilt = record !== undefined && record.incarnation !== incarnation;
  const lost = record?.groupSets.some((set) => !groupSets.some((kept) => areSameGroups(set, kept))) ?? false;
  const next: ClusterRecord = {
    ...record,
    kind: "cluster",
    cluster,
    version: (record?.version ?? 0) + 1,
    incarnation,
    retired: isRebuilt ? [record.incarnation, ...record.retired].slice(0, retiredMax) : (record?.retired ?? []),
    cooldownSeconds,
    forwarderVersion,
    groupSets,
    registeredAt: now,
  };
  const expect =
    record === undefined ? [{ name: "absent" } as const] : [{ name: "version-is", version: record.version } as const];
  return { kind: "changed", write: { kind: "put", record: next, expect }, concernsNodes: isRebuilt || lost };
};
