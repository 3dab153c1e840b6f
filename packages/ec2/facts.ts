import type { Instance, NetworkInterface, Subnet, TrunkInterfaceAssociation } from "@aws-sdk/client-ec2";
import {
  type AssociationFacts,
  type AssociationId,
  type AttachmentId,
  branded,
  type ClusterName,
  type EniFacts,
  type EniId,
  type InstanceFacts,
  type InstanceId,
  parseIntent,
  type SecurityGroupId,
  type SubnetFacts,
  type SubnetId,
  type VlanId,
} from "@trunkline/core";
import { present } from "./calls.ts";
import { tagKeys, tagMap } from "./tags.ts";

/** What a describe, or the answer to a create, shows of an ENI. */
export const eniFacts = (eni: NetworkInterface): EniFacts => ({
  eniId: branded<EniId>(present(eni.NetworkInterfaceId, "the ID of a network interface")),
  mac: eni.MacAddress ?? "",
  privateIp: eni.PrivateIpAddress ?? "",
  ipv6: eni.Ipv6Addresses?.[0]?.Ipv6Address ?? "",
  status: eni.Status ?? "",
  interfaceType: eni.InterfaceType ?? "",
  subnetId: branded<SubnetId>(eni.SubnetId ?? ""),
  securityGroups: groupIds(eni.Groups),
  ...attachmentFacts(eni),
  ...taggedFacts(eni),
});

const attachmentFacts = ({ Attachment: attachment }: NetworkInterface): Pick<EniFacts, "attachment"> => {
  if (attachment?.AttachmentId === undefined) return {};
  return {
    attachment: {
      attachmentId: branded<AttachmentId>(attachment.AttachmentId),
      ...(attachment.InstanceId === undefined ? {} : { instanceId: branded<InstanceId>(attachment.InstanceId) }),
      deviceIndex: attachment.DeviceIndex ?? 0,
      status: attachment.Status ?? "",
    },
  };
};

type Tagged = Pick<EniFacts, "cluster" | "instanceId" | "intent" | "vlanId" | "trunkEniId" | "createdAt">;

/** What the tags say. Tags can be edited by hand, so each is read by itself and left out when it makes no sense. */
const taggedFacts = (eni: NetworkInterface): Tagged => {
  const tags = tagMap(eni.TagSet);
  const cluster = tags.get(tagKeys.cluster);
  const instanceId = tags.get(tagKeys.instanceId);
  const intent = parseIntent(tags.get(tagKeys.intent) ?? "");
  const vlanId = Number(tags.get(tagKeys.vlanId));
  const trunkEniId = tags.get(tagKeys.trunkEniId);
  const createdAt = Date.parse(tags.get(tagKeys.createdAt) ?? "");
  return {
    ...(cluster ? { cluster: branded<ClusterName>(cluster) } : {}),
    ...(instanceId ? { instanceId: branded<InstanceId>(instanceId) } : {}),
    ...(intent ? { intent } : {}),
    ...(Number.isInteger(vlanId) && vlanId > 0 ? { vlanId: branded<VlanId>(vlanId) } : {}),
    ...(trunkEniId ? { trunkEniId: branded<EniId>(trunkEniId) } : {}),
    ...(Number.isNaN(createdAt) ? {} : { createdAt }),
  };
};

const groupIds = (groups: NetworkInterface["Groups"]): readonly SecurityGroupId[] =>
  (groups ?? []).flatMap(({ GroupId }) => (GroupId === undefined ? [] : [branded<SecurityGroupId>(GroupId)])).sort();

/** What a describe shows of the association of a branch with its trunk. */
export const associationFacts = (association: TrunkInterfaceAssociation): AssociationFacts => ({
  associationId: branded<AssociationId>(present(association.AssociationId, "the ID of an association")),
  branchEniId: branded<EniId>(association.BranchInterfaceId ?? ""),
  trunkEniId: branded<EniId>(association.TrunkInterfaceId ?? ""),
  vlanId: branded<VlanId>(association.VlanId ?? 0),
});

/** What a describe shows of an instance. A terminated one has no network any more: its VPC and subnet are empty. */
export const instanceFacts = (instance: Instance): InstanceFacts => {
  const onCardZero = (instance.NetworkInterfaces ?? []).filter((eni) => (eni.Attachment?.NetworkCardIndex ?? 0) === 0);
  const primary = onCardZero.find((eni) => eni.Attachment?.DeviceIndex === 0);
  return {
    instanceId: branded<InstanceId>(present(instance.InstanceId, "the ID of an instance")),
    state: present(instance.State?.Name, "the state of an instance"),
    instanceType: present(instance.InstanceType, "the type of an instance"),
    vpcId: instance.VpcId ?? "",
    subnetId: branded<SubnetId>(instance.SubnetId ?? ""),
    securityGroups: groupIds(primary?.Groups),
    clusters: [...tagMap(instance.Tags).keys()]
      .filter((key) => key.startsWith(tagKeys.clusterPrefix))
      .map((key) => key.slice(tagKeys.clusterPrefix.length)),
    deviceIndexes: onCardZero.flatMap(({ Attachment }) => Attachment?.DeviceIndex ?? []).sort((a, b) => a - b),
    interfacesAttached: instance.NetworkInterfaces?.length ?? 0,
  };
};

/** What a describe shows of a subnet. */
export const subnetFacts = (subnet: Subnet): SubnetFacts => ({
  subnetId: branded<SubnetId>(present(subnet.SubnetId, "the ID of a subnet")),
  vpcId: subnet.VpcId ?? "",
  cidr: subnet.CidrBlock ?? "",
  ipv6Cidr:
    subnet.Ipv6CidrBlockAssociationSet?.find((block) => block.Ipv6CidrBlockState?.State === "associated")
      ?.Ipv6CidrBlock ?? "",
  freeAddresses: subnet.AvailableIpAddressCount ?? 0,
});
