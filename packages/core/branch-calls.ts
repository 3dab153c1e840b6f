import type { AssociationId, ClusterName, EniId } from "./ids.ts";
import type { Ec2Action, Ec2Failure, Intent } from "./ports.ts";
import type { BranchEni, BranchRecord, ClaimedBranch, CreatedBranch, Partition, ReleasingBranch } from "./records.ts";

/** The EC2 call that carries a branch on. */
export type BranchCall =
  | { readonly kind: "create"; readonly record: ClaimedBranch | ReleasingBranch }
  | { readonly kind: "find"; readonly record: ClaimedBranch | ReleasingBranch }
  | { readonly kind: "associate"; readonly record: CreatedBranch }
  | { readonly kind: "disassociate"; readonly record: ReleasingBranch; readonly associationId: AssociationId }
  | { readonly kind: "delete"; readonly record: ReleasingBranch; readonly eniId: EniId };

/** What came of a call: its answer, or why EC2 refused. */
export type CallResult =
  | { readonly ok: true; readonly eni?: BranchEni | undefined; readonly associationId?: AssociationId | undefined }
  | { readonly ok: false; readonly failure: Ec2Failure };

const actions: Record<BranchCall["kind"], Ec2Action> = {
  create: "CreateNetworkInterface",
  find: "DescribeNetworkInterfaces",
  associate: "AssociateTrunkInterface",
  disassociate: "DisassociateTrunkInterface",
  delete: "DeleteNetworkInterface",
};

/** The EC2 action of a call, whose token it takes. */
export const actionOf = (call: BranchCall): Ec2Action => actions[call.kind];

/** The call that carries a branch on, or nothing when it is at rest. */
export const nextCall = (branch: BranchRecord | undefined, now: number): BranchCall | undefined => {
  switch (branch?.status) {
    case "claimed":
      return { kind: "create", record: branch };
    case "created":
      return { kind: "associate", record: branch };
    case "releasing":
      return nextRelease(branch, now);
    case undefined:
    case "waiting":
    case "associated":
    case "cooling":
    case "gone":
      return undefined;
  }
};

/** A claim whose ENI is not known repeats its Create to learn it (P07); the ENI of a cut branch rests until its cool-down ends (P20). */
const nextRelease = (record: ReleasingBranch, now: number): BranchCall | undefined => {
  if (record.eni === undefined) return { kind: "create", record };
  if (record.associationId !== undefined) {
    return { kind: "disassociate", record, associationId: record.associationId };
  }
  return record.deleteNotBefore <= now ? { kind: "delete", record, eniId: record.eni.eniId } : undefined;
};

/**
 * A call as it concerns the record that is there now. A branch that fell with its siblings while its Create was under way is still its worker's:
 * the answer tells what there is to delete. Undefined: another worker has carried the branch on.
 */
export const callOn = (record: BranchRecord | undefined, call: BranchCall): BranchCall | undefined => {
  if (record?.version === call.record.version && record.status === call.record.status) return call;
  const isOurs =
    call.kind === "create" &&
    record?.status === "releasing" &&
    record.eni === undefined &&
    record.generation === call.record.generation &&
    record.createdAt === call.record.createdAt &&
    record.stepDeadline === call.record.stepDeadline;
  return isOurs ? { kind: "create", record } : undefined;
};

/** The intent of a branch, from which its tags and tokens follow (P06). */
export const intentOf = (
  record: Pick<BranchRecord, "instanceId" | "owner" | "index" | "createdAt" | "generation">,
  cluster: ClusterName,
): Intent => ({
  cluster,
  instanceId: record.instanceId,
  owner: record.owner,
  index: record.index,
  createdAt: record.createdAt,
  generation: record.generation,
});

/** Whether a record of the partition holds this ENI: then it is nobody else's to take (P06). */
export const isEniKnown = (partition: Partition, eniId: EniId): boolean =>
  partition.branches.some((branch) => "eni" in branch && branch.eni?.eniId === eniId) ||
  partition.trunk?.trunkEniId === eniId;
