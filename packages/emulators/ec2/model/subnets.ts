import type {
  CreateSubnetRequest,
  CreateSubnetResult,
  DeleteSubnetRequest,
  DescribeSubnetsRequest,
  DescribeSubnetsResult,
  ModifySubnetAttributeRequest,
  Subnet,
} from "@aws-sdk/client-ec2";
import { AddressPool } from "./address-pool.ts";
import { dependencyViolation, Ec2Error, invalidValue, required } from "./errors.ts";
import { compileFilters, type FilterTable } from "./filters.ts";
import { type Cidr, cidrsOverlap, cidrWithin, formatCidr, parseCidr } from "./ip.ts";
import { page, rowsOf } from "./paging.ts";
import type { SubnetRecord, VpcRecord } from "./records.ts";
import { tagSet, tagsFor } from "./tags.ts";
import { ipv4Block } from "./vpcs.ts";
import { lookUp, type World } from "./world.ts";

/** The Availability Zones of the Region. */
const ZONE_LETTERS = ["a", "b", "c", "d"];

/** The ID of an Availability Zone by its name: `usw2-az1` for `us-west-2a`. (A real account shuffles the letters.) */
export function zoneId(zone: string): string {
  const [geography = "", ...rest] = zone.slice(0, -1).split("-");
  const direction = rest.slice(0, -1).join("");
  const number = ZONE_LETTERS.indexOf(zone.slice(-1)) + 1;
  const short = direction.replace(/(north|south|east|west|central)/g, (word) => word.slice(0, 1));
  return `${geography}${short}${rest.at(-1) ?? ""}-az${number}`;
}

/** `CreateSubnet`. Without a zone it is made in the first one. */
export function createSubnet(world: World, input: CreateSubnetRequest): CreateSubnetResult {
  const vpc = lookUp(world.vpcs, "vpc", required(input.VpcId, "VpcId"));
  const cidr = ipv4Block(input.CidrBlock, "InvalidSubnet.Range");
  if (!cidrWithin(cidr, vpc.cidr))
    throw new Ec2Error("InvalidSubnet.Range", `The CIDR '${input.CidrBlock}' is invalid.`);
  for (const other of world.subnets.values()) {
    if (other.vpcId === vpc.id && cidrsOverlap(other.cidr, cidr)) {
      throw new Ec2Error("InvalidSubnet.Conflict", `The CIDR '${input.CidrBlock}' conflicts with another subnet`);
    }
  }
  const subnet: SubnetRecord = {
    id: world.ids.next("subnet"),
    vpcId: vpc.id,
    zone: checkedZone(world, input.AvailabilityZone),
    cidr,
    ipv6Cidr: ipv6Block(vpc, input.Ipv6CidrBlock),
    addresses: new AddressPool(cidr),
    tags: tagsFor("subnet", input.TagSpecifications),
    assignsIpv6: false,
  };
  world.subnets.insert(subnet);
  return { Subnet: subnetView(world, subnet) };
}

/** `ModifySubnetAttribute`: whether new interfaces get an IPv6 address; the other attributes have no effect here. */
export function modifySubnetAttribute(world: World, input: ModifySubnetAttributeRequest): object {
  const subnet = lookUp(world.subnets, "subnet", required(input.SubnetId, "SubnetId"));
  const assigns = input.AssignIpv6AddressOnCreation?.Value;
  if (assigns && !subnet.ipv6Cidr) {
    throw invalidValue(`Invalid value 'true' for assignIpv6AddressOnCreation. The subnet has no IPv6 CIDR block.`);
  }
  if (assigns !== undefined) subnet.assignsIpv6 = assigns;
  return {};
}

/** `DescribeSubnets`. */
export function describeSubnets(world: World, input: DescribeSubnetsRequest): DescribeSubnetsResult {
  const matches = compileFilters(input.Filters, FILTERS(world));
  const rows = rowsOf(world.subnets, "subnet", input.SubnetIds).filter((row) => matches(row.record));
  const { records, nextToken } = page(rows, input);
  return { Subnets: records.map((subnet) => subnetView(world, subnet)), NextToken: nextToken };
}

/** `DeleteSubnet`: only one without interfaces. */
export function deleteSubnet(world: World, input: DeleteSubnetRequest): object {
  const subnet = lookUp(world.subnets, "subnet", required(input.SubnetId, "SubnetId"));
  for (const networkInterface of world.interfaces.values()) {
    if (networkInterface.subnetId === subnet.id) throw dependencyViolation("subnet", subnet.id);
  }
  world.subnets.remove(subnet.id);
  return {};
}

function checkedZone(world: World, wanted: string | undefined): string {
  const zones = ZONE_LETTERS.map((letter) => `${world.region}${letter}`);
  const zone = wanted ?? zones[0];
  if (zone !== undefined && zones.includes(zone)) return zone;
  throw invalidValue(
    `Value (${wanted}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: ${zones.join(", ")}.`,
  );
}

function ipv6Block(vpc: VpcRecord, text: string | undefined): Cidr | undefined {
  if (text === undefined) return undefined;
  const cidr = parseCidr(text);
  if (cidr?.family !== 6 || cidr.prefixLength !== 64 || !vpc.ipv6Cidr || !cidrWithin(cidr, vpc.ipv6Cidr)) {
    throw new Ec2Error("InvalidSubnet.Range", `The CIDR '${text}' is invalid.`);
  }
  return cidr;
}

const FILTERS = (world: World): FilterTable<SubnetRecord> => ({
  "subnet-id": (subnet) => [subnet.id],
  "vpc-id": (subnet) => [subnet.vpcId],
  "availability-zone": (subnet) => [subnet.zone],
  availabilityZone: (subnet) => [subnet.zone],
  "availability-zone-id": (subnet) => [zoneId(subnet.zone)],
  "available-ip-address-count": (subnet) => [subnet.addresses.free],
  "cidr-block": (subnet) => [formatCidr(subnet.cidr)],
  cidr: (subnet) => [formatCidr(subnet.cidr)],
  "ipv6-cidr-block-association.ipv6-cidr-block": (subnet) => [subnet.ipv6Cidr && formatCidr(subnet.ipv6Cidr)],
  "default-for-az": () => [false],
  "map-public-ip-on-launch": () => [false],
  "owner-id": () => [world.account],
  state: () => ["available"],
});

/** A subnet as the API shows it. */
export function subnetView(world: World, subnet: SubnetRecord): Subnet {
  return {
    SubnetId: subnet.id,
    SubnetArn: `arn:aws:ec2:${world.region}:${world.account}:subnet/${subnet.id}`,
    VpcId: subnet.vpcId,
    OwnerId: world.account,
    State: "available",
    AvailabilityZone: subnet.zone,
    AvailabilityZoneId: zoneId(subnet.zone),
    CidrBlock: formatCidr(subnet.cidr),
    AvailableIpAddressCount: subnet.addresses.free,
    DefaultForAz: false,
    MapPublicIpOnLaunch: false,
    AssignIpv6AddressOnCreation: subnet.assignsIpv6,
    Ipv6CidrBlockAssociationSet: subnet.ipv6Cidr
      ? [
          {
            AssociationId: `subnet-cidr-assoc-${subnet.id.slice("subnet-".length)}`,
            Ipv6CidrBlock: formatCidr(subnet.ipv6Cidr),
            Ipv6CidrBlockState: { State: "associated" },
          },
        ]
      : [],
    Tags: tagSet(subnet.tags),
  };
}
