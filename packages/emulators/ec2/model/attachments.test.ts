import { describe, expect, test } from "vitest";
import { account, refusal, sure } from "./testing.ts";

describe("an attachment", () => {
  test("is attaching for a while, then attached", () => {
    const { model, clock, instance, networkInterface, show } = account();
    const InstanceId = instance();
    const NetworkInterfaceId = networkInterface();
    const { AttachmentId } = model.call("AttachNetworkInterface", { NetworkInterfaceId, InstanceId, DeviceIndex: 1 });
    expect(show(NetworkInterfaceId)).toMatchObject({
      Status: "in-use",
      Attachment: { AttachmentId, InstanceId, DeviceIndex: 1, Status: "attaching", DeleteOnTermination: false },
    });
    clock.advance(1_000);
    expect(show(NetworkInterfaceId)?.Attachment?.Status).toBe("attached");
  });

  test("ends some time after it is detached, but not that of the primary interface", () => {
    const { model, clock, instance, networkInterface, show } = account();
    const InstanceId = instance();
    const NetworkInterfaceId = networkInterface();
    const { AttachmentId } = model.call("AttachNetworkInterface", { NetworkInterfaceId, InstanceId, DeviceIndex: 1 });
    clock.advance(1_000);
    model.call("DetachNetworkInterface", { AttachmentId });
    expect(show(NetworkInterfaceId)?.Attachment?.Status).toBe("detaching");
    expect(refusal(() => model.call("DetachNetworkInterface", { AttachmentId })).code).toBe("IncorrectState");
    clock.advance(1_000);
    expect(show(NetworkInterfaceId)).toMatchObject({ Status: "available", Attachment: undefined });
    expect(refusal(() => model.call("DetachNetworkInterface", { AttachmentId })).code).toBe(
      "InvalidAttachmentID.NotFound",
    );
    const primary = model.state().networkInterfaces.find((one) => one.Attachment?.DeviceIndex === 0);
    const ofPrimary = { AttachmentId: primary?.Attachment?.AttachmentId };
    expect(refusal(() => model.call("DetachNetworkInterface", ofPrimary)).code).toBe("OperationNotPermitted");
  });

  test("that is detached early, or ended by its instance's end, is not touched by what was planned for it", () => {
    const { model, clock, instance, networkInterface, show } = account({ transitions: { detachingMs: 5_000 } });
    const [first, second] = [instance(), instance()];
    const NetworkInterfaceId = networkInterface();
    const attach = (InstanceId: string) =>
      model.call("AttachNetworkInterface", { NetworkInterfaceId, InstanceId, DeviceIndex: 1 });
    model.call("DetachNetworkInterface", { AttachmentId: attach(first).AttachmentId });
    clock.advance(2_000);
    expect(show(NetworkInterfaceId)?.Attachment?.Status).toBe("detaching");
    model.call("TerminateInstances", { InstanceIds: [first] });
    clock.advance(1_000);
    attach(second);
    clock.advance(10_000);
    expect(show(NetworkInterfaceId)?.Attachment).toMatchObject({ InstanceId: second, Status: "attached" });
  });

  test("needs a free device index, and an instance with room", () => {
    const { model, instance, networkInterface } = account();
    const InstanceId = instance();
    const attach = (DeviceIndex: number, NetworkInterfaceId = networkInterface()) =>
      model.call("AttachNetworkInterface", { NetworkInterfaceId, InstanceId, DeviceIndex });
    attach(2);
    expect(refusal(() => attach(2))).toMatchObject({
      code: "InvalidParameterValue",
      message: `Instance '${InstanceId}' already has an interface attached at device index '2'.`,
    });
    expect(refusal(() => attach(3)).code).toBe("InvalidParameterValue");
    attach(1);
    expect(refusal(() => attach(1))).toMatchObject({
      code: "AttachmentLimitExceeded",
      message: "Interface count 4 exceeds the limit for m5.large",
    });
  });

  test("is refused to an interface that is in use, and to an instance that is not up", () => {
    const { model, clock, instance, networkInterface } = account();
    const InstanceId = instance();
    const NetworkInterfaceId = networkInterface();
    const attach = (DeviceIndex: number) =>
      model.call("AttachNetworkInterface", { NetworkInterfaceId, InstanceId, DeviceIndex });
    attach(1);
    expect(refusal(() => attach(2)).code).toBe("InvalidNetworkInterface.InUse");
    model.call("TerminateInstances", { InstanceIds: [InstanceId] });
    expect(refusal(() => attach(2)).code).toBe("IncorrectState");
    clock.advance(1_000);
    expect(refusal(() => attach(2)).code).toBe("IncorrectState");
  });

  test("of a trunk needs an instance type that can trunk", () => {
    const { model, instance, networkInterface } = account();
    const InstanceId = instance("t3.medium");
    const NetworkInterfaceId = networkInterface({ InterfaceType: "trunk" });
    expect(
      refusal(() => model.call("AttachNetworkInterface", { NetworkInterfaceId, InstanceId, DeviceIndex: 2 })),
    ).toMatchObject({ code: "InvalidParameterValue", message: expect.stringContaining("t3.medium") });
  });

  test("needs both ends in one Availability Zone", () => {
    const { model, vpcId, instance, networkInterface } = account();
    const other = { VpcId: vpcId, CidrBlock: "10.0.9.0/24", AvailabilityZone: "us-west-2b" };
    const SubnetId = sure(model.call("CreateSubnet", other).Subnet?.SubnetId);
    const NetworkInterfaceId = networkInterface({ SubnetId });
    const call = { NetworkInterfaceId, InstanceId: instance(), DeviceIndex: 1 };
    expect(refusal(() => model.call("AttachNetworkInterface", call)).code).toBe("InvalidParameterCombination");
  });

  test("tells by DeleteOnTermination what becomes of the interface", () => {
    const { model, clock, instance, networkInterface, show } = account();
    const InstanceId = instance();
    const [going, staying] = [networkInterface(), networkInterface()];
    const { AttachmentId } = model.call("AttachNetworkInterface", {
      NetworkInterfaceId: going,
      InstanceId,
      DeviceIndex: 1,
    });
    model.call("AttachNetworkInterface", { NetworkInterfaceId: staying, InstanceId, DeviceIndex: 2 });
    model.call("ModifyNetworkInterfaceAttribute", {
      NetworkInterfaceId: going,
      Attachment: { AttachmentId, DeleteOnTermination: true },
    });
    model.call("TerminateInstances", { InstanceIds: [InstanceId] });
    clock.advance(1_000);
    expect(show(going)).toBeUndefined();
    expect(show(staying)).toMatchObject({ Status: "available", Attachment: undefined });
  });

  test("cannot be changed through the wrong interface", () => {
    const { model, instance, networkInterface } = account();
    const NetworkInterfaceId = networkInterface();
    const call = { NetworkInterfaceId: networkInterface(), InstanceId: instance(), DeviceIndex: 1 };
    const { AttachmentId } = model.call("AttachNetworkInterface", call);
    const Attachment = { AttachmentId, DeleteOnTermination: true };
    expect(refusal(() => model.call("ModifyNetworkInterfaceAttribute", { NetworkInterfaceId, Attachment })).code).toBe(
      "InvalidAttachmentID.NotFound",
    );
  });
});

describe("secondary private addresses", () => {
  test("are given and taken back, all or none, up to the limit of the type", () => {
    const { model, instance, show } = account();
    instance();
    const NetworkInterfaceId = sure(model.state().networkInterfaces[0]?.NetworkInterfaceId);
    const assign = (SecondaryPrivateIpAddressCount: number) =>
      model.call("AssignPrivateIpAddresses", { NetworkInterfaceId, SecondaryPrivateIpAddressCount });
    const given = assign(9).AssignedPrivateIpAddresses?.map((one) => sure(one.PrivateIpAddress));
    expect(show(NetworkInterfaceId)?.PrivateIpAddresses).toHaveLength(10);
    expect(refusal(() => assign(1)).code).toBe("PrivateIpAddressLimitExceeded");
    model.call("UnassignPrivateIpAddresses", { NetworkInterfaceId, PrivateIpAddresses: given });
    expect(show(NetworkInterfaceId)?.PrivateIpAddresses).toMatchObject([{ Primary: true }]);
    const primary = { NetworkInterfaceId, PrivateIpAddresses: [sure(show(NetworkInterfaceId)?.PrivateIpAddress)] };
    expect(refusal(() => model.call("UnassignPrivateIpAddresses", primary)).code).toBe("InvalidParameterValue");
  });

  test("leave nothing taken when one of those named is not free", () => {
    const { model, networkInterface, subnetId } = account();
    const NetworkInterfaceId = networkInterface();
    model.call("CreateNetworkInterface", { SubnetId: subnetId, PrivateIpAddress: "10.0.0.200" });
    const free = () => model.state().subnets[0]?.AvailableIpAddressCount;
    const before = free();
    const named = { NetworkInterfaceId, PrivateIpAddresses: ["10.0.0.199", "10.0.0.200"] };
    expect(refusal(() => model.call("AssignPrivateIpAddresses", named)).code).toBe("InvalidIPAddress.InUse");
    expect(free()).toBe(before);
    expect(refusal(() => model.call("AssignPrivateIpAddresses", { NetworkInterfaceId })).code).toBe("MissingParameter");
  });
});
