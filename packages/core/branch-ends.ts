import type { Advance } from "./advance.ts";
import type { Context } from "./decision.ts";
import { giveBack, wishedBefore } from "./giving-back.ts";
import type { VlanId } from "./ids.ts";
import { branchLookAt } from "./messages-out.ts";
import type { Partition, ReleasingBranch, TrunkRecord } from "./records.ts";
import { endRecord } from "./tombstones.ts";
import { freeVlans, takenVlans, withoutVlans, withVlans } from "./vlans.ts";
import { type Consequence, claimAgain, nextWish, type PlacedStep, type Turn, turnEnvelopes } from "./wait-again.ts";
import { putBranch, putTrunk } from "./writes.ts";

/**
 * The slot is free. When the ENI may be deleted at once, the deletion's transaction gives slot and VLAN ID back together; a cut branch gives
 * its slot back here, in the one transaction that records the disassociation (P20).
 */
export const disassociated = (partition: Partition, record: ReleasingBranch, context: Context): Advance => {
  const { trunk } = partition;
  const { associationId: _associationId, ...rest } = record;
  if (record.deleteNotBefore <= context.now) return { kind: "proceed", record: rest };
  const next = { ...rest, holdsSlot: false, stepDeadline: record.deleteNotBefore };
  const isOurs = trunk !== undefined && trunk.trunkEniId === record.trunkEniId && record.holdsSlot;
  return {
    kind: "commit",
    writes: [
      putBranch(next, record),
      ...(isOurs ? [putTrunk({ ...trunk, held: Math.max(0, trunk.held - 1) }, trunk)] : []),
    ],
    envelopes: [branchLookAt(record, record.deleteNotBefore, context.now)],
  };
};

/** The trunk whose slot and VLAN ID the branch has; none when the trunk ENI was replaced or has ended with its instance. */
const ownTrunk = (trunk: TrunkRecord | undefined, record: PlacedStep): TrunkRecord | undefined =>
  trunk !== undefined && trunk.status !== "gone" && trunk.trunkEniId === record.trunkEniId ? trunk : undefined;

/**
 * The ENI is gone, or never was: slot and VLAN ID are free. A pod that lives on waits again, all others leave a tombstone (P03).
 *
 * @param turn why the pod waits again, when its record does not say it
 */
export const freed = (partition: Partition, record: PlacedStep, context: Context, turn?: Turn): Advance => {
  const { trunk } = partition;
  const releasing = record.status === "releasing" ? record : undefined;
  const ours = ownTrunk(trunk, record);
  const keepsVlan = releasing?.keepsVlan === true;
  const commit = (slots: number, taken: readonly VlanId[], { writes, envelopes }: Consequence): Advance => {
    if (ours === undefined) return { kind: "commit", writes, envelopes };
    const vlans = withVlans(keepsVlan ? ours.vlans : withoutVlans(ours.vlans, [record.vlanId]), taken);
    const next = { ...ours, vlans, held: Math.max(0, ours.held - slots), lastVlan: taken[0] ?? ours.lastVlan };
    return { kind: "commit", writes: [putTrunk(next, ours), ...writes], envelopes };
  };
  const slot = releasing?.holdsSlot === false ? 0 : 1;
  const before = wishedBefore(partition, record);
  // What was decided when its teardown was committed stands, whatever its calls met since.
  const news = releasing === undefined ? turn : undefined;
  const wish = news === undefined ? releasing?.wish : nextWish(before, news, context);
  if (wish === undefined) {
    return commit(slot, [], { writes: [endRecord(record, context)], envelopes: [] });
  }
  if (record.enis > 1 && ours !== undefined && wish.reason === "step-under-way") {
    const vlanId = freeVlans(takenVlans(ours), ours.lastVlan)[0] ?? record.vlanId;
    return commit(0, [vlanId], { writes: [claimAgain(record, vlanId, context)], envelopes: [] });
  }
  const again = giveBack(partition, record, wish, context);
  const told = news === undefined ? [] : turnEnvelopes(record, before, news, context);
  return commit(slot, [], { writes: again.writes, envelopes: [...again.envelopes, ...told] });
};
