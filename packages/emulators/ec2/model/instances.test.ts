import { describe, expect, test } from "vitest";
import type { InstanceStateChangeEvent } from "./events.ts";
import { account, emptyAccount, refusal, sure } from "./testing.ts";

const RUN = { ImageId: "ami-12345678", InstanceType: "m5.large", MinCount: 1, MaxCount: 1 } as const;

describe("RunInstances", () => {
  test("launches instances with a primary interface in the subnet, and tags both", () => {
    const { model, subnetId, groupId } = account();
    const { Instances } = model.call("RunInstances", {
      ...RUN,
      MinCount: 2,
      MaxCount: 2,
      SubnetId: subnetId,
      SecurityGroupIds: [groupId],
      TagSpecifications: [
        { ResourceType: "instance", Tags: [{ Key: "kubernetes.io/cluster/demo", Value: "owned" }] },
        { ResourceType: "network-interface", Tags: [{ Key: "primary", Value: "yes" }] },
      ],
    });
    expect(Instances).toHaveLength(2);
    expect(Instances?.[1]).toMatchObject({
      InstanceId: expect.stringMatching(/^i-[0-9a-f]{17}$/),
      State: { Name: "pending", Code: 0 },
      InstanceType: "m5.large",
      SubnetId: subnetId,
      AmiLaunchIndex: 1,
      SecurityGroups: [{ GroupId: groupId }],
      Tags: [{ Key: "kubernetes.io/cluster/demo", Value: "owned" }],
      NetworkInterfaces: [{ Status: "in-use", Attachment: { DeviceIndex: 0, DeleteOnTermination: true } }],
    });
    expect(model.state().networkInterfaces.map((one) => one.TagSet)).toEqual([
      [{ Key: "primary", Value: "yes" }],
      [{ Key: "primary", Value: "yes" }],
    ]);
  });

  test("launches as many as there is room for, and none when that is fewer than the minimum", () => {
    const { model, vpcId } = account();
    const small = model.call("CreateSubnet", { VpcId: vpcId, CidrBlock: "10.0.5.0/28" });
    const run = (MinCount: number, MaxCount: number) =>
      model.call("RunInstances", { ...RUN, MinCount, MaxCount, SubnetId: small.Subnet?.SubnetId });
    expect(refusal(() => run(12, 12)).code).toBe("InsufficientFreeAddressesInSubnet");
    expect(model.state().instances).toEqual([]);
    expect(model.state().networkInterfaces).toEqual([]);
    expect(run(1, 12).Instances).toHaveLength(11);
  });

  test("attaches interfaces that the request describes or names", () => {
    const { model, subnetId, groupId, networkInterface } = account();
    const existing = networkInterface();
    const { Instances } = model.call("RunInstances", {
      ...RUN,
      NetworkInterfaces: [
        { DeviceIndex: 1, NetworkInterfaceId: existing },
        { DeviceIndex: 0, SubnetId: subnetId, Groups: [groupId], SecondaryPrivateIpAddressCount: 3 },
      ],
    });
    expect(Instances?.[0]?.NetworkInterfaces).toMatchObject([
      { Attachment: { DeviceIndex: 0, DeleteOnTermination: true } },
      { NetworkInterfaceId: existing, Attachment: { DeviceIndex: 1, DeleteOnTermination: false } },
    ]);
    expect(Instances?.[0]?.NetworkInterfaces?.[0]?.PrivateIpAddresses).toHaveLength(4);
  });

  test("leaves nothing behind when one of its interfaces is refused", () => {
    const { model, subnetId, networkInterface, show } = account();
    const existing = networkInterface();
    const input = {
      ...RUN,
      NetworkInterfaces: [
        { DeviceIndex: 0, SubnetId: subnetId },
        { DeviceIndex: 1, NetworkInterfaceId: existing },
        { DeviceIndex: 1, SubnetId: subnetId },
      ],
    };
    expect(refusal(() => model.call("RunInstances", input)).code).toBe("InvalidParameterValue");
    expect(model.state().instances).toEqual([]);
    expect(show(existing)?.Status).toBe("available");
    expect(model.state().networkInterfaces).toHaveLength(1);
  });

  test("answers a repeated client token with the same instances", () => {
    const { model, subnetId } = account();
    const input = { ...RUN, SubnetId: subnetId, ClientToken: "once" };
    const first = model.call("RunInstances", input).Instances?.[0]?.InstanceId;
    expect(model.call("RunInstances", input).Instances?.[0]?.InstanceId).toBe(first);
    expect(model.state().instances).toHaveLength(1);
  });

  test.each([
    [{ InstanceType: "m5.gigantic" }, "InvalidParameterValue"],
    [{ ImageId: undefined }, "MissingParameter"],
    [{ ImageId: "debian" }, "InvalidAMIID.Malformed"],
    [{ SubnetId: undefined }, "VPCIdNotSpecified"],
    [{ MinCount: 3 }, "InvalidParameterValue"],
    [{ MaxCount: 1_001 }, "InstanceLimitExceeded"],
    [{ NetworkInterfaces: [{ DeviceIndex: 0 }] }, "InvalidParameterCombination"],
  ])("refuses %o with %s", (change, code) => {
    const { model, subnetId } = account();
    const input = { ...RUN, SubnetId: subnetId, ...(change as object) };
    expect(refusal(() => model.call("RunInstances", input)).code).toBe(code);
  });
});

describe("an instance", () => {
  function watched() {
    const world = account();
    const events: InstanceStateChangeEvent[] = [];
    world.model.onInstanceStateChange((event) => events.push(event));
    return { ...world, events, states: () => events.map((event) => event.detail.state) };
  }

  test("goes through its states, and tells each as EventBridge does", () => {
    const { model, clock, instance, events, states } = watched();
    const InstanceIds = [instance()];
    model.call("StopInstances", { InstanceIds });
    clock.advance(1_000);
    model.call("StartInstances", { InstanceIds });
    clock.advance(1_000);
    model.call("TerminateInstances", { InstanceIds });
    clock.advance(1_000);
    expect(states()).toEqual([
      ...["pending", "running", "stopping", "stopped"],
      ...["pending", "running", "shutting-down", "terminated"],
    ]);
    expect(events[0]).toEqual({
      version: "0",
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/),
      "detail-type": "EC2 Instance State-change Notification",
      source: "aws.ec2",
      account: "123456789012",
      time: "2026-01-01T00:00:00Z",
      region: "us-west-2",
      resources: [`arn:aws:ec2:us-west-2:123456789012:instance/${InstanceIds[0]}`],
      detail: { "instance-id": InstanceIds[0], state: "pending" },
    });
  });

  test("tells nothing to a listener that has left", () => {
    const { model, instance } = watched();
    const heard: string[] = [];
    const leave = model.onInstanceStateChange((event) => heard.push(event.detail.state));
    leave();
    instance();
    expect(heard).toEqual([]);
  });

  test("takes its trunk with it; the associations vanish, the branches stay as available orphans", () => {
    const { model, clock, instance, networkInterface, show } = watched();
    const InstanceId = instance();
    const [trunkId, branchId] = [networkInterface({ InterfaceType: "trunk" }), networkInterface()];
    const { AttachmentId } = model.call("AttachNetworkInterface", {
      NetworkInterfaceId: trunkId,
      InstanceId,
      DeviceIndex: 2,
    });
    const Attachment = { AttachmentId, DeleteOnTermination: true };
    model.call("ModifyNetworkInterfaceAttribute", { NetworkInterfaceId: trunkId, Attachment });
    model.call("AssociateTrunkInterface", { BranchInterfaceId: branchId, TrunkInterfaceId: trunkId, VlanId: 1 });
    model.call("TerminateInstances", { InstanceIds: [InstanceId] });
    expect(show(branchId)?.Status).toBe("in-use");
    clock.advance(1_000);
    expect(show(trunkId)).toBeUndefined();
    expect(model.state().associations).toEqual([]);
    expect(show(branchId)).toMatchObject({ InterfaceType: "branch", Status: "available" });
  });

  test("is terminated also from pending and stopped, and only once", () => {
    const { model, clock, subnetId, states } = watched();
    const run = model.call("RunInstances", { ...RUN, SubnetId: subnetId });
    const InstanceIds = [sure(run.Instances?.[0]?.InstanceId)];
    const first = model.call("TerminateInstances", { InstanceIds }).TerminatingInstances;
    expect(first).toMatchObject([{ PreviousState: { Name: "pending" }, CurrentState: { Name: "shutting-down" } }]);
    const second = model.call("TerminateInstances", { InstanceIds }).TerminatingInstances;
    expect(second).toMatchObject([{ PreviousState: { Name: "shutting-down" }, CurrentState: { Code: 32 } }]);
    clock.advance(60_000);
    expect(states()).toEqual(["pending", "shutting-down", "terminated"]);
  });

  test("stays visible for an hour after its end", () => {
    const { model, clock, instance } = watched();
    const InstanceIds = [instance()];
    model.call("TerminateInstances", { InstanceIds });
    clock.advance(3_600_000);
    const shown = model.call("DescribeInstances", { InstanceIds }).Reservations?.[0]?.Instances?.[0];
    expect(shown).toMatchObject({ State: { Name: "terminated" }, NetworkInterfaces: [] });
    expect(shown).not.toHaveProperty("SubnetId");
    clock.advance(1_001);
    expect(refusal(() => model.call("DescribeInstances", { InstanceIds }))).toMatchObject({
      code: "InvalidInstanceID.NotFound",
    });
  });

  test("cannot be stopped or started out of order, and then none of those named is", () => {
    const { model, subnetId, instance } = watched();
    const running = instance();
    const pending = sure(model.call("RunInstances", { ...RUN, SubnetId: subnetId }).Instances?.[0]?.InstanceId);
    const both = { InstanceIds: [running, pending] };
    expect(refusal(() => model.call("StopInstances", both)).code).toBe("IncorrectInstanceState");
    expect(model.state().instances.map((one) => one.State?.Name)).toEqual(["running", "pending"]);
    model.call("TerminateInstances", { InstanceIds: [running] });
    const start = { InstanceIds: [running] };
    expect(refusal(() => model.call("StartInstances", start)).code).toBe("IncorrectInstanceState");
    expect(refusal(() => model.call("StopInstances", { InstanceIds: [] })).code).toBe("MissingParameter");
  });

  test("is found by its state, its tags and its interfaces", () => {
    const { model, subnetId, vpcId, groupId, instance } = watched();
    const id = instance();
    instance("t3.medium");
    model.call("CreateTags", { Resources: [id], Tags: [{ Key: "node", Value: "one" }] });
    const find = (Name: string, Value: string) =>
      model
        .call("DescribeInstances", { Filters: [{ Name, Values: [Value] }] })
        .Reservations?.flatMap((reservation) => reservation.Instances?.map((one) => one.InstanceId) ?? []);
    const [first] = model.state().instances;
    expect(find("tag:node", "one")).toEqual([id]);
    expect(find("instance-type", "m5.*")).toEqual([id]);
    expect(find("instance-id", id)).toEqual([id]);
    expect(find("private-ip-address", sure(first?.PrivateIpAddress))).toEqual([id]);
    const attachmentId = sure(first?.NetworkInterfaces?.[0]?.Attachment?.AttachmentId);
    expect(find("network-interface.attachment.attachment-id", attachmentId)).toEqual([id]);
    for (const [name, value] of [
      ["instance-state-name", "running"],
      ["instance-state-code", "16"],
      ["subnet-id", subnetId],
      ["vpc-id", vpcId],
      ["instance.group-id", groupId],
      ["instance.group-name", "pods"],
      ["network-interface.group-id", groupId],
      ["network-interface.subnet-id", subnetId],
    ] as const) {
      expect(find(name, value), name).toHaveLength(2);
    }
    expect(find("instance-state-name", "stopped")).toEqual([]);
  });
});

describe("DescribeInstanceTypes", () => {
  test("tells the limits that networking depends on", () => {
    const { model } = emptyAccount();
    const { InstanceTypes } = model.call("DescribeInstanceTypes", { InstanceTypes: ["m5.large"] });
    expect(InstanceTypes).toMatchObject([
      {
        InstanceType: "m5.large",
        Hypervisor: "nitro",
        BareMetal: false,
        NetworkInfo: {
          MaximumNetworkInterfaces: 3,
          Ipv4AddressesPerInterface: 10,
          NetworkCards: [{ NetworkCardIndex: 0, MaximumNetworkInterfaces: 3 }],
        },
      },
    ]);
  });

  test("refuses a type that does not exist, and a page of more than a hundred", () => {
    const { model } = emptyAccount();
    const unknown = { InstanceTypes: ["m5.gigantic" as "m5.large"] };
    expect(refusal(() => model.call("DescribeInstanceTypes", unknown))).toMatchObject({
      code: "InvalidInstanceType",
      message: "The following supplied instance types do not exist: [m5.gigantic]",
    });
    expect(refusal(() => model.call("DescribeInstanceTypes", { MaxResults: 101 })).code).toBe("InvalidParameterValue");
  });

  test("pages through all types without losing one", () => {
    const { model } = emptyAccount();
    const seen = new Set<string | undefined>();
    let NextToken: string | undefined;
    do {
      const answer = model.call("DescribeInstanceTypes", { MaxResults: 100, NextToken });
      for (const type of answer.InstanceTypes ?? []) seen.add(type.InstanceType);
      NextToken = answer.NextToken;
    } while (NextToken !== undefined);
    expect(seen.size).toBe(1_164);
  });
});
