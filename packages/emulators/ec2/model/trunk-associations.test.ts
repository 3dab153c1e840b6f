import { describe, expect, test } from "vitest";
import { account, refusal, sure } from "./testing.ts";

function trunked() {
  const world = account();
  const instanceId = world.instance();
  const trunkId = world.networkInterface({ InterfaceType: "trunk" });
  const attach = () =>
    world.model.call("AttachNetworkInterface", {
      NetworkInterfaceId: trunkId,
      InstanceId: instanceId,
      DeviceIndex: 2,
    });
  const associate = (branchId: string, vlanId: number, token?: string) =>
    world.model.call("AssociateTrunkInterface", {
      BranchInterfaceId: branchId,
      TrunkInterfaceId: trunkId,
      VlanId: vlanId,
      ClientToken: token,
    });
  return { ...world, instanceId, trunkId, attach, associate };
}

describe("trunk associations", () => {
  test("make an interface a branch that is in use, also while the trunk is not attached", () => {
    const { networkInterface, associate, show, trunkId } = trunked();
    const branchId = networkInterface();
    const { InterfaceAssociation } = associate(branchId, 7);
    expect(InterfaceAssociation).toMatchObject({
      AssociationId: expect.stringMatching(/^trunk-assoc-[0-9a-f]{17}$/),
      BranchInterfaceId: branchId,
      TrunkInterfaceId: trunkId,
      VlanId: 7,
      InterfaceProtocol: "VLAN",
    });
    expect(show(branchId)).toMatchObject({ InterfaceType: "branch", Status: "in-use", Attachment: undefined });
  });

  test("refuse a VLAN ID that the trunk has, and take it once the association is gone", () => {
    const { model, networkInterface, associate } = trunked();
    const first = associate(networkInterface(), 7).InterfaceAssociation;
    const second = networkInterface();
    expect(refusal(() => associate(second, 7)).code).toBe("InvalidParameterValue");
    model.call("DisassociateTrunkInterface", { AssociationId: first?.AssociationId });
    expect(associate(second, 7).InterfaceAssociation?.VlanId).toBe(7);
  });

  test.each([0, 121, 1.5, -1])("refuse VLAN ID %d", (vlanId) => {
    const { networkInterface, associate } = trunked();
    expect(refusal(() => associate(networkInterface(), vlanId)).code).toBe("InvalidParameterValue");
  });

  test("are refused beyond the branch limit of the trunk's instance type", () => {
    const { networkInterface, associate, attach } = trunked();
    attach();
    for (let vlanId = 1; vlanId <= 9; vlanId++) associate(networkInterface(), vlanId);
    expect(refusal(() => associate(networkInterface(), 10))).toMatchObject({
      code: "AttachmentLimitExceeded",
      message: "Branch interface count 10 exceeds the limit for m5.large",
    });
  });

  test("refuse a branch that is associated, one that is attached, and a trunk that is none", () => {
    const { model, networkInterface, associate, instanceId, trunkId } = trunked();
    const branchId = networkInterface();
    associate(branchId, 1);
    expect(refusal(() => associate(branchId, 2)).code).toBe("Resource.AlreadyAssociated");
    const attached = networkInterface();
    model.call("AttachNetworkInterface", { NetworkInterfaceId: attached, InstanceId: instanceId, DeviceIndex: 1 });
    expect(refusal(() => associate(attached, 2)).code).toBe("InvalidNetworkInterface.InUse");
    expect(refusal(() => associate(trunkId, 2)).code).toBe("InvalidParameterValue");
    const plain = { BranchInterfaceId: networkInterface(), TrunkInterfaceId: networkInterface(), VlanId: 3 };
    expect(refusal(() => model.call("AssociateTrunkInterface", plain)).code).toBe("InvalidParameterValue");
  });

  test("refuse a branch of another Availability Zone", () => {
    const { model, vpcId, networkInterface, associate } = trunked();
    const other = model.call("CreateSubnet", {
      VpcId: vpcId,
      CidrBlock: "10.0.9.0/24",
      AvailabilityZone: "us-west-2b",
    });
    const branchId = networkInterface({ SubnetId: sure(other.Subnet?.SubnetId) });
    expect(refusal(() => associate(branchId, 1)).code).toBe("InvalidParameterCombination");
  });

  test("answer a repeated client token with the same association, even after it is gone", () => {
    const { model, networkInterface, associate } = trunked();
    const branchId = networkInterface();
    const first = associate(branchId, 4, "token").InterfaceAssociation;
    expect(associate(branchId, 4, "token").InterfaceAssociation).toEqual(first);
    model.call("DisassociateTrunkInterface", { AssociationId: first?.AssociationId });
    expect(associate(branchId, 4, "token").InterfaceAssociation).toEqual(first);
    expect(model.state().associations).toEqual([]);
    expect(refusal(() => associate(branchId, 5, "token")).code).toBe("IdempotentParameterMismatch");
  });

  test("are gone after one disassociation; the branch stays, available", () => {
    const { model, networkInterface, associate, show } = trunked();
    const branchId = networkInterface();
    const AssociationId = associate(branchId, 1).InterfaceAssociation?.AssociationId;
    model.call("DisassociateTrunkInterface", { AssociationId });
    expect(show(branchId)?.Status).toBe("available");
    expect(refusal(() => model.call("DisassociateTrunkInterface", { AssociationId }))).toMatchObject({
      code: "InvalidAssociationID.NotFound",
      message: `The association ID '${AssociationId}' does not exist`,
    });
  });

  test("go with a branch that is deleted while it is associated", () => {
    const { model, networkInterface, associate } = trunked();
    const branchId = networkInterface();
    associate(branchId, 1);
    model.call("DeleteNetworkInterface", { NetworkInterfaceId: branchId });
    expect(model.state().associations).toEqual([]);
    expect(associate(networkInterface(), 1).InterfaceAssociation?.VlanId).toBe(1);
  });

  test("are listed by ID, and page by page", () => {
    const { model, networkInterface, associate } = trunked();
    const ids = [1, 2, 3, 4, 5, 6].map((vlanId) =>
      sure(associate(networkInterface(), vlanId).InterfaceAssociation?.AssociationId),
    );
    const one = model.call("DescribeTrunkInterfaceAssociations", { AssociationIds: [sure(ids[2])] });
    expect(one.InterfaceAssociations?.map((association) => association.VlanId)).toEqual([3]);
    const first = model.call("DescribeTrunkInterfaceAssociations", { MaxResults: 5 });
    const second = model.call("DescribeTrunkInterfaceAssociations", { MaxResults: 5, NextToken: first.NextToken });
    expect(second.InterfaceAssociations?.map((association) => association.VlanId)).toEqual([6]);
    expect(second.NextToken).toBeUndefined();
  });

  test("keep their trunk from an instance type with fewer branches", () => {
    const { networkInterface, associate, attach } = trunked();
    for (let vlanId = 1; vlanId <= 10; vlanId++) associate(networkInterface(), vlanId);
    expect(refusal(attach).code).toBe("AttachmentLimitExceeded");
  });
});
