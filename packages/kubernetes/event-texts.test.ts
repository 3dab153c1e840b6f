import { describe, expect, test } from "vitest";
import { nodeEvents, podEvents } from "./event-texts.ts";

describe("the events that alerts and documentation rely on", () => {
  test.each([
    [
      podEvents.requested(["sg-a", "sg-b"]),
      "Normal SecurityGroupRequested Pod will get the following Security Groups [sg-a sg-b]",
    ],
    [
      podEvents.requested([]),
      "Warning SecurityGroupRequested Pod will get the instance security group as the pod didn't match any Security Group from SecurityGroupPolicy",
    ],
    [podEvents.allocated("[{}]"), "Normal ResourceAllocated Allocated [{}] to the pod"],
    [
      podEvents.failed({ code: "InvalidGroup.NotFound", detail: "The group 'sg-1' does not exist" }),
      "Warning BranchAllocationFailed failed to allocate branch ENI to pod: InvalidGroup.NotFound: The group 'sg-1' does not exist",
    ],
    [
      podEvents.failed({ code: "UnauthorizedOperation", detail: "no", action: "CreateNetworkInterface" }),
      "Warning BranchAllocationFailed Insufficient permissions: Unable to create Elastic Network Interface. CreateNetworkInterface was refused.",
    ],
    [
      podEvents.annotationFailed("conflict"),
      "Warning BranchENIAnnotationFailed failed to annotate pod with branch ENI details: conflict",
    ],
    [
      podEvents.delayed({ reason: "node-full", waitSeconds: 12.2, detail: "9 of 9 held" }),
      "Normal BranchAllocationDelayed The pod waits for its branch ENI: the node is at capacity until a cool-down ends (9 of 9 held); about 13 s",
    ],
    [
      podEvents.delayed({ reason: "rate-limit", waitSeconds: 0, detail: "" }),
      "Normal BranchAllocationDelayed The pod waits for its branch ENI: the EC2 rate limit of the account",
    ],
    [
      podEvents.missed(["sg-a"]),
      "Warning SecurityGroupMissed Pod matches the Security Groups [sg-a] but was admitted without a request for a branch ENI; it has the node's security groups: recreate it",
    ],
    [
      nodeEvents.controllerVersion("0.1.0"),
      "Normal ControllerVersionNotice The node is managed by VPC resource controller version 0.1.0",
    ],
    [nodeEvents.trunkInitiated(), "Normal NodeTrunkInitiated The node has trunk interface initialized successfully"],
    [
      nodeEvents.problem({ reason: "NodeTrunkFailedInit", detail: "no tag" }),
      "Warning NodeTrunkFailedInit The node failed initializing trunk interface: no tag",
    ],
    [
      nodeEvents.problem({ reason: "NodeTrunkFailedInit", detail: "" }),
      "Warning NodeTrunkFailedInit The node failed initializing trunk interface",
    ],
    [
      nodeEvents.problem({ reason: "TrunkENICreationFailed", detail: "SubnetFull" }),
      "Warning TrunkENICreationFailed Failed to create trunk interface: Error Code: SubnetFull",
    ],
    [
      nodeEvents.problem({ reason: "Unsupported", detail: "The instance type t3.large is not supported" }),
      "Warning Unsupported The instance type t3.large is not supported",
    ],
    [
      nodeEvents.eniConfigNotFound("n", "zone-a"),
      "Warning EniConfigNameNotFound failed to find the ENIConfig zone-a for node n",
    ],
    [
      nodeEvents.noProviderId(),
      "Warning NodeTrunkFailedInit The node failed initializing trunk interface: the node has no provider ID",
    ],
    [
      nodeEvents.cooldownUpdated(30),
      "Normal BranchENICoolDownPeriodUpdated Branch ENI cool down period has been updated to 30s",
    ],
    [
      nodeEvents.cooldownUpdated(90),
      "Normal BranchENICoolDownPeriodUpdated Branch ENI cool down period has been updated to 1m30s",
    ],
    [
      nodeEvents.cooldownUpdated(3_600),
      "Normal BranchENICoolDownPeriodUpdated Branch ENI cool down period has been updated to 1h0m0s",
    ],
  ])("%j", (text, expected) => {
    expect(`${text.type} ${text.reason} ${text.message}`).toBe(expected);
  });
});
