import type { BranchCall } from "./branch-calls.ts";
import type { Envelope } from "./ports.ts";
import type { ReleasingBranch } from "./records.ts";
import type { Transaction } from "./transaction.ts";

/** What follows from the answer to a branch's call. */
export type Advance =
  /** Commit, then make the next call of the branch, if there is one. */
  | {
      readonly kind: "commit";
      readonly writes: Transaction;
      readonly envelopes: readonly Envelope[];
      /** A pod with several ENIs that may have all of them now: only a load after the commit can tell. */
      readonly mayComplete?: string;
    }
  /** Nothing to commit yet: go on with the record as it is here. */
  | { readonly kind: "proceed"; readonly record: ReleasingBranch }
  /** Make another call for the same record. */
  | { readonly kind: "call"; readonly call: BranchCall }
  /** Repeat the call soon; when there is no time left, look again at the given time. */
  | { readonly kind: "repeat"; readonly lookAt: number }
  /** Leave it, and look again then. */
  | {
      readonly kind: "rest";
      readonly lookAt: number;
      /** Committed before, unless somebody else is in the way; only then the messages are sent. */
      readonly writes?: Transaction;
      readonly envelopes?: readonly Envelope[];
    };

/** Beside the answer: what the worker knows about the call. */
export interface Attempt {
  /** No call was ever made for this intent before. */
  readonly fresh: boolean;
  /** Calls of this kind that this worker has made for this record, this one included. */
  readonly attempts: number;
}
