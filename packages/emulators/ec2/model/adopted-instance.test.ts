import { describe, expect, test } from "vitest";
import { account, refusal } from "./testing.ts";

const instanceId = "i-0123456789abcdef0";

const wantedIn = ({ subnetId, groupId }: ReturnType<typeof account>) => ({
  instanceId,
  instanceType: "m5.large",
  subnetId,
  groupIds: [groupId],
  tags: { "kubernetes.io/cluster/demo": "owned" },
});

describe("an instance that exists somewhere else", () => {
  test("is described, takes a trunk and ends like one that was run here", () => {
    const given = account();
    const { model, clock, subnetId, groupId } = given;
    const states: string[] = [];
    model.onInstanceStateChange(({ detail }) => states.push(detail.state));

    model.adoptInstance({ ...wantedIn(given), privateIp: "10.0.0.77" });

    const { Reservations } = model.call("DescribeInstances", { InstanceIds: [instanceId] });
    expect(Reservations?.[0]?.Instances?.[0]).toMatchObject({
      InstanceId: instanceId,
      InstanceType: "m5.large",
      PrivateIpAddress: "10.0.0.77",
      State: { Name: "running" },
      SubnetId: subnetId,
      SecurityGroups: [{ GroupId: groupId }],
      Tags: [{ Key: "kubernetes.io/cluster/demo", Value: "owned" }],
      NetworkInterfaces: [{ Attachment: { DeviceIndex: 0, DeleteOnTermination: true } }],
    });
    const trunk = model.call("CreateNetworkInterface", { SubnetId: subnetId, InterfaceType: "trunk" });
    const NetworkInterfaceId = trunk.NetworkInterface?.NetworkInterfaceId;
    model.call("AttachNetworkInterface", { NetworkInterfaceId, InstanceId: instanceId, DeviceIndex: 2 });
    model.call("TerminateInstances", { InstanceIds: [instanceId] });
    clock.advance(1_000);
    expect(states).toEqual(["running", "shutting-down", "terminated"]);
  });

  test.each([
    ["lies outside the subnet", "172.18.0.2"],
    ["is reserved", "10.0.0.1"],
    ["is none", "node-a"],
  ])("has another address when its own %s", (_, privateIp) => {
    const given = account();

    given.model.adoptInstance({ ...wantedIn(given), privateIp });

    expect(given.model.state().instances[0]?.PrivateIpAddress).toMatch(/^10\.0\.0\.\d+$/);
    expect(given.model.state().instances[0]?.PrivateIpAddress).not.toBe(privateIp);
  });

  test("has another address when its own is taken", () => {
    const given = account();
    const taken = given.model.call("CreateNetworkInterface", { SubnetId: given.subnetId }).NetworkInterface;
    const privateIp = taken?.PrivateIpAddress;

    given.model.adoptInstance({ ...wantedIn(given), privateIp });

    expect(given.model.state().instances[0]?.PrivateIpAddress).not.toBe(privateIp);
  });

  test("is refused under an ID that is none or is taken, with an unknown type, and leaves nothing behind", () => {
    const given = account();
    const adopt = (change: object) => refusal(() => given.model.adoptInstance({ ...wantedIn(given), ...change })).code;

    expect(adopt({ instanceId: "node-a" })).toBe("InvalidInstanceID.Malformed");
    expect(adopt({ instanceType: "z9.large" })).toBe("InvalidParameterValue");
    expect(adopt({ groupIds: ["sg-00000000"] })).toBe("InvalidSecurityGroupID.NotFound");
    expect(given.model.state().networkInterfaces).toEqual([]);
    given.model.adoptInstance(wantedIn(given));
    expect(adopt({})).toBe("InvalidParameterValue");
    expect(given.model.state().networkInterfaces).toHaveLength(1);
  });
});
