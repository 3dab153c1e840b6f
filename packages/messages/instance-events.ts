import { z } from "zod";
import { instanceId } from "./fields.ts";

/**
 * EC2's state change as EventBridge delivers it. Not strict: the envelope is AWS's, which may add to it, and only EventBridge may
 * send to this queue.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
 */
export const instanceStateChange = z.object({
  source: z.literal("aws.ec2"),
  "detail-type": z.literal("EC2 Instance State-change Notification"),
  detail: z.object({
    "instance-id": instanceId,
    state: z.enum(["pending", "running", "shutting-down", "terminated", "stopping", "stopped"]),
  }),
});
