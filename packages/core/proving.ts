import type { Context, Step } from "./decision.ts";
import { eniProblemOutcome } from "./eni-problems.ts";
import type { AssociationId, EniId } from "./ids.ts";
import type { EniProblem } from "./outcomes.ts";
import type { AssociationFacts, EniFacts } from "./ports.ts";
import { type HeldBranch, heldBranches, unprovenBranches } from "./proof-times.ts";
import type { Partition, TrunkRecord } from "./records.ts";
import { putBranch } from "./writes.ts";

/** A look at EC2, which shows things late. */
export interface Look {
  readonly enis: ReadonlyMap<EniId, EniFacts>;
  /** When the look began, epoch milliseconds. */
  readonly lookedAt: number;
}

/** Whether EC2 shows the ENI as this cluster's branch of this trunk ENI under the annotation's VLAN ID. */
const isShownAsOurs = (branch: HeldBranch, eni: EniFacts | undefined, trunk: TrunkRecord): eni is EniFacts =>
  eni !== undefined &&
  eni.cluster === trunk.cluster &&
  eni.instanceId === trunk.instanceId &&
  eni.trunkEniId === trunk.trunkEniId &&
  eni.vlanId === branch.vlanId &&
  eni.interfaceType === "branch" &&
  eni.status === "in-use";

/** Associations that annotations name for ENIs that EC2 shows as ours: no annotation is believed about what may be cut by its ID. */
export const associationsToProve = (partition: Partition, { enis }: Look): readonly AssociationId[] =>
  unprovenBranches(partition).flatMap((branch) =>
    isShownAsOurs(branch, enis.get(branch.eni.eniId), partition.trunk as TrunkRecord)
      ? (branch.associationId ?? [])
      : [],
  );

/**
 * Judges the branches that only annotations tell of (P10): one that EC2 shows as ours becomes a branch like any other, with what EC2 shows of it.
 * One that EC2 does not show, twice and some time apart, is reported to its pod; its VLAN ID stays taken while the pod lives.
 *
 * @param associations what EC2 shows of {@link associationsToProve}
 */
export const proofSteps = (
  partition: Partition,
  look: Look & { readonly associations: readonly AssociationFacts[] },
  context: Context,
): readonly Step[] =>
  unprovenBranches(partition).flatMap((branch) => {
    const trunk = partition.trunk as TrunkRecord;
    const eni = look.enis.get(branch.eni.eniId);
    if (!isShownAsOurs(branch, eni, trunk)) return doubtSteps(branch, "unknown-eni", { look, trunk, context });
    const { eniId, mac, privateIp, ipv6, subnetId, securityGroups } = eni;
    const isConfirmed = look.associations.some(
      (association) =>
        association.associationId === branch.associationId &&
        association.branchEniId === eniId &&
        association.trunkEniId === branch.trunkEniId &&
        association.vlanId === branch.vlanId,
    );
    const proven: HeldBranch = {
      ...branch,
      unproven: undefined,
      doubt: undefined,
      eni: { eniId, mac, privateIp, ipv6 },
      associationId: isConfirmed ? branch.associationId : undefined,
      request: {
        requestVersion: 1,
        subnetId,
        securityGroups: securityGroups.toSorted(),
        // As the annotation says: the subnet may have given an address that its pod was not told.
        ipv6: branch.request.ipv6 && ipv6 !== "",
      },
    };
    return [stepOf(proven, branch)];
  });

/**
 * Compares what the ledger holds with a complete listing of our ENIs: somebody may have deleted or disassociated one by hand. What is missing twice,
 * some time apart, is reported to its pod. Nothing is created in its place, and its record ends with its pod (P07).
 */
export const missingSteps = (partition: Partition, look: Look, context: Context): readonly Step[] =>
  heldBranches(partition).flatMap((branch) => {
    // What was associated after the listing began, or shortly before, may not be in it.
    const isYoung = branch.associatedAt + context.settings.notFoundGraceSeconds * 1_000 > look.lookedAt;
    if (branch.unproven === true || isYoung) return [];
    const trunk = partition.trunk as TrunkRecord;
    const problem = problemOf(look.enis.get(branch.eni.eniId));
    if (problem !== undefined) return doubtSteps(branch, problem, { look, trunk, context });
    return branch.doubt === undefined ? [] : [stepOf({ ...branch, doubt: undefined }, branch)];
  });

const problemOf = (eni: EniFacts | undefined): EniProblem | undefined => {
  if (eni === undefined) return "eni-deleted";
  return eni.status === "available" ? "eni-not-associated" : undefined;
};

interface Doubting {
  readonly look: Look;
  readonly trunk: TrunkRecord;
  readonly context: Context;
}

/** One look proves nothing; a second one some time later does, and the pod is told. */
const doubtSteps = (branch: HeldBranch, problem: EniProblem, { look, trunk, context }: Doubting): readonly Step[] => {
  const { doubt, eni, vlanId, owner: podUid, namespace, name, instanceId } = branch;
  const { lookedAt: since } = look;
  if (doubt?.problem !== problem) return [stepOf({ ...branch, doubt: { problem, since, confirmed: false } }, branch)];
  if (doubt.confirmed || doubt.since + context.settings.notFoundGraceSeconds * 1_000 > look.lookedAt) return [];
  const concerned = { podUid, namespace, name, instanceId, cluster: trunk.cluster, eni: { eniId: eni.eniId, vlanId } };
  const envelopes = branch.status === "associated" ? [eniProblemOutcome(concerned, problem)] : [];
  return [{ ...stepOf({ ...branch, doubt: { ...doubt, confirmed: true } }, branch), envelopes }];
};

const stepOf = (next: HeldBranch, from: HeldBranch): Step => ({
  writes: [putBranch(next, from)],
  envelopes: [],
  work: [],
});
