import type { Context } from "./decision.ts";
import type { PlacedBranch } from "./partition.ts";
import type { ReleasingBranch } from "./records.ts";
import type { Unversioned } from "./writes.ts";

/** A branch whose trunk is gone with its instance: nobody can use it any more, and its association went with the trunk. */
export const stranded = (branch: PlacedBranch, { now }: Context): Unversioned<ReleasingBranch> => ({
  kind: "branch",
  instanceId: branch.instanceId,
  owner: branch.owner,
  index: branch.index,
  status: "releasing",
  generation: branch.generation,
  createdAt: branch.createdAt,
  podVersion: branch.podVersion,
  namespace: branch.namespace,
  name: branch.name,
  enis: branch.enis,
  request: branch.request,
  trunkEniId: branch.trunkEniId,
  vlanId: branch.vlanId,
  eni: "eni" in branch ? branch.eni : undefined,
  eniCreatedAt: "eniCreatedAt" in branch ? branch.eniCreatedAt : undefined,
  associatedAt: "associatedAt" in branch ? branch.associatedAt : undefined,
  holdsSlot: branch.status === "releasing" ? branch.holdsSlot : true,
  deleteNotBefore: now,
  stepDeadline: now,
});
