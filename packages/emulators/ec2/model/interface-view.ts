import type {
  DescribeNetworkInterfacesRequest,
  DescribeNetworkInterfacesResult,
  GroupIdentifier,
  NetworkInterface,
  NetworkInterfaceAttachment,
  NetworkInterfaceStatus,
  NetworkInterfaceType,
} from "@aws-sdk/client-ec2";
import { compileFilters, type FilterTable } from "./filters.ts";
import { page, refuseIdsWithPages, rowsOf } from "./paging.ts";
import type { AttachmentRecord, InterfaceRecord } from "./records.ts";
import { zoneId } from "./subnets.ts";
import { tagSet } from "./tags.ts";
import { dateOf } from "./time.ts";
import type { World } from "./world.ts";

/** `DescribeNetworkInterfaces`. */
export function describeNetworkInterfaces(
  world: World,
  input: DescribeNetworkInterfacesRequest,
): DescribeNetworkInterfacesResult {
  refuseIdsWithPages(input.NetworkInterfaceIds, "networkInterfaceIds", input);
  const matches = compileFilters(input.Filters, FILTERS(world));
  const rows = rowsOf(world.interfaces, "networkInterface", input.NetworkInterfaceIds);
  const { records, nextToken } = page(
    rows.filter((row) => matches(row.record)),
    input,
  );
  return { NetworkInterfaces: records.map((record) => interfaceView(world, record)), NextToken: nextToken };
}

/** The groups with their names; of a deleted group only the ID is left. */
export function groupIdentifiers(world: World, groupIds: readonly string[]): GroupIdentifier[] {
  return groupIds.map((GroupId) => ({ GroupId, GroupName: world.groups.get(GroupId)?.name ?? GroupId }));
}

/** `in-use` means attached to an instance, or associated with a trunk. */
export function interfaceStatus(networkInterface: InterfaceRecord): NetworkInterfaceStatus {
  return networkInterface.attachment || networkInterface.associationId ? "in-use" : "available";
}

/** The DNS name that EC2 gives to a private address. */
export function privateDnsName(world: World, address: string): string {
  const domain = world.region === "us-east-1" ? "ec2.internal" : `${world.region}.compute.internal`;
  return `ip-${address.replaceAll(".", "-")}.${domain}`;
}

/** An interface as the API shows it. */
export function interfaceView(world: World, record: InterfaceRecord): NetworkInterface {
  const [primary = ""] = record.addresses;
  return {
    NetworkInterfaceId: record.id,
    InterfaceType: record.type as NetworkInterfaceType,
    Status: interfaceStatus(record),
    Description: record.description,
    SubnetId: record.subnetId,
    VpcId: record.vpcId,
    AvailabilityZone: record.zone,
    AvailabilityZoneId: zoneId(record.zone),
    OwnerId: world.account,
    RequesterManaged: false,
    MacAddress: record.mac,
    SourceDestCheck: record.sourceDestCheck,
    PrivateIpAddress: primary,
    PrivateDnsName: privateDnsName(world, primary),
    PrivateIpAddresses: record.addresses.map((address, index) => ({
      PrivateIpAddress: address,
      PrivateDnsName: privateDnsName(world, address),
      Primary: index === 0,
    })),
    Ipv6Addresses: record.ipv6Addresses.map((Ipv6Address) => ({ Ipv6Address, IsPrimaryIpv6: false })),
    Groups: groupIdentifiers(world, record.groupIds),
    Attachment: record.attachment && attachmentView(world, record.attachment),
    TagSet: tagSet(record.tags),
  };
}

function attachmentView(world: World, attachment: AttachmentRecord): NetworkInterfaceAttachment {
  return {
    AttachmentId: attachment.id,
    InstanceId: attachment.instanceId,
    InstanceOwnerId: world.account,
    DeviceIndex: attachment.deviceIndex,
    NetworkCardIndex: attachment.networkCardIndex,
    Status: attachment.status,
    AttachTime: dateOf(attachment.attachedAtMs),
    DeleteOnTermination: attachment.deleteOnTermination,
  };
}

const FILTERS = (world: World): FilterTable<InterfaceRecord> => ({
  "network-interface-id": (record) => [record.id],
  "interface-type": (record) => [record.type],
  status: (record) => [interfaceStatus(record)],
  description: (record) => [record.description],
  "subnet-id": (record) => [record.subnetId],
  "vpc-id": (record) => [record.vpcId],
  "availability-zone": (record) => [record.zone],
  "availability-zone-id": (record) => [zoneId(record.zone)],
  "owner-id": () => [world.account],
  "requester-id": () => [],
  "requester-managed": () => [false],
  "mac-address": (record) => [record.mac],
  "source-dest-check": (record) => [record.sourceDestCheck],
  "private-ip-address": (record) => record.addresses.slice(0, 1),
  "private-dns-name": (record) => record.addresses.slice(0, 1).map((address) => privateDnsName(world, address)),
  "addresses.private-ip-address": (record) => record.addresses,
  "addresses.primary": (record) => record.addresses.map((_, index) => index === 0),
  "ipv6-addresses.ipv6-address": (record) => record.ipv6Addresses,
  "group-id": (record) => record.groupIds,
  "group-name": (record) => groupIdentifiers(world, record.groupIds).map((group) => group.GroupName),
  "attachment.attachment-id": (record) => [record.attachment?.id],
  "attachment.instance-id": (record) => [record.attachment?.instanceId],
  "attachment.instance-owner-id": (record) => [record.attachment && world.account],
  "attachment.device-index": (record) => [record.attachment?.deviceIndex],
  "attachment.network-card-index": (record) => [record.attachment?.networkCardIndex],
  "attachment.status": (record) => [record.attachment?.status],
  "attachment.delete-on-termination": (record) => [record.attachment?.deleteOnTermination],
  "association.association-id": () => [],
  "association.allocation-id": () => [],
  "association.public-ip": () => [],
});
