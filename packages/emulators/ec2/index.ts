/** EC2 as far as trunk and branch ENIs need it: a pure model, and a server that the AWS SDK and CLI can talk to. */
export { type Ec2Emulator, type EmulatorSettings, startEc2Emulator } from "./emulator.ts";
export type { Ec2Action, Ec2Input, Ec2Output } from "./model/actions.ts";
export type { InstanceToAdopt } from "./model/adopted-instance.ts";
export type { BucketLimits, Ec2Config, Ec2ConfigPatch } from "./model/config.ts";
export { ConnectionDropped, Ec2Error } from "./model/errors.ts";
export type { InstanceStateChangeEvent } from "./model/events.ts";
export type { ArmedFault, Fault } from "./model/faults.ts";
export {
  createEc2Model,
  type Ec2Model,
  type Ec2ModelSettings,
  type InstanceStateListener,
  type PerformedCall,
} from "./model/model.ts";
export type { ReachAnswer, ReachQuery } from "./model/reachability.ts";
export type { Ec2State } from "./model/state.ts";
export type { ActionStats } from "./model/stats.ts";
export type { Clock } from "./model/time.ts";
export { type LatencyConfig, NO_LATENCY, TYPICAL_LATENCY } from "./server/latency.ts";
