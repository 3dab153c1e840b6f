import type {
  AssignPrivateIpAddressesRequest,
  AssignPrivateIpAddressesResult,
  UnassignPrivateIpAddressesRequest,
} from "@aws-sdk/client-ec2";
import { Ec2Error, invalidValue, required } from "./errors.ts";
import { limitsOf } from "./instance-types.ts";
import type { InterfaceRecord } from "./records.ts";
import { known, lookUp, type World } from "./world.ts";

/** `AssignPrivateIpAddresses`: named addresses, or as many as asked for; all or none. */
export function assignPrivateIpAddresses(
  world: World,
  input: AssignPrivateIpAddressesRequest,
): AssignPrivateIpAddressesResult {
  const id = required(input.NetworkInterfaceId, "networkInterfaceId");
  const networkInterface = lookUp(world.interfaces, "networkInterface", id);
  const named = input.PrivateIpAddresses ?? [];
  const count = input.SecondaryPrivateIpAddressCount ?? 0;
  if (named.length + count === 0)
    throw new Ec2Error(
      "MissingParameter",
      "Either privateIpAddresses or secondaryPrivateIpAddressCount must be specified.",
    );
  checkRoom(world, networkInterface, named.length + count);
  const pool = known(world.subnets, networkInterface.subnetId).addresses;
  const taken: string[] = [];
  try {
    for (const address of named) taken.push(pool.takeNamed(id, address));
    taken.push(...pool.take(id, count, world.random));
  } catch (error) {
    for (const address of taken) pool.release(address);
    throw error;
  }
  networkInterface.addresses = [...networkInterface.addresses, ...taken];
  return {
    NetworkInterfaceId: id,
    AssignedPrivateIpAddresses: taken.map((PrivateIpAddress) => ({ PrivateIpAddress })),
  };
}

/** `UnassignPrivateIpAddresses`: of secondary addresses only. */
export function unassignPrivateIpAddresses(world: World, input: UnassignPrivateIpAddressesRequest): object {
  const id = required(input.NetworkInterfaceId, "networkInterfaceId");
  const networkInterface = lookUp(world.interfaces, "networkInterface", id);
  const leaving = required(input.PrivateIpAddresses, "privateIpAddresses");
  const secondary = networkInterface.addresses.slice(1);
  const foreign = leaving.find((address) => !secondary.includes(address));
  if (foreign !== undefined) {
    throw invalidValue(`Some of the specified addresses are not assigned to interface ${id}: [${foreign}]`);
  }
  const pool = known(world.subnets, networkInterface.subnetId).addresses;
  for (const address of leaving) pool.release(address);
  networkInterface.addresses = networkInterface.addresses.filter((address) => !leaving.includes(address));
  return {};
}

function checkRoom(world: World, networkInterface: InterfaceRecord, more: number): void {
  const instance = networkInterface.attachment && world.instances.get(networkInterface.attachment.instanceId);
  const limits = instance && limitsOf(instance.type);
  if (limits && networkInterface.addresses.length + more > limits.ipv4PerInterfaceMax) {
    throw new Ec2Error("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.");
  }
}
