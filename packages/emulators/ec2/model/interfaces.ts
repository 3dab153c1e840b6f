import type { PrivateIpAddressSpecification } from "@aws-sdk/client-ec2";
import { Ec2Error, invalidValue } from "./errors.ts";
import { cidrContains, formatAddress, parseAddress } from "./ip.ts";
import type { InterfaceRecord, SubnetRecord } from "./records.ts";
import { groupsForInterface } from "./security-groups.ts";
import type { Tags } from "./tags.ts";
import { forgetAssociation } from "./trunk-associations.ts";
import type { World } from "./world.ts";

/** What an interface shall be, in the words of the requests that make one. */
export interface InterfaceWish {
  readonly subnet: SubnetRecord;
  readonly tags: Tags;
  readonly type?: string | undefined;
  readonly description?: string | undefined;
  readonly groupIds?: readonly string[] | undefined;
  readonly privateIpAddress?: string | undefined;
  readonly privateIpAddresses?: readonly PrivateIpAddressSpecification[] | undefined;
  readonly secondaryCount?: number | undefined;
  readonly ipv6Count?: number | undefined;
  readonly ipv6Addresses?: readonly string[] | undefined;
}

/** Makes an interface, or throws and leaves everything as it was. */
export function makeInterface(world: World, wish: InterfaceWish): InterfaceRecord {
  const { subnet } = wish;
  const groupIds = groupsForInterface(world, subnet.vpcId, wish.groupIds);
  const count = world.interfaceCounts.get(subnet.zone) ?? 0;
  if (count >= world.config.quotas.interfacesPerZoneMax) {
    throw new Ec2Error("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached.");
  }
  const id = world.ids.next("eni");
  const ipv6Addresses = chooseIpv6(world, wish);
  const networkInterface: InterfaceRecord = {
    id,
    subnetId: subnet.id,
    vpcId: subnet.vpcId,
    zone: subnet.zone,
    mac: world.ids.mac(),
    tags: wish.tags,
    type: wish.type ?? "interface",
    description: wish.description ?? "",
    sourceDestCheck: true,
    groupIds,
    addresses: takeAddresses(world, id, wish),
    ipv6Addresses,
    attachment: undefined,
    associationId: undefined,
  };
  world.interfaceCounts.set(subnet.zone, count + 1);
  return world.interfaces.insert(networkInterface);
}

/**
 * Removes an interface. Its addresses become free; as a branch it leaves its trunk; with a trunk its associations
 * vanish, and the branches stay behind unattached.
 */
export function dropInterface(world: World, networkInterface: InterfaceRecord): void {
  const { id, subnetId, zone, attachment } = networkInterface;
  for (const association of [...(world.trunks.get(id)?.values() ?? [])]) forgetAssociation(world, association);
  const asBranch = networkInterface.associationId && world.associations.get(networkInterface.associationId);
  if (asBranch) forgetAssociation(world, asBranch);
  for (const address of networkInterface.addresses) world.subnets.get(subnetId)?.addresses.release(address);
  if (attachment) {
    world.attachments.delete(attachment.id);
    world.instances.get(attachment.instanceId)?.interfaceIds.delete(id);
    networkInterface.attachment = undefined;
  }
  world.interfaceCounts.set(zone, (world.interfaceCounts.get(zone) ?? 1) - 1);
  world.interfaces.remove(id);
}

/** The interface that has this private address, in one VPC or in any. */
export function interfaceByAddress(world: World, address: string, vpcId?: string): InterfaceRecord | undefined {
  const ipv6 = parseAddress(address)?.family === 6;
  for (const subnet of world.subnets.values()) {
    if (vpcId !== undefined && subnet.vpcId !== vpcId) continue;
    const owner = subnet.addresses.ownerOf(address);
    if (owner !== undefined) return world.interfaces.get(owner);
  }
  if (!ipv6) return undefined;
  return [...world.interfaces.values()].find((candidate) => candidate.ipv6Addresses.includes(address));
}

function takeAddresses(world: World, owner: string, wish: InterfaceWish): string[] {
  const pool = wish.subnet.addresses;
  const specifications = wish.privateIpAddresses ?? [];
  const primary = wish.privateIpAddress ?? specifications.find((one) => one.Primary)?.PrivateIpAddress;
  const named = specifications.flatMap((one) => (one.Primary ? [] : (one.PrivateIpAddress ?? [])));
  const taken: string[] = [];
  try {
    if (primary !== undefined) taken.push(pool.takeNamed(owner, primary));
    else taken.push(...pool.take(owner, 1, world.random));
    for (const address of named) taken.push(pool.takeNamed(owner, address));
    taken.push(...pool.take(owner, wish.secondaryCount ?? 0, world.random));
    return taken;
  } catch (error) {
    for (const address of taken) pool.release(address);
    throw error;
  }
}

function chooseIpv6(world: World, { subnet, ipv6Addresses, ipv6Count }: InterfaceWish): string[] {
  const count = ipv6Count ?? (ipv6Addresses?.length || !subnet.assignsIpv6 ? 0 : 1);
  if (count === 0 && !ipv6Addresses?.length) return [];
  const block = subnet.ipv6Cidr;
  if (!block) {
    throw invalidValue(`Invalid value for ipv6AddressCount. The subnet '${subnet.id}' has no IPv6 CIDR block.`);
  }
  for (const text of ipv6Addresses ?? []) {
    const address = parseAddress(text);
    if (!address || !cidrContains(block, address))
      throw invalidValue(`Address ${text} does not fall within the subnet`);
    if (interfaceByAddress(world, formatAddress(address))) {
      throw new Ec2Error("InvalidIPAddress.InUse", `Address ${text} is in use.`);
    }
  }
  const made = Array.from({ length: count }, () => {
    // The 16 last digits of a new ID are as good as random, and never the same twice.
    const host = BigInt(`0x${world.ids.next("ipv6").slice(-16)}`);
    return formatAddress({ family: 6, value: block.base | host });
  });
  return [...(ipv6Addresses ?? []), ...made];
}
