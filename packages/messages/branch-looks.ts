import { z } from "zod";
import { branchOwner, instanceId } from "./fields.ts";
import { enisPerPodMax } from "./limits.ts";

/** What the functions send to themselves about a branch whose time will come. */
export const branchLook = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("BranchLook"),
    instanceId,
    owner: branchOwner,
    index: z
      .int()
      .min(0)
      .max(enisPerPodMax - 1),
  }),
]);
