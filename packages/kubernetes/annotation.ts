import type { PodEni } from "@trunkline/core";

/** Longer annotations are not read: 16 ENIs fit five times over. */
const annotationLengthMax = 32_768;
/** A pod that asks for more is refused. */
const enisMax = 16;
const textLengthMax = 64;
const eniIdPattern = /^eni-[0-9a-f]{8,17}$/;
const vlanIdMax = 4_094;

/**
 * The value of the annotation `vpc.amazonaws.com/pod-eni`: JSON without white space, every key, in the order in which the
 * VPC resource controller writes them.
 *
 * @see https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/master/pkg/provider/branch/trunk/trunk.go
 */
export const writePodEnis = (enis: readonly PodEni[]): string =>
  JSON.stringify(
    enis.map((eni) => ({
      eniId: eni.eniId,
      ifAddress: eni.ifAddress,
      privateIp: eni.privateIp,
      ipv6Addr: eni.ipv6Addr,
      vlanId: eni.vlanId,
      subnetCidr: eni.subnetCidr,
      subnetV6Cidr: eni.subnetV6Cidr,
      associationID: eni.associationID,
    })),
  );

/**
 * Reads an annotation as the CNI plugin does: the case of keys does not matter, and keys that old controllers did not
 * write are empty.
 *
 * @returns undefined for what is not a list of at most 16 ENIs with an ID and a VLAN ID each.
 */
export const readPodEnis = (value: string | undefined): readonly PodEni[] | undefined => {
  if (value === undefined || value.length > annotationLengthMax) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length === 0 || parsed.length > enisMax) return undefined;
  const enis = parsed.map(readPodEni);
  return enis.every((eni) => eni !== undefined) ? enis : undefined;
};

const readPodEni = (element: unknown): PodEni | undefined => {
  if (typeof element !== "object" || element === null) return undefined;
  const fields = new Map(Object.entries(element).map(([key, value]) => [key.toLowerCase(), value as unknown]));
  const text = (key: string): string => {
    const value = fields.get(key);
    return typeof value === "string" ? value.slice(0, textLengthMax) : "";
  };
  const vlanId = fields.get("vlanid");
  if (typeof vlanId !== "number" || !Number.isInteger(vlanId) || vlanId < 1 || vlanId > vlanIdMax) return undefined;
  if (!eniIdPattern.test(text("eniid"))) return undefined;
  return {
    eniId: text("eniid"),
    ifAddress: text("ifaddress"),
    privateIp: text("privateip"),
    ipv6Addr: text("ipv6addr"),
    vlanId,
    subnetCidr: text("subnetcidr"),
    subnetV6Cidr: text("subnetv6cidr"),
    associationID: text("associationid"),
  };
};
