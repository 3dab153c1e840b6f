import type { InstanceNetworkInterfaceSpecification, Reservation, RunInstancesRequest } from "@aws-sdk/client-ec2";
import { putOn, takeOff } from "./attachments.ts";
import { Ec2Error, invalidCombination, invalidValue, required } from "./errors.ts";
import { wellFormed } from "./ids.ts";
import { enter } from "./instance-lifecycle.ts";
import { limitsOf } from "./instance-types.ts";
import { reservationView } from "./instance-view.ts";
import { dropInterface, makeInterface } from "./interfaces.ts";
import type { InstanceRecord, InterfaceRecord, SubnetRecord } from "./records.ts";
import { tagsFor } from "./tags.ts";
import { known, lookUp, type World } from "./world.ts";

const COUNT_MAX = 1_000;
const TAGGABLE = ["instance", "network-interface", "volume"];

/**
 * `RunInstances`: as many instances as there is room for, at least `MinCount`, else none. Images are not modelled: any
 * well-formed image ID is taken. What does not concern networking (user data, volumes, roles) is accepted and ignored.
 */
export function runInstances(world: World, input: RunInstancesRequest): Reservation {
  const call = { action: "RunInstances", input, nowMs: world.clock.now() };
  return world.clientTokens.once(call, () => {
    const { min, max } = counts(input);
    wellFormed("image", required(input.ImageId, "ImageId"));
    const type = input.InstanceType ?? "m1.small";
    if (!limitsOf(type)) throw invalidValue(`Invalid value '${type}' for InstanceType.`);
    const specifications = interfaceSpecifications(input);
    const reservationId = world.ids.next("r");
    const launched: InstanceRecord[] = [];
    try {
      for (let index = 0; index < max; index++) {
        launched.push(launch(world, input, { type, reservationId, specifications, index }));
      }
    } catch (error) {
      if (!(error instanceof Ec2Error) || launched.length < min) {
        for (const instance of launched) undo(world, instance);
        throw error;
      }
    }
    for (const instance of launched) enter(world, instance, "pending");
    return () => reservationView(world, reservationId, launched);
  });
}

interface Launch {
  readonly type: string;
  readonly reservationId: string;
  readonly specifications: readonly InstanceNetworkInterfaceSpecification[];
  readonly index: number;
}

function counts(input: RunInstancesRequest): { min: number; max: number } {
  const min = required(input.MinCount, "MinCount");
  const max = required(input.MaxCount, "MaxCount");
  if (min < 1 || max < min)
    throw invalidValue(`Invalid value '${min}' for minCount: it must be between 1 and maxCount.`);
  if (max > COUNT_MAX)
    throw new Ec2Error("InstanceLimitExceeded", `You have requested more than ${COUNT_MAX} instances.`);
  return { min, max };
}

/** The interfaces of each instance; the instance-level parameters stand for a single one at device index 0. */
function interfaceSpecifications(input: RunInstancesRequest): InstanceNetworkInterfaceSpecification[] {
  const given = input.NetworkInterfaces ?? [];
  if (given.length === 0) {
    return [
      {
        DeviceIndex: 0,
        SubnetId: input.SubnetId,
        Groups: input.SecurityGroupIds,
        PrivateIpAddress: input.PrivateIpAddress,
        Ipv6AddressCount: input.Ipv6AddressCount,
        DeleteOnTermination: true,
      },
    ];
  }
  if (input.SubnetId !== undefined || input.SecurityGroupIds?.length) {
    throw invalidCombination(
      "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request",
    );
  }
  if (!given.some((one) => (one.DeviceIndex ?? 0) === 0)) {
    throw invalidValue("The associated network interfaces must include one at device index 0.");
  }
  return given.toSorted((a, b) => (a.DeviceIndex ?? 0) - (b.DeviceIndex ?? 0));
}

function launch(world: World, input: RunInstancesRequest, launchOf: Launch): InstanceRecord {
  const subnet = subnetOf(world, launchOf.specifications[0]);
  const instance: InstanceRecord = {
    id: world.ids.next("i"),
    reservationId: launchOf.reservationId,
    type: launchOf.type,
    imageId: required(input.ImageId, "ImageId"),
    keyName: input.KeyName,
    clientToken: input.ClientToken,
    vpcId: subnet.vpcId,
    subnetId: subnet.id,
    zone: subnet.zone,
    launchIndex: launchOf.index,
    launchedAtMs: world.clock.now(),
    tags: tagsFor("instance", input.TagSpecifications, TAGGABLE),
    interfaceIds: new Set(),
    state: "pending",
    stateReason: "",
  };
  world.instances.insert(instance);
  try {
    for (const specification of launchOf.specifications) attach(world, input, instance, specification);
  } catch (error) {
    undo(world, instance);
    throw error;
  }
  return instance;
}

function subnetOf(world: World, specification: InstanceNetworkInterfaceSpecification | undefined): SubnetRecord {
  if (specification?.NetworkInterfaceId !== undefined) {
    const existing = lookUp(world.interfaces, "networkInterface", specification.NetworkInterfaceId);
    return known(world.subnets, existing.subnetId);
  }
  if (specification?.SubnetId === undefined) {
    throw new Ec2Error(
      "VPCIdNotSpecified",
      "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
    );
  }
  return lookUp(world.subnets, "subnet", specification.SubnetId);
}

function attach(
  world: World,
  input: RunInstancesRequest,
  instance: InstanceRecord,
  specification: InstanceNetworkInterfaceSpecification,
): void {
  const existingId = specification.NetworkInterfaceId;
  const networkInterface =
    existingId === undefined
      ? makeFor(world, input, instance, specification)
      : lookUp(world.interfaces, "networkInterface", existingId);
  try {
    putOn(world, instance, networkInterface, {
      deviceIndex: specification.DeviceIndex ?? 0,
      networkCardIndex: specification.NetworkCardIndex ?? 0,
      deleteOnTermination: specification.DeleteOnTermination ?? existingId === undefined,
    });
  } catch (error) {
    if (existingId === undefined) dropInterface(world, networkInterface);
    throw error;
  }
}

function makeFor(
  world: World,
  input: RunInstancesRequest,
  instance: InstanceRecord,
  specification: InstanceNetworkInterfaceSpecification,
): InterfaceRecord {
  return makeInterface(world, {
    subnet:
      specification.SubnetId === undefined ? known(world.subnets, instance.subnetId) : subnetOf(world, specification),
    tags: tagsFor("network-interface", input.TagSpecifications, TAGGABLE),
    type: specification.InterfaceType,
    description: specification.Description,
    groupIds: specification.Groups,
    privateIpAddress: specification.PrivateIpAddress,
    privateIpAddresses: specification.PrivateIpAddresses,
    secondaryCount: specification.SecondaryPrivateIpAddressCount,
    ipv6Count: specification.Ipv6AddressCount,
    ipv6Addresses: specification.Ipv6Addresses?.flatMap((one) => one.Ipv6Address ?? []),
  });
}

/** Takes back a launch that did not succeed: interfaces made for it go, those that were there before stay. */
function undo(world: World, instance: InstanceRecord): void {
  for (const id of [...instance.interfaceIds]) {
    const networkInterface = known(world.interfaces, id);
    const madeForIt = networkInterface.attachment?.deleteOnTermination;
    if (madeForIt) dropInterface(world, networkInterface);
    else takeOff(world, networkInterface);
  }
  world.instances.remove(instance.id);
}
