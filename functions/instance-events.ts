import { handleInstanceEvents } from "@trunkline/allocator";
import { parseInstanceStateChange } from "@trunkline/messages";
import { compose, requireEnvironment, sharedQueueHandler } from "@trunkline/runtime";

const composition = compose(requireEnvironment(process.env));

export const handler = sharedQueueHandler(composition, parseInstanceStateChange, (deliveries) =>
  handleInstanceEvents(composition.dependencies, deliveries),
);
