import { instanceEventPattern } from "@trunkline/runtime/names";
import type { Queues } from "./queues.ts";

/** Sends EC2's state changes to their queue: a fast path only, because EventBridge delivers them at best effort. */
export function createInstanceEvents({ shared }: Queues): void {
  const queue = shared["instance-events"];
  const rule = new aws.cloudwatch.EventRule("instance-events-rule", {
    description: "Instances that end, for Trunkline",
    eventPattern: JSON.stringify(instanceEventPattern),
  });
  new aws.sqs.QueuePolicy("instance-events-policy", {
    queueUrl: queue.url,
    policy: $jsonStringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: "events.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: queue.arn,
          Condition: { ArnEquals: { "aws:SourceArn": rule.arn } },
        },
      ],
    }),
  });
  new aws.cloudwatch.EventTarget("instance-events-target", { rule: rule.name, arn: queue.arn });
}
