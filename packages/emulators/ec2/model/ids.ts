import { Ec2Error } from "./errors.ts";

/** What the model knows about one kind of ID: how it looks, and how EC2 refuses it. */
interface IdKind {
  readonly prefix: string;
  readonly code: string;
  readonly notFound: (id: string) => string;
}

const KINDS = {
  vpc: { prefix: "vpc", code: "InvalidVpcID", notFound: (id) => `The vpc ID '${id}' does not exist` },
  subnet: { prefix: "subnet", code: "InvalidSubnetID", notFound: (id) => `The subnet ID '${id}' does not exist` },
  group: { prefix: "sg", code: "InvalidGroup", notFound: (id) => `The security group '${id}' does not exist` },
  rule: {
    prefix: "sgr",
    code: "InvalidSecurityGroupRuleId",
    notFound: (id) => `The security group rule ID '${id}' does not exist`,
  },
  networkInterface: {
    prefix: "eni",
    code: "InvalidNetworkInterfaceID",
    notFound: (id) => `The networkInterface ID '${id}' does not exist`,
  },
  attachment: {
    prefix: "eni-attach",
    code: "InvalidAttachmentID",
    notFound: (id) => `The attachment ID '${id}' does not exist`,
  },
  association: {
    prefix: "trunk-assoc",
    code: "InvalidAssociationID",
    notFound: (id) => `The association ID '${id}' does not exist`,
  },
  instance: { prefix: "i", code: "InvalidInstanceID", notFound: (id) => `The instance ID '${id}' does not exist` },
  image: { prefix: "ami", code: "InvalidAMIID", notFound: (id) => `The image id '[${id}]' does not exist` },
} as const satisfies Record<string, IdKind>;

/** The kinds of IDs that a caller may name. */
export type IdName = keyof typeof KINDS;

/** Returns `id` when it looks like an ID of this kind (8 or 17 hex digits), else throws `….Malformed`. */
export function wellFormed(kind: IdName, id: string): string {
  const { prefix, code } = KINDS[kind];
  const digits = id.startsWith(`${prefix}-`) ? id.slice(prefix.length + 1) : "";
  if (!/^([0-9a-f]{8}|[0-9a-f]{17})$/.test(digits)) {
    const malformed = kind === "group" ? "InvalidGroupId" : code;
    throw new Ec2Error(`${malformed}.Malformed`, `Invalid id: "${id}" (expecting "${prefix}-...")`);
  }
  return id;
}

/** `….NotFound` for an ID of this kind. */
export function notFound(kind: IdName, id: string): Ec2Error {
  const { code, notFound: text } = KINDS[kind];
  return new Ec2Error(`${code}.NotFound`, text(id));
}

/** Makes IDs that look like EC2's and repeat exactly for the same source of randomness. */
export interface Ids {
  /** Such as `eni-0` and 16 hex digits; never the same twice. */
  next(prefix: string): string;
  /** A MAC address that begins with `0a:`; never the same twice within four thousand million. */
  mac(): string;
  /** A UUID, for event IDs. */
  uuid(): string;
}

/**
 * IDs from `random` (numbers in [0, 1)). Half of the digits come from a scrambled counter, so that IDs stay unique
 * whatever the source gives.
 */
export function createIds(random: () => number): Ids {
  let count = 0;
  const word = () => hex(Math.floor(random() * 2 ** 32), 8);
  // Multiplication by an odd number is a bijection on 32 bits: distinct counts give distinct digits.
  const unique = () => hex(Math.imul(++count, 0x9e3779b1) >>> 0, 8);
  return {
    next: (prefix) => `${prefix}-0${word()}${unique()}`,
    mac: () => `0a:${(word().slice(0, 2) + unique()).match(/../g)?.join(":") ?? ""}`,
    uuid: () => {
      const tail = word() + unique();
      return `${unique()}-${word().slice(0, 4)}-4${word().slice(0, 3)}-8${tail.slice(0, 3)}-${tail.slice(3, 15)}`;
    },
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
