import type { EniId } from "./ids.ts";
import type { BranchStatus, LedgerRecord, RecordKey, TrunkStatus } from "./records.ts";

/** A named condition on the record that is there now. Those of one write must all hold. */
export type Expectation =
  | { readonly name: "absent" }
  | { readonly name: "present" }
  | { readonly name: "version-is"; readonly version: number }
  | { readonly name: "status-in"; readonly statuses: readonly (BranchStatus | TrunkStatus)[] }
  | { readonly name: "generation-is"; readonly generation: number }
  | { readonly name: "trunk-eni-is"; readonly trunkEniId: EniId }
  | { readonly name: "held-at-most"; readonly held: number };

/** One part of a transaction. A record of another epoch counts as absent. */
export type Write =
  | { readonly kind: "put"; readonly record: LedgerRecord; readonly expect: readonly Expectation[] }
  | { readonly kind: "delete"; readonly key: RecordKey; readonly expect: readonly Expectation[] }
  | { readonly kind: "check"; readonly key: RecordKey; readonly expect: readonly Expectation[] };

/** All or nothing; 1…100 writes on distinct records. One `put` or `delete` alone costs no transaction. */
export type Transaction = readonly Write[];

/**
 * The fate of a commit. A conflict (a failed condition, or a concurrent transaction on the same record) is never an
 * answer: load again, decide again.
 */
export type CommitResult = "committed" | "conflict";
