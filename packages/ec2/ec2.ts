import type { EC2Client } from "@aws-sdk/client-ec2";
import type { Ec2 } from "@trunkline/core";
import { createCall } from "./calls.ts";
import { createChanges } from "./changes.ts";
import { createLooks } from "./looks.ts";

/**
 * EC2 as the allocator sees it.
 *
 * @param options.client made by `createEc2Client`: one attempt per call
 * @param options.deployment the value of the tag `trunkline:owner` on every ENI of ours
 */
export const createEc2 = (options: { readonly client: EC2Client; readonly deployment: string }): Ec2 => {
  const call = createCall(options.client);
  return { ...createChanges(call, options.deployment), ...createLooks(call, options.deployment) };
};
