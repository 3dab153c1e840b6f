import { handleBranchLooks } from "@trunkline/allocator";
import { parseBranchLook } from "@trunkline/messages";
import { compose, requireEnvironment, sharedQueueHandler } from "@trunkline/runtime";

const composition = compose(requireEnvironment(process.env));

export const handler = sharedQueueHandler(composition, parseBranchLook, (deliveries) =>
  handleBranchLooks(composition.dependencies, deliveries),
);
