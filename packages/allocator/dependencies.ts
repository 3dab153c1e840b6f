import type {
  Clock,
  ClusterLimits,
  ClusterName,
  Ec2,
  Ids,
  InstanceLimits,
  Ledger,
  Outbox,
  Pacer,
  Settings,
  Telemetry,
} from "@trunkline/core";

/** Everything that the allocator needs of the world; composed in one place. */
export interface Dependencies {
  readonly ledger: Ledger;
  readonly pacer: Pacer;
  readonly ec2: Ec2;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly telemetry: Telemetry;
  readonly settings: Settings;
  /** Every cluster that this deployment serves. */
  readonly clusters: readonly ClusterName[];
  /** What a cluster may use. */
  clusterLimits(cluster: ClusterName): ClusterLimits;
  /** What an instance type can hold. */
  instanceLimits(instanceType: string): InstanceLimits | "unknown";
}
