import type {
  _InstanceType,
  DescribeInstancesRequest,
  DescribeInstancesResult,
  Instance,
  InstanceNetworkInterface,
  InstanceState as InstanceStateView,
  Reservation,
} from "@aws-sdk/client-ec2";
import { compileFilters, type FilterTable } from "./filters.ts";
import { groupIdentifiers, interfaceStatus, interfaceView, privateDnsName } from "./interface-view.ts";
import { page, refuseIdsWithPages, rowsOf } from "./paging.ts";
import type { InstanceRecord, InstanceState, InterfaceRecord } from "./records.ts";
import { zoneId } from "./subnets.ts";
import { tagSet } from "./tags.ts";
import { dateOf } from "./time.ts";
import { known, type World } from "./world.ts";

const STATE_CODES: Readonly<Record<InstanceState, number>> = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

/** A state with the code that EC2 gives it. */
export function stateView(state: InstanceState): InstanceStateView {
  return { Code: STATE_CODES[state], Name: state };
}

/** `DescribeInstances`: pages count instances, and show them by reservation. */
export function describeInstances(world: World, input: DescribeInstancesRequest): DescribeInstancesResult {
  refuseIdsWithPages(input.InstanceIds, "instancesSet", input);
  const matches = compileFilters(input.Filters, FILTERS(world));
  const rows = rowsOf(world.instances, "instance", input.InstanceIds).filter((row) => matches(row.record));
  const { records, nextToken } = page(rows, input);
  const reservations = Map.groupBy(records, (instance) => instance.reservationId);
  return {
    Reservations: [...reservations].map(([id, instances]) => reservationView(world, id, instances)),
    NextToken: nextToken,
  };
}

/** The instances that one request launched. */
export function reservationView(
  world: World,
  reservationId: string,
  instances: readonly InstanceRecord[],
): Reservation {
  return {
    ReservationId: reservationId,
    OwnerId: world.account,
    Groups: [],
    Instances: instances.map((instance) => instanceView(world, instance)),
  };
}

function interfacesOf(world: World, instance: InstanceRecord): InterfaceRecord[] {
  return [...instance.interfaceIds]
    .map((id) => known(world.interfaces, id))
    .sort((a, b) => (a.attachment?.deviceIndex ?? 0) - (b.attachment?.deviceIndex ?? 0));
}

/** An instance as the API shows it. */
export function instanceView(world: World, instance: InstanceRecord): Instance {
  const interfaces = interfacesOf(world, instance);
  const [primary] = interfaces;
  const address = primary?.addresses[0];
  return {
    InstanceId: instance.id,
    ImageId: instance.imageId,
    InstanceType: instance.type as _InstanceType,
    KeyName: instance.keyName,
    ClientToken: instance.clientToken ?? "",
    AmiLaunchIndex: instance.launchIndex,
    LaunchTime: dateOf(instance.launchedAtMs),
    State: stateView(instance.state),
    StateTransitionReason: instance.stateReason,
    Placement: {
      AvailabilityZone: instance.zone,
      AvailabilityZoneId: zoneId(instance.zone),
      GroupName: "",
      Tenancy: "default",
    },
    Monitoring: { State: "disabled" },
    Architecture: "x86_64",
    Hypervisor: "xen",
    VirtualizationType: "hvm",
    RootDeviceType: "ebs",
    ...(primary && { SubnetId: instance.subnetId, VpcId: instance.vpcId }),
    ...(address !== undefined && { PrivateIpAddress: address }),
    PrivateDnsName: address === undefined ? "" : privateDnsName(world, address),
    PublicDnsName: "",
    SourceDestCheck: primary?.sourceDestCheck,
    SecurityGroups: groupIdentifiers(world, primary?.groupIds ?? []),
    NetworkInterfaces: interfaces.map((record) => attachedView(world, record)),
    BlockDeviceMappings: [],
    ProductCodes: [],
    Tags: tagSet(instance.tags),
  };
}

function attachedView(world: World, record: InterfaceRecord): InstanceNetworkInterface {
  const view = interfaceView(world, record);
  return {
    NetworkInterfaceId: record.id,
    InterfaceType: record.type,
    Status: interfaceStatus(record),
    Description: record.description,
    SubnetId: record.subnetId,
    VpcId: record.vpcId,
    OwnerId: world.account,
    MacAddress: record.mac,
    SourceDestCheck: record.sourceDestCheck,
    PrivateIpAddress: view.PrivateIpAddress,
    PrivateDnsName: view.PrivateDnsName,
    PrivateIpAddresses: view.PrivateIpAddresses,
    Ipv6Addresses: view.Ipv6Addresses,
    Groups: view.Groups,
    Attachment: view.Attachment,
  };
}

const FILTERS = (world: World): FilterTable<InstanceRecord> => {
  const each =
    <V>(read: (record: InterfaceRecord) => readonly V[]) =>
    (instance: InstanceRecord) =>
      interfacesOf(world, instance).flatMap(read);
  const primary =
    <V>(read: (record: InterfaceRecord) => readonly V[]) =>
    (instance: InstanceRecord) =>
      interfacesOf(world, instance).slice(0, 1).flatMap(read);
  const groupNames = (record: InterfaceRecord) =>
    groupIdentifiers(world, record.groupIds).map((group) => group.GroupName);
  return {
    "instance-id": (instance) => [instance.id],
    "instance-type": (instance) => [instance.type],
    "instance-state-name": (instance) => [instance.state],
    "instance-state-code": (instance) => [STATE_CODES[instance.state]],
    "availability-zone": (instance) => [instance.zone],
    "availability-zone-id": (instance) => [zoneId(instance.zone)],
    "client-token": (instance) => [instance.clientToken],
    "image-id": (instance) => [instance.imageId],
    "key-name": (instance) => [instance.keyName],
    "launch-index": (instance) => [instance.launchIndex],
    "owner-id": () => [world.account],
    "reservation-id": (instance) => [instance.reservationId],
    "subnet-id": (instance) => [instance.subnetId],
    "vpc-id": (instance) => [instance.vpcId],
    "private-ip-address": primary((record) => record.addresses.slice(0, 1)),
    "private-dns-name": primary((record) => record.addresses.slice(0, 1).map((one) => privateDnsName(world, one))),
    "instance.group-id": primary((record) => record.groupIds),
    "instance.group-name": primary(groupNames),
    "network-interface.network-interface-id": each((record) => [record.id]),
    "network-interface.subnet-id": each((record) => [record.subnetId]),
    "network-interface.vpc-id": each((record) => [record.vpcId]),
    "network-interface.mac-address": each((record) => [record.mac]),
    "network-interface.description": each((record) => [record.description]),
    "network-interface.status": each((record) => [interfaceStatus(record)]),
    "network-interface.group-id": each((record) => record.groupIds),
    "network-interface.group-name": each(groupNames),
    "network-interface.private-ip-address": each((record) => record.addresses.slice(0, 1)),
    "network-interface.addresses.private-ip-address": each((record) => record.addresses),
    "network-interface.attachment.attachment-id": each((record) => [record.attachment?.id]),
    "network-interface.attachment.device-index": each((record) => [record.attachment?.deviceIndex]),
    "network-interface.attachment.status": each((record) => [record.attachment?.status]),
  };
};
