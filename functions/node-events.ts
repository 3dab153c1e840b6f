import { handleNodeEvents } from "@trunkline/allocator";
import { parseNodeEvent } from "@trunkline/messages";
import { clusterQueueHandler, compose, requireEnvironment } from "@trunkline/runtime";

const composition = compose(requireEnvironment(process.env));

export const handler = clusterQueueHandler(composition, "node-events", parseNodeEvent, (deliveries) =>
  handleNodeEvents(composition.dependencies, deliveries),
);
