import type { Context, Draft } from "./decision.ts";
import { type Gate, gateOf } from "./gates.ts";
import type { VlanId } from "./ids.ts";
import { holdsSlot } from "./partition.ts";
import type { TokenGrant } from "./ports.ts";
import type { BranchRecord, ClaimedBranch, TrunkRecord } from "./records.ts";
import { freeVlans, takenVlans } from "./vlans.ts";
import type { Unversioned } from "./writes.ts";

/** What is left of a trunk while candidates are served. */
export interface Room {
  readonly trunk: TrunkRecord;
  held: number;
  /** Free VLAN IDs in the order in which they are given out. */
  readonly vlans: VlanId[];
  /** Slots that candidates miss, and slots that cuts and releases under way will give back (P20). */
  slotsMissed: number;
  slotsComing: number;
  readonly gate: Gate;
  /** The grant that refused a candidate: those behind it need not ask. */
  denied: TokenGrant | undefined;
  readonly claims: {
    readonly branch: Unversioned<ClaimedBranch>;
    readonly from: BranchRecord | undefined;
    readonly ask: string;
  }[];
}

/** How soon a node that cannot take pods is tried again when nobody makes room before, milliseconds. */
export const roomRetryMilliseconds = 120_000;

/** The room on a trunk that is ready. */
export const roomOf = (draft: Draft, context: Context, trunk: TrunkRecord): Room => ({
  trunk,
  held: trunk.held,
  vlans: [...freeVlans(takenVlans(trunk), trunk.lastVlan)],
  slotsMissed: 0,
  slotsComing: draft.partition.branches.filter((branch) => branch.status === "releasing" && holdsSlot(branch)).length,
  claims: [],
  gate: gateOf(context, trunk),
  denied: undefined,
});
