import { describe, expect, test } from "vitest";
import { cniNodeEvents, cutMessage, nodeEvents, podEvents } from "./event-texts.ts";

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
      nodeEvents.problem({
        reason: "TrunkENICreationFailed",
        detail: "UnauthorizedOperation",
        action: "CreateNetworkInterface",
      }),
      "Warning TrunkENICreationFailed Failed to create trunk interface: Error Code: UnauthorizedOperation; the functions' role lacks the permission ec2:CreateNetworkInterface",
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
      nodeEvents.eniConfigWithoutSubnet("n", "zone-a"),
      "Warning EniConfigNameNotFound failed to find a subnet in the ENIConfig zone-a for node n: spec.subnet must be a subnet ID",
    ],
    [
      podEvents.annotationUnreadable("is not JSON"),
      "Warning BranchENIAnnotationFailed failed to annotate pod with branch ENI details: the pod has an annotation vpc.amazonaws.com/pod-eni already, which is never overwritten and is not JSON; recreate the pod",
    ],
    [
      podEvents.eniProblem({ detail: "The interface eni-1 was deleted" }),
      "Warning BranchENIMissing The interface eni-1 was deleted",
    ],
    [
      nodeEvents.eniConfigNameMissing("a"),
      "Warning EniConfigNameNotFound couldn't find custom networking eniconfig name for node a, error: the label vpc.amazonaws.com/eniConfig, or without it the feature CustomNetworking of the CNINode, is there without a name",
    ],
    [
      nodeEvents.cniNodeCreationFailed(),
      "Warning CNINodeCreationFailed CNINode was deleted and failed to be recreated by the vpc-resource-controller",
    ],
    [cniNodeEvents.deletionFailed(), "Warning CNINodeDeletionFailed CNINode delete failed, will be retried"],
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

test("a fact that cannot come about twice is told once", () => {
  const once = [
    podEvents.requested(["sg-1"]),
    podEvents.allocated("[]"),
    podEvents.missed(["sg-1"]),
    podEvents.eniProblem({ detail: "" }),
    podEvents.annotationUnreadable("is not JSON"),
    nodeEvents.controllerVersion("1"),
    nodeEvents.trunkInitiated(),
  ];
  const repeated = [
    podEvents.failed({ code: "a", detail: "b" }),
    podEvents.annotationFailed("a"),
    podEvents.delayed({ reason: "node-full", waitSeconds: 0, detail: "" }),
    nodeEvents.cooldownUpdated(60),
    nodeEvents.eniConfigNotFound("a", "b"),
  ];

  expect(once.map((text) => text.isOnce)).toEqual(once.map(() => true));
  expect(repeated.map((text) => text.isOnce)).toEqual(repeated.map(() => undefined));
});

describe("a message is cut to what an event takes", () => {
  const bytes = (text: string) => new TextEncoder().encode(text).length;

  test.each([
    ["a short one", "short"],
    ["one that just fits", "a".repeat(1_024)],
    ["one of wide characters that just fits", "\u{1f600}".repeat(256)],
  ])("%s stays", (_, message) => {
    expect(cutMessage(message)).toBe(message);
  });

  test.each([
    ["one character too long", "a".repeat(1_025)],
    ["of wide characters", "\u{1f600}".repeat(257)],
    ["of mixed characters", "a\u00e9\u20ac\u{1f600}".repeat(200)],
    ["endless", "a".repeat(1_000_000)],
  ])("one that is %s is cut between characters, clearly", (_, message) => {
    const cut = cutMessage(message);

    expect(bytes(cut)).toBeLessThanOrEqual(1_024);
    expect(bytes(cut)).toBeGreaterThan(1_016);
    expect(cut.endsWith(" ... (cut)")).toBe(true);
    expect(message.startsWith(cut.slice(0, -" ... (cut)".length))).toBe(true);
  });
});
