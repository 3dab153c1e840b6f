import type {
  InstanceStateChange,
  StartInstancesRequest,
  StartInstancesResult,
  StopInstancesRequest,
  StopInstancesResult,
  TerminateInstancesRequest,
  TerminateInstancesResult,
} from "@aws-sdk/client-ec2";
import { takeOff } from "./attachments.ts";
import { Ec2Error, required } from "./errors.ts";
import { stateView } from "./instance-view.ts";
import { dropInterface } from "./interfaces.ts";
import type { InstanceRecord, InstanceState } from "./records.ts";
import { dateOf } from "./time.ts";
import { known, later, lookUp, type World } from "./world.ts";

/** Brings an instance into a state, tells the listeners, and plans the state that follows by itself. */
export function enter(world: World, instance: InstanceRecord, state: InstanceState): void {
  instance.state = state;
  if (state === "terminated") leaveInterfaces(world, instance);
  world.onInstanceState(instance);
  const next = NEXT[state];
  if (!next) return;
  later(world, world.config.transitions[next.delay], () => {
    // Meanwhile somebody may have stopped or terminated it.
    if (instance.state === state) next.follow(world, instance);
  });
}

interface Following {
  readonly delay: "pendingMs" | "shuttingDownMs" | "stoppingMs" | "terminatedKeptMs";
  readonly follow: (world: World, instance: InstanceRecord) => void;
}

const NEXT: Readonly<Partial<Record<InstanceState, Following>>> = {
  pending: { delay: "pendingMs", follow: (world, instance) => enter(world, instance, "running") },
  "shutting-down": { delay: "shuttingDownMs", follow: (world, instance) => enter(world, instance, "terminated") },
  stopping: { delay: "stoppingMs", follow: (world, instance) => enter(world, instance, "stopped") },
  terminated: { delay: "terminatedKeptMs", follow: (world, instance) => world.instances.remove(instance.id) },
};

/** `TerminateInstances`. An instance that is going already is left alone. */
export function terminateInstances(world: World, input: TerminateInstancesRequest): TerminateInstancesResult {
  return { TerminatingInstances: changeAll(world, input.InstanceIds, terminate) };
}

/** `StopInstances`. */
export function stopInstances(world: World, input: StopInstancesRequest): StopInstancesResult {
  return { StoppingInstances: changeAll(world, input.InstanceIds, stop) };
}

/** `StartInstances`. */
export function startInstances(world: World, input: StartInstancesRequest): StartInstancesResult {
  return { StartingInstances: changeAll(world, input.InstanceIds, start) };
}

type Change = (world: World, instance: InstanceRecord) => (() => void) | undefined;

/** Changes all of the instances or, when one of them cannot be changed, none. */
function changeAll(world: World, ids: readonly string[] | undefined, change: Change): InstanceStateChange[] {
  const instances = required(ids, "InstanceId").map((id) => lookUp(world.instances, "instance", id));
  if (instances.length === 0) required(undefined, "InstanceId");
  const changes = instances.map((instance) => ({ instance, apply: change(world, instance) }));
  return changes.map(({ instance, apply }) => {
    const PreviousState = stateView(instance.state);
    apply?.();
    return { InstanceId: instance.id, CurrentState: stateView(instance.state), PreviousState };
  });
}

const terminate: Change = (world, instance) => {
  if (instance.state === "shutting-down" || instance.state === "terminated") return undefined;
  return () => {
    instance.stateReason = userInitiated(world);
    enter(world, instance, "shutting-down");
  };
};

const stop: Change = (world, instance) => {
  if (instance.state === "stopping" || instance.state === "stopped") return undefined;
  if (instance.state !== "running") throw incorrectState(instance, "stopped");
  return () => {
    instance.stateReason = userInitiated(world);
    enter(world, instance, "stopping");
  };
};

const start: Change = (world, instance) => {
  if (instance.state === "pending" || instance.state === "running") return undefined;
  if (instance.state !== "stopped") throw incorrectState(instance, "started");
  return () => {
    instance.stateReason = "";
    enter(world, instance, "pending");
  };
};

function incorrectState(instance: InstanceRecord, wanted: string): Ec2Error {
  return new Ec2Error(
    "IncorrectInstanceState",
    `The instance '${instance.id}' is not in a state from which it can be ${wanted}.`,
  );
}

function userInitiated(world: World): string {
  const at = dateOf(world.clock.now()).toISOString().replace("T", " ").slice(0, 19);
  return `User initiated (${at} GMT)`;
}

/** What a terminated instance leaves: interfaces with DeleteOnTermination go with it, the others become available. */
function leaveInterfaces(world: World, instance: InstanceRecord): void {
  for (const id of [...instance.interfaceIds]) {
    const networkInterface = known(world.interfaces, id);
    if (networkInterface.attachment?.deleteOnTermination) dropInterface(world, networkInterface);
    else takeOff(world, networkInterface);
  }
}
