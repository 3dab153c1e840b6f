import type { RecordKey } from "@trunkline/core";

/** The primary key of a record in the table. */
export interface TableKey {
  readonly pk: string;
  readonly sk: string;
}

/** Sorts before every `BRANCH#`, so that a query of a partition shows the trunk first. */
const trunkSortKey = "0#TRUNK";
const clusterSortKey = "0#CLUSTER";
const probeSortKey = "0#PROBE";
const sightingSortKey = "0#SIGHTING";

/** What the sort keys of nodes begin with, in the partitions of clusters and of subnets. */
export const nodePrefix = "NODE#";

/** The primary key under which a record is kept. Takes a record as well, which carries the fields of its key. */
export function tableKeyOf(key: RecordKey): TableKey {
  switch (key.kind) {
    case "trunk":
      return { pk: nodePartition(key.instanceId), sk: trunkSortKey };
    case "branch":
      return { pk: nodePartition(key.instanceId), sk: `BRANCH#${key.owner}#${key.index}` };
    case "cluster":
      return { pk: clusterPartition(key.cluster), sk: clusterSortKey };
    case "cluster-node":
      return { pk: clusterPartition(key.cluster), sk: `${nodePrefix}${key.instanceId}` };
    case "subnet-waiter":
      return { pk: subnetPartition(key.subnetId), sk: `${nodePrefix}${key.instanceId}` };
    case "subnet-probe":
      return { pk: subnetPartition(key.subnetId), sk: probeSortKey };
    case "sighting":
      return { pk: `ORPHAN#${key.eniId}`, sk: sightingSortKey };
  }
}

/** The partition of one node instance: its trunk and its branches. */
export function nodePartition(instanceId: string): string {
  return `${nodePrefix}${instanceId}`;
}

/** The partition of one cluster: its registration and its nodes. */
export function clusterPartition(cluster: string): string {
  return `CLUSTER#${cluster}`;
}

/** The partition of one subnet: its probe and the nodes that wait for an address. */
export function subnetPartition(subnetId: string): string {
  return `SUBNET#${subnetId}`;
}

/** The names of the fields that a record's key holds, which are therefore not stored a second time. */
export const keyFields: { readonly [Kind in RecordKey["kind"]]: readonly string[] } = {
  trunk: ["kind", "instanceId"],
  branch: ["kind", "instanceId", "owner", "index"],
  cluster: ["kind", "cluster"],
  "cluster-node": ["kind", "cluster", "instanceId"],
  "subnet-waiter": ["kind", "subnetId", "instanceId"],
  "subnet-probe": ["kind", "subnetId"],
  sighting: ["kind", "eniId"],
};

/** The key of the trunk or branch that a row of a node's partition holds. */
export function keyOfNodeRow(instanceId: string, sk: string): object {
  if (sk === trunkSortKey) return { kind: "trunk", instanceId };
  const [, owner, index] = sk.split("#");
  return { kind: "branch", instanceId, owner, index: Number(index) };
}
