import type { InstanceRecord, InstanceState } from "./records.ts";
import { isoOf } from "./time.ts";
import type { World } from "./world.ts";

/**
 * What EventBridge delivers when an instance enters a state.
 * See https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
 */
export interface InstanceStateChangeEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": "EC2 Instance State-change Notification";
  readonly source: "aws.ec2";
  readonly account: string;
  /** ISO 8601. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: { readonly "instance-id": string; readonly state: InstanceState };
}

/** The event for the state that the instance is in now. */
export function stateChangeEvent(world: World, instance: InstanceRecord): InstanceStateChangeEvent {
  return {
    version: "0",
    id: world.ids.uuid(),
    "detail-type": "EC2 Instance State-change Notification",
    source: "aws.ec2",
    account: world.account,
    time: isoOf(world.clock.now()),
    region: world.region,
    resources: [`arn:aws:ec2:${world.region}:${world.account}:instance/${instance.id}`],
    detail: { "instance-id": instance.id, state: instance.state },
  };
}
