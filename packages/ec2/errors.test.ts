import type { Ec2Action, Ec2Remedy } from "@trunkline/core";
import { describe, expect, test } from "vitest";
import { failureOf, messageOf, remedyOf } from "./errors.ts";

const create = "CreateNetworkInterface";
const associate = "AssociateTrunkInterface";
const attach = "AttachNetworkInterface";
const remove = "DeleteNetworkInterface";
const cut = "DisassociateTrunkInterface";

const table: readonly (readonly [action: Ec2Action, code: string, remedy: Ec2Remedy, message?: string])[] = [
  [create, "RequestLimitExceeded", "throttled"],
  ["DescribeNetworkInterfaces", "RequestLimitExceeded", "throttled"],
  [create, "InternalError", "repeat"],
  [create, "InternalFailure", "repeat"],
  [create, "ServerInternal", "repeat"],
  [create, "Unavailable", "repeat"],
  [create, "ServiceUnavailable", "repeat"],
  [create, "RetryableError", "repeat"],
  [create, "ConcurrentTagAccess", "repeat"],
  [create, "InsufficientFreeAddressesInSubnet", "defer-address"],
  [create, "InsufficientAddressCapacity", "defer-address"],
  [create, "InsufficientCidrBlocks", "defer-address"],
  [create, "NetworkInterfaceLimitExceeded", "defer-quota"],
  [create, "InvalidSecurityGroupID.NotFound", "short-retry"],
  [create, "InvalidGroup.NotFound", "short-retry"],
  [associate, "InvalidNetworkInterfaceID.NotFound", "short-retry"],
  [attach, "InvalidNetworkInterfaceID.NotFound", "short-retry"],
  [attach, "InvalidInstanceID.NotFound", "short-retry"],
  [attach, "IncorrectState", "look-again"],
  [attach, "IncorrectInstanceState", "look-again"],
  [associate, "InvalidState", "look-again"],
  [remove, "InvalidNetworkInterface.InUse", "look-again"],
  [associate, "Resource.AlreadyAssociated", "look-again"],
  [remove, "DependencyViolation", "look-again"],
  [
    attach,
    "InvalidParameterValue",
    "look-again",
    "Instance 'i-01234567' already has an interface attached at device index '2'.",
  ],
  [attach, "InvalidParameterValue", "permanent-node", "Instance type t3.large does not support trunk interfaces"],
  [
    associate,
    "InvalidParameterValue",
    "vlan-taken",
    "The vlanId '7' is already in use on the trunk interface 'eni-01234567'.",
  ],
  [associate, "InvalidParameterValue", "permanent", "The network interface 'eni-01234567' is not a trunk interface."],
  [
    create,
    "InvalidParameterValue",
    "permanent-node",
    "Invalid value 'trunk' for InterfaceType. Allowed values are ('EFA')",
  ],
  [create, "InvalidParameterValue", "permanent", "Value (x) for parameter description is invalid."],
  [remove, "InvalidNetworkInterfaceID.NotFound", "not-found"],
  [cut, "InvalidAssociationID.NotFound", "not-found"],
  [cut, "InvalidNetworkInterfaceID.NotFound", "not-found"],
  [remove, "InvalidAttachmentID.NotFound", "not-found"],
  ["ModifyNetworkInterfaceAttribute", "InvalidAttachmentID.NotFound", "look-again"],
  [create, "SecurityGroupsPerInterfaceLimitExceeded", "permanent"],
  [create, "InvalidGroupId.Malformed", "permanent"],
  [create, "InvalidSubnetID.NotFound", "permanent"],
  [create, "TagLimitExceeded", "permanent"],
  [attach, "AttachmentLimitExceeded", "defer-slot"],
  [associate, "AttachmentLimitExceeded", "defer-branch-limit"],
  [associate, "BranchInterfaceLimitExceeded", "defer-branch-limit"],
  [create, "UnauthorizedOperation", "unauthorised"],
  [create, "OperationNotPermitted", "unauthorised"],
  [create, "OptInRequired", "unauthorised"],
  [create, "UnsupportedOperation", "unauthorised"],
  [create, "AuthFailure", "unauthorised"],
  [create, "IdempotentParameterMismatch", "mismatch"],
  [associate, "IdempotentParameterMismatch", "mismatch"],
];

describe("the table of EC2's errors", () => {
  test.each(table.map(([action, code, remedy, message = ""]) => ({ action, code, remedy, message })))(
    "$action with $code $message is $remedy",
    ({ action, code, remedy, message }) => {
      expect(remedyOf({ action, code, message, status: 400 })).toBe(remedy);
    },
  );

  test("an unknown code follows its HTTP status: ours to mend below 500, theirs from there", () => {
    expect(remedyOf({ action: create, code: "Novelty", message: "", status: 400 })).toBe("permanent");
    expect(remedyOf({ action: create, code: "Novelty", message: "", status: 503 })).toBe("repeat");
  });

  test("codes that are named like parts of an object are not found in it", () => {
    expect(remedyOf({ action: create, code: "constructor", message: "", status: 400 })).toBe("permanent");
  });
});

describe("failures", () => {
  test("the prefix that older answers put before a code is left out", () => {
    const error = Object.assign(new Error("Request limit exceeded."), {
      name: "Client.RequestLimitExceeded",
      $metadata: { httpStatusCode: 503 },
    });

    expect(failureOf(create, error)).toStrictEqual({
      action: create,
      remedy: "throttled",
      code: "RequestLimitExceeded",
      message: "Request limit exceeded.",
    });
  });

  test("a broken connection may have had its effect and is repeated", () => {
    const error = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });

    expect(failureOf(create, error)).toMatchObject({ remedy: "repeat", code: "ECONNRESET" });
  });

  test("an answer that nobody can read is repeated when the server was at fault", () => {
    const error = Object.assign(new SyntaxError("Unexpected <"), { $response: { statusCode: 502 } });

    expect(failureOf(create, error)).toMatchObject({ remedy: "repeat" });
  });

  test("a bug is no failure of EC2", () => {
    expect(failureOf(create, new TypeError("undefined is not a function"))).toBeUndefined();
    expect(failureOf(create, "text")).toBeUndefined();
  });

  test("K63: messages lose what differs from call to call, and what is too long", () => {
    const denied =
      "You are not authorized to perform this operation. Encoded authorization failure message: abc-DEF_123";
    const asked = "No. (Request ID: 7bf73129-1428-4cd3-a780-95db273d1602)";

    expect(messageOf(denied)).toBe("You are not authorized to perform this operation.");
    expect(messageOf(asked)).toBe("No.");
    expect(messageOf("x".repeat(2_000))).toHaveLength(512);
  });
});
