import type { Pod } from "../objects.ts";
import { quantity } from "../scheduling/quantity.ts";

/** The annotation and the extended resource that ask for and describe a branch ENI. */
export const POD_ENI = "vpc.amazonaws.com/pod-eni";

/** What the CNI plugin reads of element 0 of the annotation. */
export interface PodEni {
  eniId: string;
  mac: string;
  vlanId: number;
  /** IPv4, or IPv6 in a cluster of that family. */
  address: string;
}

/** The CNI plugin looks at the limits of the first container only. */
export function wantsBranch(pod: Pod): boolean {
  return quantity(pod.spec.containers[0]?.resources?.limits?.[POD_ENI]) > 0;
}

/** The keys in lower case, as readers in Go ignore their case. */
function lowerKeys(value: object): Map<string, unknown> {
  return new Map(Object.entries(value).map(([key, field]) => [key.toLowerCase(), field]));
}

function isCidr(text: unknown, maxBits: number): boolean {
  const [address, bits, ...more] = typeof text === "string" ? text.split("/") : [];
  if (address === undefined || bits === undefined || more.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  const looksRight = maxBits === 32 ? /^\d{1,3}(\.\d{1,3}){3}$/.test(address) : /^[0-9a-f:]+$/i.test(address);
  return looksRight && Number(bits) <= maxBits;
}

function text(fields: Map<string, unknown>, key: string): string {
  const value = fields.get(key);
  return typeof value === "string" ? value : "";
}

/**
 * Reads the annotation as the CNI plugin does (amazon-vpc-cni-k8s, `pkg/ipamd/rpc_handler.go`): element 0 needs
 * `ifAddress`, a `vlanId` other than 0, and an address with a subnet that parses. `undefined` when any of it is missing.
 */
export function readPodEni(pod: Pod): PodEni | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(pod.metadata.annotations?.[POD_ENI] ?? "null");
  } catch {
    return undefined;
  }
  const first: unknown = Array.isArray(parsed) ? parsed[0] : undefined;
  if (first === null || typeof first !== "object") return undefined;
  const fields = lowerKeys(first);
  const vlanId = Number(fields.get("vlanid") ?? 0);
  const mac = text(fields, "ifaddress");
  const ipv4 = isCidr(fields.get("subnetcidr"), 32) ? text(fields, "privateip") : "";
  const ipv6 = isCidr(fields.get("subnetv6cidr"), 128) ? text(fields, "ipv6addr") : "";
  const address = ipv4 !== "" ? ipv4 : ipv6;
  if (mac === "" || vlanId === 0 || address === "") return undefined;
  return { eniId: text(fields, "eniid"), mac, vlanId, address };
}
