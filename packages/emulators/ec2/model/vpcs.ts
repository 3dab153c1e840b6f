import type {
  CreateVpcRequest,
  CreateVpcResult,
  DeleteVpcRequest,
  DescribeVpcsRequest,
  DescribeVpcsResult,
  Vpc,
} from "@aws-sdk/client-ec2";
import { dependencyViolation, Ec2Error, invalidValue, required } from "./errors.ts";
import { compileFilters, type FilterTable } from "./filters.ts";
import { type Cidr, formatCidr, parseAddress, parseCidr } from "./ip.ts";
import { page, rowsOf } from "./paging.ts";
import type { VpcRecord } from "./records.ts";
import { addGroup, removeGroup } from "./security-groups.ts";
import { tagSet, tagsFor } from "./tags.ts";
import { lookUp, type World } from "./world.ts";

/** The IPv4 block that a request names; it must be one of /16 to /28. */
export function ipv4Block(text: string | undefined, rangeError: string): Cidr {
  const cidr = parseCidr(required(text, "cidrBlock"));
  if (cidr?.family !== 4) {
    throw invalidValue(`Value (${text}) for parameter cidrBlock is invalid. This is not a valid CIDR block.`);
  }
  if (cidr.prefixLength < 16 || cidr.prefixLength > 28) {
    throw new Ec2Error(rangeError, `The CIDR '${text}' is invalid.`);
  }
  return cidr;
}

/** `CreateVpc`, with the default security group that every VPC has. */
export function createVpc(world: World, input: CreateVpcRequest): CreateVpcResult {
  const cidr = ipv4Block(input.CidrBlock, "InvalidVpc.Range");
  const tags = tagsFor("vpc", input.TagSpecifications);
  const vpc: VpcRecord = {
    id: world.ids.next("vpc"),
    cidr,
    ipv6Cidr: ipv6Block(world, input),
    tags,
    defaultGroupId: "",
  };
  world.vpcs.insert(vpc);
  vpc.defaultGroupId = addGroup(world, {
    name: "default",
    description: "default VPC security group",
    vpcId: vpc.id,
    tags: new Map(),
  }).id;
  return { Vpc: vpcView(world, vpc) };
}

/** `DescribeVpcs`. */
export function describeVpcs(world: World, input: DescribeVpcsRequest): DescribeVpcsResult {
  const matches = compileFilters(input.Filters, FILTERS(world));
  const rows = rowsOf(world.vpcs, "vpc", input.VpcIds).filter((row) => matches(row.record));
  const { records, nextToken } = page(rows, input);
  return { Vpcs: records.map((vpc) => vpcView(world, vpc)), NextToken: nextToken };
}

/** `DeleteVpc`: only an empty one, but for its default security group. */
export function deleteVpc(world: World, input: DeleteVpcRequest): object {
  const vpc = lookUp(world.vpcs, "vpc", required(input.VpcId, "VpcId"));
  const subnets = [...world.subnets.values()].some((subnet) => subnet.vpcId === vpc.id);
  const groups = [...world.groups.values()].some((group) => group.vpcId === vpc.id && group.id !== vpc.defaultGroupId);
  if (subnets || groups) throw dependencyViolation("vpc", vpc.id);
  removeGroup(world, vpc.defaultGroupId);
  world.vpcs.remove(vpc.id);
  return {};
}

function ipv6Block(world: World, input: CreateVpcRequest): Cidr | undefined {
  if (input.Ipv6CidrBlock !== undefined) {
    const cidr = parseCidr(input.Ipv6CidrBlock);
    if (cidr?.family !== 6) {
      throw invalidValue(`Value (${input.Ipv6CidrBlock}) for parameter ipv6CidrBlock is invalid.`);
    }
    return cidr;
  }
  if (!input.AmazonProvidedIpv6CidrBlock) return undefined;
  // A /56 out of 2600:1f00::/24, where Amazon's blocks lie.
  const prefix = parseAddress("2600:1f00::")?.value ?? 0n;
  return { family: 6, base: prefix | (BigInt(Math.floor(world.random() * 2 ** 32)) << 72n), prefixLength: 56 };
}

const FILTERS = (world: World): FilterTable<VpcRecord> => ({
  "vpc-id": (vpc) => [vpc.id],
  cidr: (vpc) => [formatCidr(vpc.cidr)],
  "cidr-block-association.cidr-block": (vpc) => [formatCidr(vpc.cidr)],
  "ipv6-cidr-block-association.ipv6-cidr-block": (vpc) => [vpc.ipv6Cidr && formatCidr(vpc.ipv6Cidr)],
  "is-default": () => [false],
  isDefault: () => [false],
  state: () => ["available"],
  "owner-id": () => [world.account],
});

/** A VPC as the API shows it. */
export function vpcView(world: World, vpc: VpcRecord): Vpc {
  return {
    VpcId: vpc.id,
    OwnerId: world.account,
    State: "available",
    CidrBlock: formatCidr(vpc.cidr),
    CidrBlockAssociationSet: [
      {
        AssociationId: `vpc-cidr-assoc-${vpc.id.slice("vpc-".length)}`,
        CidrBlock: formatCidr(vpc.cidr),
        CidrBlockState: { State: "associated" },
      },
    ],
    ...(vpc.ipv6Cidr && {
      Ipv6CidrBlockAssociationSet: [
        {
          AssociationId: `vpc-cidr-assoc-${vpc.id.slice("vpc-".length)}`,
          Ipv6CidrBlock: formatCidr(vpc.ipv6Cidr),
          Ipv6CidrBlockState: { State: "associated" },
        },
      ],
    }),
    DhcpOptionsId: "default",
    InstanceTenancy: "default",
    IsDefault: false,
    Tags: tagSet(vpc.tags),
  };
}
