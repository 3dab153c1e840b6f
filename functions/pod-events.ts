import { handlePodEvents } from "@trunkline/allocator";
import { parsePodEvent } from "@trunkline/messages";
import { clusterQueueHandler, compose, requireEnvironment } from "@trunkline/runtime";

const composition = compose(requireEnvironment(process.env));

export const handler = clusterQueueHandler(composition, "pod-events", parsePodEvent, (deliveries) =>
  handlePodEvents(composition.dependencies, deliveries),
);
