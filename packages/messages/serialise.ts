import type { BranchLook, NodeEvent, Outcome, PodEvent } from "@trunkline/core";
import { messageVersion } from "./limits.ts";

/** Everything that one side writes and the other reads. */
export type Message = PodEvent | NodeEvent | BranchLook | Outcome;

/** The body of a message as it goes through a queue: JSON with the version of the contract. */
export const serialise = (message: Message): string => JSON.stringify({ version: messageVersion, ...message });
