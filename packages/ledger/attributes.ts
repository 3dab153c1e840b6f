import type { LedgerRecord, RecordKey } from "@trunkline/core";
import { keyFields, type TableKey, tableKeyOf } from "./keys.ts";
import { tableExpiryAttribute, tableKeys } from "./table.ts";

/** A row of the table, as the document client gives and takes it. */
export type Row = Readonly<Record<string, unknown>>;

/** The attribute with the table's epoch: a row of another epoch counts as absent. */
export const epochAttribute = "e";

/** The attribute that names the write that made the row, so that its repeat recognises it. */
export const writeAttribute = "w";

/**
 * Short names for the fields that most records have: a write unit is 1 KB with the names counted, and tombstones are
 * read with every load. A field that is not here keeps its own name, which has more than two letters.
 */
const attributeNames: Readonly<Record<string, string>> = {
  version: "v",
  status: "s",
  generation: "g",
  createdAt: "ca",
  podVersion: "pv",
  expiresAt: "x",
  held: "h",
  vlans: "vl",
  vlanId: "vi",
  trunkEniId: "te",
  branchesMax: "bm",
  securityGroups: "sg",
  subnetId: "su",
  stepDeadline: "sd",
  request: "rq",
  requestVersion: "rv",
  associationId: "as",
  namespace: "ns",
  name: "nm",
  cluster: "cl",
  incarnation: "in",
  nodeName: "nn",
  nodeUid: "nu",
  nodeVersion: "nv",
  instanceType: "it",
  subnetCidr: "sc",
  subnetV6Cidr: "s6",
  formerSubnet: "fs",
  eniConfig: "ec",
  strayVlans: "sv",
  lastSnapshotAt: "ls",
  snapshotAskedAt: "sa",
  proofFailedAt: "pf",
  notFoundSince: "nf",
  eniMissingSince: "em",
};

const fieldNames: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(attributeNames).map(([field, attribute]) => [attribute, field]),
);

/** The attribute that holds a record's field. */
export function attributeOf(field: string): string {
  return attributeNames[field] ?? field;
}

/** Makes the row of a record. The expiry is kept twice: exact for us, in whole seconds for DynamoDB. */
export function rowOf(record: LedgerRecord, epoch: string): Row & TableKey {
  const inKey = keyFields[record.kind];
  const fields = Object.entries(record).filter(([field]) => !inKey.includes(field));
  return {
    ...tableKeyOf(record),
    [epochAttribute]: epoch,
    ...(renamed(Object.fromEntries(fields), attributeNames) as Row),
    ...("expiresAt" in record ? { [tableExpiryAttribute]: Math.ceil(record.expiresAt / 1_000) } : {}),
  };
}

/**
 * Makes a record of a row, or nothing when there is no row or it is of another epoch.
 * What it holds is trusted, because only this file writes it.
 */
export function recordOf(key: RecordKey | object, row: Row | undefined, epoch: string): LedgerRecord | undefined {
  if (row === undefined || row[epochAttribute] !== epoch) return undefined;
  const notFields = [
    tableKeys.partition,
    tableKeys.sort,
    epochAttribute,
    writeAttribute,
    tableExpiryAttribute,
  ] as string[];
  const fields = Object.entries(row).filter(([attribute]) => !notFields.includes(attribute));
  return { ...key, ...(renamed(Object.fromEntries(fields), fieldNames) as Row) } as LedgerRecord;
}

/** Renames the fields of an object and of the objects in it, leaves lists alone, and drops what is undefined. */
function renamed(value: unknown, names: Readonly<Record<string, string>>): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([name, inner]) => [names[name] ?? name, renamed(inner, names)]));
}
