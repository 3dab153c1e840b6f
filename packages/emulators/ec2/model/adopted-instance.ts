import { putOn } from "./attachments.ts";
import { Ec2Error, invalidValue } from "./errors.ts";
import { wellFormed } from "./ids.ts";
import { enter } from "./instance-lifecycle.ts";
import { limitsOf } from "./instance-types.ts";
import { makeInterface } from "./interfaces.ts";
import { cidrContains, parseAddress } from "./ip.ts";
import type { InstanceRecord, SubnetRecord } from "./records.ts";
import { lookUp, type World } from "./world.ts";

/** An instance that exists somewhere else, such as below a node of a real cluster. */
export interface InstanceToAdopt {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly subnetId: string;
  readonly groupIds: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  /** Taken for the primary interface when it is a free address of the subnet; otherwise any is. */
  readonly privateIp?: string | undefined;
}

/** Any well-formed image does: images are not modelled. */
const IMAGE = "ami-00000000";

/**
 * Makes a running instance under an ID that EC2 did not choose. No call of the API can do this: EC2 gives the IDs.
 * Throws as `RunInstances` does, and when the ID is taken.
 */
export function adoptInstance(world: World, wanted: InstanceToAdopt): void {
  const id = wellFormed("instance", wanted.instanceId);
  if (world.instances.get(id)) throw invalidValue(`The instance '${id}' exists already.`);
  if (!limitsOf(wanted.instanceType)) throw invalidValue(`Invalid value '${wanted.instanceType}' for InstanceType.`);
  const subnet = lookUp(world.subnets, "subnet", wanted.subnetId);
  const primary = makeInterface(world, {
    subnet,
    groupIds: wanted.groupIds,
    tags: new Map(),
    privateIpAddress: freeAddress(subnet, wanted.privateIp),
  });
  const instance: InstanceRecord = {
    id,
    reservationId: world.ids.next("r"),
    type: wanted.instanceType,
    imageId: IMAGE,
    keyName: undefined,
    clientToken: undefined,
    vpcId: subnet.vpcId,
    subnetId: subnet.id,
    zone: subnet.zone,
    launchIndex: 0,
    launchedAtMs: world.clock.now(),
    tags: new Map(Object.entries(wanted.tags)),
    interfaceIds: new Set(),
    state: "pending",
    stateReason: "",
  };
  world.instances.insert(instance);
  putOn(world, instance, primary, { deviceIndex: 0, networkCardIndex: 0, deleteOnTermination: true });
  enter(world, instance, "running");
}

/** The address, if a new interface in the subnet may have it. */
function freeAddress(subnet: SubnetRecord, wanted: string | undefined): string | undefined {
  const address = wanted === undefined ? undefined : parseAddress(wanted);
  if (wanted === undefined || !address || !cidrContains(subnet.cidr, address)) return undefined;
  try {
    // Only the pool knows which addresses are free and not reserved.
    subnet.addresses.release(subnet.addresses.takeNamed("", wanted));
    return wanted;
  } catch (error) {
    if (error instanceof Ec2Error) return undefined;
    throw error;
  }
}
