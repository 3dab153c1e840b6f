import { type Context, type Draft, decideStep } from "./decision.ts";
import { assignedOutcome } from "./messages-out.ts";
import { branchAt, withWrites } from "./partition.ts";
import type { CoolingBranch, TrunkRecord } from "./records.ts";
import { endRecord } from "./tombstones.ts";
import type { Write } from "./transaction.ts";
import { type Candidate, intentTime } from "./waiting.ts";
import { checkTrunk, putBranch } from "./writes.ts";

/**
 * Gives cooled branches to a pod, in one transaction for all of its ENIs: each old record ends, each new one begins associated, and the trunk
 * is still the same (P05). No EC2 call is made.
 */
export const reuse = (draft: Draft, context: Context, candidate: Candidate, cooled: readonly CoolingBranch[]): void => {
  const { trunk } = draft.partition;
  const writes: Write[] = cooled.slice(0, 1).map((old) => checkTrunk(trunk as TrunkRecord, old.trunkEniId));
  for (const [index, old] of cooled.entries()) {
    const from = branchAt(draft.partition, candidate.podUid, index);
    writes.push(endRecord(old, context));
    writes.push(
      putBranch(
        {
          kind: "branch",
          instanceId: old.instanceId,
          owner: candidate.podUid,
          index,
          status: "associated",
          generation: from?.generation ?? 0,
          createdAt: intentTime(from, context.now),
          podVersion: candidate.podVersion,
          namespace: candidate.namespace,
          name: candidate.name,
          enis: candidate.enis,
          request: old.request,
          trunkEniId: old.trunkEniId,
          vlanId: old.vlanId,
          eni: old.eni,
          associationId: old.associationId,
          associatedAt: context.now,
        },
        from,
      ),
    );
  }
  decideStep(draft, { writes, envelopes: assignedOutcome(withWrites(draft.partition, writes), candidate.podUid) });
};
