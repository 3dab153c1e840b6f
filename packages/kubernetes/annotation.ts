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

/** The ENIs of an annotation, or what is wrong with it, in words that follow "the annotation". */
export type PodEnisReading =
  | { readonly ok: true; readonly enis: readonly PodEni[] }
  | { readonly ok: false; readonly problem: string };

type EniReading = { readonly ok: true; readonly eni: PodEni } | { readonly ok: false; readonly problem: string };

const wrong = (problem: string) => ({ ok: false, problem }) as const;

/**
 * Reads an annotation as the CNI plugin does: the case of keys does not matter, and keys that old controllers did not
 * write are empty. Every VLAN ID that a frame can carry is read, 1 to 4094, also one beyond those that Trunkline gives
 * out: another controller may have written it. The plugin takes 0 for none.
 *
 * @see https://github.com/aws/amazon-vpc-cni-k8s/blob/master/cmd/routed-eni-cni-plugin/driver/driver.go
 */
export const parsePodEnis = (value: string): PodEnisReading => {
  if (value.length > annotationLengthMax) return wrong(`is longer than ${annotationLengthMax} characters`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return wrong("is not JSON");
  }
  if (!Array.isArray(parsed)) return wrong("is not a list");
  if (parsed.length === 0 || parsed.length > enisMax) return wrong(`has ${parsed.length} ENIs, not 1 to ${enisMax}`);
  const enis: PodEni[] = [];
  for (const [index, element] of parsed.entries()) {
    const reading = readPodEni(element);
    if (!reading.ok) return wrong(`has an element ${index} that ${reading.problem}`);
    enis.push(reading.eni);
  }
  return { ok: true, enis };
};

/** {@link parsePodEnis} for those who need not know what is wrong: undefined for an annotation that is none. */
export const readPodEnis = (value: string | undefined): readonly PodEni[] | undefined => {
  const reading = value === undefined ? undefined : parsePodEnis(value);
  return reading?.ok === true ? reading.enis : undefined;
};

const readPodEni = (element: unknown): EniReading => {
  if (typeof element !== "object" || element === null) return wrong("is no object");
  const fields = new Map(Object.entries(element).map(([key, value]) => [key.toLowerCase(), value as unknown]));
  const text = (key: string): string => {
    const value = fields.get(key);
    return typeof value === "string" ? value.slice(0, textLengthMax) : "";
  };
  const vlanId = fields.get("vlanid");
  if (typeof vlanId !== "number" || !Number.isInteger(vlanId) || vlanId < 1 || vlanId > vlanIdMax) {
    return wrong(`has no vlanId from 1 to ${vlanIdMax}`);
  }
  if (!eniIdPattern.test(text("eniid"))) return wrong("has no eniId such as eni-0123456789abcdef0");
  return {
    ok: true,
    eni: {
      eniId: text("eniid"),
      ifAddress: text("ifaddress"),
      privateIp: text("privateip"),
      ipv6Addr: text("ipv6addr"),
      vlanId,
      subnetCidr: text("subnetcidr"),
      subnetV6Cidr: text("subnetv6cidr"),
      associationID: text("associationid"),
    },
  };
};
