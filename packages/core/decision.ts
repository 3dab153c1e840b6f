import type { ClusterRecord, SubnetProbeRecord } from "./cluster-records.ts";
import type { NodeObserved } from "./events.ts";
import type { ClusterName, SubnetId } from "./ids.ts";
import { withWrites } from "./partition.ts";
import type { Envelope, TokenGrant, TokenRequest } from "./ports.ts";
import type { Partition } from "./records.ts";
import type { ClusterLimits, Settings } from "./settings.ts";
import type { Transaction } from "./transaction.ts";

/** What a decision may know besides the partition. */
export interface Context {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly settings: Settings;
  /** The cluster that the deliveries' queue belongs to, or the trunk's for our own messages. */
  readonly cluster: ClusterName;
  readonly registration: ClusterRecord | undefined;
  readonly limits: ClusterLimits;
  /** What the pacer granted so far, by the keys of {@link Ask}. */
  readonly grants: ReadonlyMap<string, TokenGrant>;
  /** Subnets that are known to be full (P16). */
  readonly probes: ReadonlyMap<SubnetId, SubnetProbeRecord>;
}

/** Tokens that a decision needs before it can be committed (P17). */
export interface Ask {
  readonly key: string;
  readonly request: TokenRequest;
}

/** A branch whose next EC2 call is ours to make, once the step that names it is committed. */
export interface BranchWork {
  readonly kind: "branch";
  readonly owner: string;
  readonly index: number;
  /** The ask whose tokens it spends. */
  readonly ask: string;
  /** Whether no call was ever made for this intent: a refusal then proves that no ENI exists (P07). */
  readonly fresh: boolean;
}

/** The trunk's next EC2 call is ours to make. */
export interface TrunkWork {
  readonly kind: "trunk";
  /** What the node asks for, where no record of its trunk exists yet or the record is an end. */
  readonly node?: NodeObserved | undefined;
}

/** EC2 is asked about the branches that only annotations tell of. */
export interface ProofWork {
  readonly kind: "proof";
}

export type Work = BranchWork | TrunkWork | ProofWork;

/** One commit with what follows from it. Without writes it only sends again what an earlier worker may not have sent. */
export interface Step {
  readonly writes: Transaction;
  readonly envelopes: readonly Envelope[];
  readonly work: readonly Work[];
}

/** Something that operators want to know about a message that changed nothing. */
export interface Note {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * What to commit, in this order, and what to do afterwards. When `asks` is not empty the steps are a proposal only: the tokens are to be
 * asked for and the decision made again.
 */
export interface Decision {
  readonly steps: readonly Step[];
  readonly asks: readonly Ask[];
  readonly notes: readonly Note[];
}

/** A decision in the making: each step is seen by the next ones. */
export interface Draft {
  partition: Partition;
  readonly steps: Step[];
  readonly asks: Ask[];
  readonly notes: Note[];
}

/** A draft that has decided nothing yet. */
export const emptyDraft = (partition: Partition): Draft => ({ partition, steps: [], asks: [], notes: [] });

/** Adds a step to the draft. */
export const decideStep = (draft: Draft, step: Partial<Step>): void => {
  const { writes = [], envelopes = [], work = [] } = step;
  draft.partition = withWrites(draft.partition, writes);
  draft.steps.push({ writes, envelopes, work });
};

/** The grant for an ask; without one the ask is recorded and the draft goes on as if everything were granted. */
export const grantFor = (draft: Draft, context: Context, ask: Ask): TokenGrant => {
  const grant = context.grants.get(ask.key);
  if (grant !== undefined) return grant;
  draft.asks.push(ask);
  const { now } = context;
  return { granted: ask.request.units, startsAt: now, expiresAt: now, wakeAt: now, tag: 0 };
};
