import { reap } from "@trunkline/allocator";
import { compose, requireEnvironment, scheduledHandler } from "@trunkline/runtime";

const composition = compose(requireEnvironment(process.env));

export const handler = scheduledHandler(composition, () => reap(composition.dependencies));
