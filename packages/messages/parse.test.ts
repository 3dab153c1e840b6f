import { describe, expect, test } from "vitest";
import { bodyBytesMax, snapshotPodsMax } from "./limits.ts";
import {
  type Parsed,
  parseBranchLook,
  parseInstanceStateChange,
  parseNodeEvent,
  parseOutcome,
  parsePodEvent,
} from "./parse.ts";

const observed = (changes: Record<string, unknown> = {}, podChanges: Record<string, unknown> = {}) =>
  JSON.stringify({
    version: 1,
    type: "PodObserved",
    incarnation: "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    instanceId: "i-0123456789abcdef0",
    nodeName: "ip-192-168-0-10.us-west-2.compute.internal",
    nodeUid: "6fa459ea-ee8a-3ca4-894e-db77e160355e",
    pod: {
      podUid: "16fd2706-8baf-433b-82eb-8c7fada847da",
      namespace: "my-namespace",
      name: "my-deployment-5d64ddff4b-8wvkc",
      resourceVersion: "4711",
      enis: 1,
      securityGroups: ["sg-0123456789abcdef0"],
      ...podChanges,
    },
    ...changes,
  });

const snapshot = (pods: number) => {
  const { pod } = JSON.parse(observed());
  return JSON.stringify({
    ...JSON.parse(observed()),
    type: "NodeSnapshot",
    pod: undefined,
    listVersion: "1",
    pods: Array.from({ length: pods }, () => pod),
  });
};

const stateChange = (changes: Record<string, unknown> = {}) =>
  JSON.stringify({
    version: "0",
    id: "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "EC2 Instance State-change Notification",
    source: "aws.ec2",
    account: "123456789012",
    time: "2026-11-20T18:44:49Z",
    region: "us-west-2",
    resources: ["arn:aws:ec2:us-west-2:123456789012:instance/i-0123456789abcdef0"],
    detail: { "instance-id": "i-0123456789abcdef0", state: "terminated" },
    ...changes,
  });

const reasonOf = (parsed: Parsed<unknown>): string => (parsed.ok ? "read" : parsed.reason);
const detailOf = (parsed: Parsed<unknown>): string => (parsed.ok ? "" : parsed.detail);

describe("a message that breaks the contract is refused whole", () => {
  test.each([
    ["what is not JSON", "{", "malformed"],
    ["what is not an object", "[]", "malformed"],
    ["null", "null", "malformed"],
    ["a message without a version", observed({ version: undefined }), "malformed"],
    ["a version that is not a number", observed({ version: "1" }), "malformed"],
    ["a version of the future", observed({ version: 2 }), "unknown-version"],
    ["a type that this queue does not bring", observed({ type: "NodeGone" }), "unknown-type"],
    ["no type", observed({ type: undefined }), "malformed"],
    ["a message that names a cluster", observed({ cluster: "blue" }), "malformed"],
    ["a pod that names a cluster", observed({}, { cluster: "blue" }), "malformed"],
    ["an instance ID of nine digits", observed({ instanceId: "i-012345678" }), "malformed"],
    ["an instance ID with something behind it", observed({ instanceId: "i-01234567\n" }), "malformed"],
    ["a UID with a slash", observed({ nodeUid: "../../x" }), "malformed"],
    ["a resource version that is no number", observed({}, { resourceVersion: "1e3" }), "malformed"],
    ["a resource version of 21 digits", observed({}, { resourceVersion: "1".repeat(21) }), "malformed"],
    ["a pod that wants nothing", observed({}, { enis: 0 }), "malformed"],
    ["half an ENI", observed({}, { enis: 1.5 }), "malformed"],
    ["a pod's name in capitals", observed({}, { name: "Pod" }), "malformed"],
    ["more groups than are read", observed({}, { securityGroups: Array(65).fill("sg-1") }), "malformed"],
    ["a field that shadows the prototype", observed().replace("{", '{"__proto__":{"a":1},'), "malformed"],
    ["a body that is too long", observed({ padding: "x".repeat(bodyBytesMax) }), "oversized"],
    ["a body whose bytes are too many", JSON.stringify("é".repeat(bodyBytesMax / 2)), "oversized"],
  ])("%s", (_what, body, reason) => {
    expect(reasonOf(parsePodEvent(body))).toBe(reason);
  });

  test("a snapshot with more pods than a node can have", () => {
    expect(parseNodeEvent(snapshot(snapshotPodsMax)).ok).toBe(true);
    expect(reasonOf(parseNodeEvent(snapshot(snapshotPodsMax + 1)))).toBe("malformed");
  });

  test("a look at a branch beyond the sixteenth", () => {
    const look = { version: 1, type: "BranchLook", instanceId: "i-01234567", owner: "a", index: 16 };

    expect(reasonOf(parseBranchLook(JSON.stringify(look)))).toBe("malformed");
  });

  test("an outcome without its pod", () => {
    expect(reasonOf(parseOutcome('{"version":1,"type":"PodEniAssigned","enis":[]}'))).toBe("malformed");
  });
});

describe("what is read", () => {
  test("a wish for more ENIs than any pod may have is read, so that the pod can be told", () => {
    expect(parsePodEvent(observed({}, { enis: 17 })).ok).toBe(true);
  });

  test("a misspelt security group is read, so that the pod can be told", () => {
    expect(parsePodEvent(observed({}, { securityGroups: ["sg-not-hexadecimal"] })).ok).toBe(true);
  });
});

describe("the detail of a refusal", () => {
  test("names the place and not the value", () => {
    const detail = detailOf(parsePodEvent(observed({ instanceId: "hunter2" })));

    expect(detail).toContain("instanceId");
    expect(detail).not.toContain("hunter2");
  });

  test("has a stated length", () => {
    const strange = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`strange${index}`, 1]));

    expect(detailOf(parsePodEvent(observed(strange))).length).toBeLessThanOrEqual(300);
  });
});

describe("state changes of EventBridge", () => {
  test("are read from the envelope", () => {
    expect(parseInstanceStateChange(stateChange())).toStrictEqual({
      ok: true,
      event: { type: "InstanceStateChanged", instanceId: "i-0123456789abcdef0", state: "terminated" },
    });
  });

  test("may carry fields that AWS adds", () => {
    expect(parseInstanceStateChange(stateChange({ "replay-name": "again" })).ok).toBe(true);
  });

  test.each([
    ["another source", { source: "my.app" }],
    ["another kind of event", { "detail-type": "EC2 Spot Instance Interruption Warning" }],
    ["a state that EC2 does not have", { detail: { "instance-id": "i-01234567", state: "resting" } }],
    ["no instance", { detail: { state: "terminated" } }],
  ])("are refused with %s", (_what, changes) => {
    expect(reasonOf(parseInstanceStateChange(stateChange(changes)))).toBe("malformed");
  });

  test("are refused when they are no JSON", () => {
    expect(reasonOf(parseInstanceStateChange("terminated"))).toBe("malformed");
  });
});
