import type {
  CreateNetworkInterfaceRequest,
  CreateNetworkInterfaceResult,
  DeleteNetworkInterfaceRequest,
  DescribeNetworkInterfaceAttributeRequest,
  DescribeNetworkInterfaceAttributeResult,
  ModifyNetworkInterfaceAttributeRequest,
  NetworkInterfaceStatus,
} from "@aws-sdk/client-ec2";
import { Ec2Error, invalidCombination, invalidValue, required } from "./errors.ts";
import { notFound } from "./ids.ts";
import { interfaceView } from "./interface-view.ts";
import { dropInterface, makeInterface } from "./interfaces.ts";
import { groupsForInterface } from "./security-groups.ts";
import { tagsFor } from "./tags.ts";
import { lookUp, type World } from "./world.ts";

/** `CreateNetworkInterface`. A repeated client token answers with the same interface, even if it was deleted. */
export function createNetworkInterface(
  world: World,
  input: CreateNetworkInterfaceRequest,
): CreateNetworkInterfaceResult {
  const call = { action: "CreateNetworkInterface", input, nowMs: world.clock.now() };
  return world.clientTokens.once<CreateNetworkInterfaceResult>(call, () => {
    const subnet = lookUp(world.subnets, "subnet", required(input.SubnetId, "subnetId"));
    const type = checkedType(world, input.InterfaceType);
    const networkInterface = makeInterface(world, {
      subnet,
      type,
      tags: tagsFor("network-interface", input.TagSpecifications),
      description: input.Description,
      groupIds: input.Groups,
      privateIpAddress: input.PrivateIpAddress,
      privateIpAddresses: input.PrivateIpAddresses,
      secondaryCount: input.SecondaryPrivateIpAddressCount,
      ipv6Count: input.Ipv6AddressCount,
      ipv6Addresses: input.Ipv6Addresses?.flatMap((one) => one.Ipv6Address ?? []),
    });
    return () => ({
      // The answer says so until a describe says `available`; the SDK does not list this status.
      NetworkInterface: { ...interfaceView(world, networkInterface), Status: "pending" as NetworkInterfaceStatus },
      ClientToken: input.ClientToken,
    });
  });
}

/** `DeleteNetworkInterface`: not while it is attached. An associated branch may be deleted; its association goes too. */
export function deleteNetworkInterface(world: World, input: DeleteNetworkInterfaceRequest): object {
  const id = required(input.NetworkInterfaceId, "networkInterfaceId");
  const networkInterface = lookUp(world.interfaces, "networkInterface", id);
  if (networkInterface.attachment) {
    throw new Ec2Error("InvalidNetworkInterface.InUse", `Network interface '${id}' is currently in use.`);
  }
  dropInterface(world, networkInterface);
  return {};
}

/** `ModifyNetworkInterfaceAttribute`: one attribute in each call. */
export function modifyNetworkInterfaceAttribute(world: World, input: ModifyNetworkInterfaceAttributeRequest): object {
  const id = required(input.NetworkInterfaceId, "networkInterfaceId");
  const networkInterface = lookUp(world.interfaces, "networkInterface", id);
  const { Attachment, Description, Groups, SourceDestCheck } = input;
  const given = Object.entries({ attachment: Attachment, description: Description, groupSet: Groups, SourceDestCheck })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  if (given.length > 1) {
    throw invalidCombination(`Fields for multiple attribute types specified: ${given.join(", ")}`);
  }
  if (given.length === 0) throw invalidCombination("No attributes specified.");
  if (Groups) networkInterface.groupIds = groupsForInterface(world, networkInterface.vpcId, Groups);
  if (Description?.Value !== undefined) networkInterface.description = Description.Value;
  if (SourceDestCheck?.Value !== undefined) networkInterface.sourceDestCheck = SourceDestCheck.Value;
  if (Attachment) {
    const { attachment } = networkInterface;
    const attachmentId = required(Attachment.AttachmentId, "attachment.attachmentId");
    if (attachment?.id !== attachmentId) throw notFound("attachment", attachmentId);
    attachment.deleteOnTermination = Attachment.DeleteOnTermination ?? attachment.deleteOnTermination;
  }
  return {};
}

/** `DescribeNetworkInterfaceAttribute`. */
export function describeNetworkInterfaceAttribute(
  world: World,
  input: DescribeNetworkInterfaceAttributeRequest,
): DescribeNetworkInterfaceAttributeResult {
  const id = required(input.NetworkInterfaceId, "networkInterfaceId");
  const view = interfaceView(world, lookUp(world.interfaces, "networkInterface", id));
  switch (input.Attribute) {
    case "attachment":
      return { NetworkInterfaceId: id, Attachment: view.Attachment };
    case "description":
      return { NetworkInterfaceId: id, Description: { Value: view.Description } };
    case "groupSet":
      return { NetworkInterfaceId: id, Groups: view.Groups };
    case "sourceDestCheck":
      return { NetworkInterfaceId: id, SourceDestCheck: { Value: view.SourceDestCheck } };
    default:
      throw invalidValue(`Value (${input.Attribute}) for parameter attribute is invalid. Unknown attribute.`);
  }
}

function checkedType(world: World, type: string | undefined): string | undefined {
  const allowed = world.config.trunkingEnabled ? ["efa", "efa-only", "branch", "trunk"] : ["efa", "efa-only"];
  if (type === undefined || type === "interface" || allowed.includes(type)) return type;
  // The text that an account without trunking gets, as quoted in the README of amazon-vpc-resource-controller-k8s.
  throw invalidValue(`Invalid value '${type}' for InterfaceType. Allowed values are ('EFA')`);
}
