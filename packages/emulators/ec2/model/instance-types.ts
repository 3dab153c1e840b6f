import type {
  _InstanceType,
  DescribeInstanceTypesRequest,
  DescribeInstanceTypesResult,
  InstanceTypeInfo,
} from "@aws-sdk/client-ec2";
import { Ec2Error } from "./errors.ts";
import { compileFilters, type FilterTable } from "./filters.ts";
import { INSTANCE_TYPES_TABLE } from "./instance-types-table.ts";
import { page } from "./paging.ts";
import type { Tags } from "./tags.ts";
import type { World } from "./world.ts";

/** What an instance of a type can hold. */
export interface TypeLimits {
  readonly id: string;
  /** Attached interfaces over all network cards, the trunk included. */
  readonly interfacesMax: number;
  readonly ipv4PerInterfaceMax: number;
  /** Nothing where the type cannot trunk. */
  readonly branchesMax: number | undefined;
  /** Attached interfaces of network card 0. */
  readonly firstCardInterfacesMax: number;
  readonly networkCards: number;
  readonly hypervisor: "nitro" | "xen" | undefined;
  readonly bareMetal: boolean;
  readonly tags: Tags;
}

const TYPES: ReadonlyMap<string, TypeLimits> = new Map(
  INSTANCE_TYPES_TABLE.trim()
    .split("\n")
    .map((line) => {
      const [id = "", interfaces, ipv4, branches, firstCard, cards, hypervisor] = line.split(" ");
      const limits: TypeLimits = {
        id,
        interfacesMax: Number(interfaces),
        ipv4PerInterfaceMax: Number(ipv4),
        branchesMax: branches === "-" ? undefined : Number(branches),
        firstCardInterfacesMax: Number(firstCard),
        networkCards: Number(cards),
        hypervisor: hypervisor === "nitro" || hypervisor === "xen" ? hypervisor : undefined,
        bareMetal: hypervisor === "metal",
        tags: new Map(),
      };
      return [id, limits];
    }),
);

/** The limits of a type, or nothing when EC2 does not have it. */
export function limitsOf(type: string): TypeLimits | undefined {
  return TYPES.get(type);
}

const FILTERS: FilterTable<TypeLimits> = {
  "instance-type": (type) => [type.id],
  hypervisor: (type) => [type.hypervisor],
  "bare-metal": (type) => [type.bareMetal],
  "network-info.maximum-network-interfaces": (type) => [type.interfacesMax],
  "network-info.maximum-network-cards": (type) => [type.networkCards],
  "network-info.ipv4-addresses-per-interface": (type) => [type.ipv4PerInterfaceMax],
  "network-info.ipv6-addresses-per-interface": (type) => [type.ipv4PerInterfaceMax],
  "network-info.ipv6-supported": (type) => [type.hypervisor !== "xen"],
  "network-info.ena-support": (type) => [type.hypervisor === "xen" ? "unsupported" : "required"],
  "current-generation": () => [true],
};

const PAGE_MAX = 100;

/** `DescribeInstanceTypes`: what the table knows, which is all that concerns networking. */
export function describeInstanceTypes(_: World, input: DescribeInstanceTypesRequest): DescribeInstanceTypesResult {
  const names = input.InstanceTypes ?? [];
  const unknown = names.filter((name) => !TYPES.has(name));
  if (unknown.length > 0) {
    throw new Ec2Error(
      "InvalidInstanceType",
      `The following supplied instance types do not exist: [${unknown.join(", ")}]`,
    );
  }
  const matches = compileFilters(input.Filters, FILTERS);
  const rows = [...TYPES.values()]
    .map((record, index) => ({ sequence: index + 1, record }))
    .filter(({ record }) => (names.length === 0 || names.some((name) => name === record.id)) && matches(record));
  const { records, nextToken } = page(rows, input, PAGE_MAX);
  return { InstanceTypes: records.map(typeView), NextToken: nextToken };
}

function typeView(type: TypeLimits): InstanceTypeInfo {
  const { firstCardInterfacesMax, interfacesMax, networkCards } = type;
  // The table says how many interfaces the first card has; the others share the rest.
  const others = networkCards > 1 ? Math.floor((interfacesMax - firstCardInterfacesMax) / (networkCards - 1)) : 0;
  return {
    InstanceType: type.id as _InstanceType,
    CurrentGeneration: true,
    BareMetal: type.bareMetal,
    Hypervisor: type.hypervisor,
    NetworkInfo: {
      MaximumNetworkInterfaces: interfacesMax,
      MaximumNetworkCards: networkCards,
      DefaultNetworkCardIndex: 0,
      NetworkCards: Array.from({ length: networkCards }, (_, index) => ({
        NetworkCardIndex: index,
        MaximumNetworkInterfaces: index === 0 ? firstCardInterfacesMax : others,
      })),
      Ipv4AddressesPerInterface: type.ipv4PerInterfaceMax,
      Ipv6AddressesPerInterface: type.ipv4PerInterfaceMax,
      Ipv6Supported: type.hypervisor !== "xen",
      EnaSupport: type.hypervisor === "xen" ? "unsupported" : "required",
    },
  };
}
