import type { ClusterName, EniId, Incarnation, InstanceId, SubnetId } from "./ids.ts";

/** A cluster's registration and settings. */
export interface ClusterRecord {
  readonly kind: "cluster";
  readonly cluster: ClusterName;
  readonly version: number;
  readonly incarnation: Incarnation;
  /** Incarnations that never come back (P09); the newest 16. */
  readonly retired: readonly Incarnation[];
  readonly cooldownSeconds: number;
  readonly forwarderVersion: string;
  readonly groupSets: readonly (readonly string[])[];
  readonly registeredAt: number;
  /** ENIs of the cluster as the reaper last counted them (P19). */
  readonly eniCount?: number | undefined;
  /** Circuit breaker: distinct failures and when the next single call may go through (P19). */
  readonly breaker?: { readonly failures: readonly string[]; readonly openUntil?: number | undefined } | undefined;
}

/** A node that the cluster has: what the reaper walks to find overdue work. */
export interface ClusterNodeRecord {
  readonly kind: "cluster-node";
  readonly cluster: ClusterName;
  readonly instanceId: InstanceId;
  readonly version: number;
}

/** A node with pods that wait for an address of a subnet (P16). */
export interface SubnetWaiterRecord {
  readonly kind: "subnet-waiter";
  readonly subnetId: SubnetId;
  readonly instanceId: InstanceId;
  readonly cluster: ClusterName;
  readonly version: number;
  readonly expiresAt: number;
}

/** When some probe of a subnet is next allowed: one per subnet every 10 s, not one per pod (P16). */
export interface SubnetProbeRecord {
  readonly kind: "subnet-probe";
  readonly subnetId: SubnetId;
  readonly version: number;
  readonly probeAt: number;
}

/** An ENI that looked orphaned to the reaper (P23). */
export interface SightingRecord {
  readonly kind: "sighting";
  readonly eniId: EniId;
  readonly version: number;
  readonly firstSeenAt: number;
  readonly instanceId?: InstanceId | undefined;
  /** True once its deletion is claimed. */
  readonly claimed: boolean;
  readonly expiresAt: number;
}
