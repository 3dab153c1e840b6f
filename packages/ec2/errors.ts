import type { Ec2Action, Ec2Failure, Ec2Remedy } from "@trunkline/core";

/** The error codes of EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
type Codes = Readonly<Record<string, Ec2Remedy>>;

/** What a code means whatever the action was. */
const everywhere: Codes = {
  RequestLimitExceeded: "throttled",

  InternalError: "repeat",
  InternalFailure: "repeat",
  ServerInternal: "repeat",
  Unavailable: "repeat",
  ServiceUnavailable: "repeat",
  RetryableError: "repeat",
  ConcurrentTagAccess: "repeat",

  InsufficientFreeAddressesInSubnet: "defer-address",
  InsufficientAddressCapacity: "defer-address",
  InsufficientCidrBlocks: "defer-address",
  NetworkInterfaceLimitExceeded: "defer-quota",

  // Something that was just made may not be visible yet.
  "InvalidSecurityGroupID.NotFound": "short-retry",
  "InvalidGroup.NotFound": "short-retry",
  "InvalidNetworkInterfaceID.NotFound": "short-retry",
  "InvalidInstanceID.NotFound": "short-retry",

  IncorrectState: "look-again",
  IncorrectInstanceState: "look-again",
  InvalidState: "look-again",
  "InvalidNetworkInterface.InUse": "look-again",
  "Resource.AlreadyAssociated": "look-again",
  "InvalidAttachmentID.NotFound": "look-again",
  DependencyViolation: "look-again",

  SecurityGroupsPerInterfaceLimitExceeded: "permanent",
  "InvalidSubnetID.NotFound": "permanent",
  TagLimitExceeded: "permanent",
  InvalidParameterValue: "permanent",

  UnauthorizedOperation: "unauthorised",
  OperationNotPermitted: "unauthorised",
  OptInRequired: "unauthorised",
  UnsupportedOperation: "unauthorised",
  AuthFailure: "unauthorised",

  IdempotentParameterMismatch: "mismatch",
};

/** What is not there need not be removed: success or "not visible yet", which its age decides (P07). */
const whenRemoving: Codes = {
  "InvalidNetworkInterfaceID.NotFound": "not-found",
  "InvalidAssociationID.NotFound": "not-found",
  "InvalidAttachmentID.NotFound": "not-found",
};

/** What a code means for one action. Goes before {@link everywhere}. */
const byAction: Partial<Record<Ec2Action, Codes>> = {
  AttachNetworkInterface: {
    AttachmentLimitExceeded: "defer-slot",
    // What is left after the texts below: the instance's type takes no trunk, or not at this index.
    InvalidParameterValue: "permanent-node",
  },
  // The limit of branches: a cut of another branch may not be visible yet (P19).
  AssociateTrunkInterface: { AttachmentLimitExceeded: "defer-branch-limit" },
  DeleteNetworkInterface: whenRemoving,
  DisassociateTrunkInterface: whenRemoving,
};

/** Where one code of EC2 stands for several things and only the text tells them apart. Goes before all else. */
const byText: readonly {
  readonly action: Ec2Action;
  readonly code: string;
  readonly text: RegExp;
  readonly remedy: Ec2Remedy;
}[] = [
  {
    action: "AttachNetworkInterface",
    code: "InvalidParameterValue",
    text: /already has an interface attached at device index/i,
    remedy: "look-again",
  },
  {
    action: "AssociateTrunkInterface",
    code: "InvalidParameterValue",
    text: /vlan.*(in use|already|associated|taken)/i,
    remedy: "vlan-taken",
  },
  // The account may not use trunking: https://github.com/aws/amazon-vpc-resource-controller-k8s#readme
  {
    action: "CreateNetworkInterface",
    code: "InvalidParameterValue",
    text: /'?trunk'? for InterfaceType|InterfaceType.*trunk/i,
    remedy: "permanent-node",
  },
];

/** What is known about an answer that was an error. */
interface ErrorAnswer {
  readonly action: Ec2Action;
  readonly code: string;
  readonly message: string;
  /** HTTP status; absent when no answer came. */
  readonly status?: number | undefined;
}

/** What to do about an error: by its text, by action and code, by code, by the code's ending, by the HTTP status. */
export const remedyOf = ({ action, code, message, status }: ErrorAnswer): Ec2Remedy => {
  const told = byText.find((row) => row.action === action && row.code === code && row.text.test(message));
  const known = told?.remedy ?? lookUp(byAction[action], code) ?? lookUp(everywhere, code);
  if (known !== undefined) return known;
  if (code.endsWith(".Malformed")) return "permanent";
  if (code.endsWith("LimitExceeded") && action === "AssociateTrunkInterface") return "defer-branch-limit";
  return status === undefined || status >= 500 ? "repeat" : "permanent";
};

/** By own keys only: the code is whatever the other side sent. */
const lookUp = (codes: Codes | undefined, code: string): Ec2Remedy | undefined =>
  codes !== undefined && Object.hasOwn(codes, code) ? codes[code] : undefined;

/** Characters of a message that are kept: it becomes the text of a Kubernetes event, which has room for 1,024. */
const messageLengthMax = 512;

/** What differs from call to call and would keep equal events from being counted as one. */
const noise = [/\s*Encoded authorization failure message:\s*\S+/g, /\s*\(?\bRequest\s?ID: ?[0-9a-f-]{36}\)?/gi];

/** EC2's text without request IDs and encoded messages. */
export const messageOf = (text: string): string =>
  noise.reduce((kept, pattern) => kept.replaceAll(pattern, ""), text).slice(0, messageLengthMax);

/** What Node and the SDK report when no answer came, so that nobody knows whether the call had its effect. */
const connectionCodes = new Set([
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "EPROTO",
  "ETIMEDOUT",
  "TimeoutError",
]);

/**
 * Reads what an SDK call rejected with.
 *
 * @returns undefined for what is neither an answer of EC2 nor a broken connection: a bug, to be thrown on.
 */
export const failureOf = (action: Ec2Action, error: unknown): Ec2Failure | undefined => {
  if (!(error instanceof Error)) return undefined;
  const { name, message, code, $metadata, $response } = error as SdkError;
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  const transport = [code, name].find((candidate) => candidate !== undefined && connectionCodes.has(candidate));
  if (status === undefined && transport === undefined) return undefined;
  const answer = { action, code: (transport ?? name).replace(/^(Client|Server)\./, ""), message, status };
  return { action, remedy: remedyOf(answer), code: answer.code, message: messageOf(message) };
};

type SdkError = Error & {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number };
};
