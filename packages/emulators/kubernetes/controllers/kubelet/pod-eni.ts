import type { Pod } from "../objects.ts";

/** The annotation and the extended resource that ask for and describe a branch ENI. */
export const POD_ENI = "vpc.amazonaws.com/pod-eni";

/** What the CNI plugin reads of element 0 of the annotation. */
export interface PodEni {
  eniId: string;
  mac: string;
  vlanId: number;
  /** Of the cluster's family. */
  address: string;
}

/** The CNI plugin looks at the limits of the first container only, and there at the names alone. */
export function wantsBranch(pod: Pod): boolean {
  return Object.keys(pod.spec.containers[0]?.resources?.limits ?? {}).some((name) => name.startsWith(POD_ENI));
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

const TEXTS = ["eniid", "ifaddress", "privateip", "ipv6addr", "subnetcidr", "subnetv6cidr"];

/** Whether Go would read the element: every field that it knows has its type or is null or absent. */
function isReadable(element: unknown): boolean {
  if (element === null) return true;
  if (typeof element !== "object" || Array.isArray(element)) return false;
  const fields = lowerKeys(element);
  const isText = (key: string) => typeof (fields.get(key) ?? "") === "string";
  return TEXTS.every(isText) && Number.isInteger(fields.get("vlanid") ?? 0);
}

/**
 * Reads the annotation as the CNI plugin does (`AddNetwork` in
 * https://github.com/aws/amazon-vpc-cni-k8s/blob/master/pkg/ipamd/rpc_handler.go): all of it has to have the right types;
 * element 0 needs `ifAddress`, a `vlanId` other than 0, and an address of the cluster's family with a subnet that parses.
 * The other family's address does not help. `undefined` when any of it is missing.
 */
export function readPodEni(pod: Pod, family: "ipv4" | "ipv6"): PodEni | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(pod.metadata.annotations?.[POD_ENI] ?? "null");
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || !parsed.every(isReadable)) return undefined;
  const fields = lowerKeys(parsed[0] ?? {});
  const text = (key: string) => String(fields.get(key) ?? "");
  const [addressKey, cidrKey, bitsMax] =
    family === "ipv4" ? (["privateip", "subnetcidr", 32] as const) : (["ipv6addr", "subnetv6cidr", 128] as const);
  const vlanId = Number(fields.get("vlanid") ?? 0);
  const mac = text("ifaddress");
  const address = text(addressKey);
  if (mac === "" || vlanId === 0 || address === "" || !isCidr(fields.get(cidrKey), bitsMax)) return undefined;
  return { eniId: text("eniid"), mac, vlanId, address };
}
