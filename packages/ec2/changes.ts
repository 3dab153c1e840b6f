import {
  AssociateTrunkInterfaceCommand,
  AttachNetworkInterfaceCommand,
  CreateNetworkInterfaceCommand,
  type CreateNetworkInterfaceCommandInput,
  DeleteNetworkInterfaceCommand,
  DisassociateTrunkInterfaceCommand,
  ModifyNetworkInterfaceAttributeCommand,
  type Tag,
} from "@aws-sdk/client-ec2";
import { type AssociationId, type AttachmentId, branded, clientToken, type Ec2, type Intent } from "@trunkline/core";
import { type Call, present } from "./calls.ts";
import { eniFacts } from "./facts.ts";
import { branchTags, trunkTags } from "./tags.ts";

/** The calls of the port that change something. */
export type Ec2Changes = Pick<
  Ec2,
  "createTrunkEni" | "createBranchEni" | "attach" | "deleteOnTermination" | "associate" | "disassociate" | "deleteEni"
>;

/** Descriptions that the CNI plugin and people who list interfaces know. */
const descriptions = { trunk: "aws-k8s-trunk-eni", branch: "aws-k8s-branch-eni" };

const nothing = () => ({});

/**
 * The calls that change something. Creating and associating carry a token that follows from the intent, so that whoever repeats them
 * finds the same ENI (P06).
 */
export const createChanges = (call: Call, deployment: string): Ec2Changes => {
  const create = (input: CreateNetworkInterfaceCommandInput) =>
    call(
      "CreateNetworkInterface",
      (client) => client.send(new CreateNetworkInterfaceCommand(input)),
      ({ NetworkInterface: eni }) => eniFacts(present(eni, "a network interface")),
    );
  return {
    createTrunkEni: (request) =>
      create({
        ...birth(request, trunkTags(deployment, request.intent)),
        Description: descriptions.trunk,
        InterfaceType: "trunk",
      }),
    createBranchEni: (request) =>
      create({
        ...birth(request, branchTags(deployment, request)),
        Description: descriptions.branch,
        ...(request.ipv6 ? { Ipv6AddressCount: 1 } : {}),
      }),
    attach: ({ eniId, instanceId, deviceIndex }) =>
      call(
        "AttachNetworkInterface",
        (client) =>
          client.send(
            new AttachNetworkInterfaceCommand({
              NetworkInterfaceId: eniId,
              InstanceId: instanceId,
              DeviceIndex: deviceIndex,
              NetworkCardIndex: 0,
            }),
          ),
        (output) => ({ attachmentId: branded<AttachmentId>(present(output.AttachmentId, "an attachment ID")) }),
      ),
    deleteOnTermination: ({ eniId, attachmentId }) => {
      const Attachment = { AttachmentId: attachmentId, DeleteOnTermination: true };
      const command = new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: eniId, Attachment });
      return call("ModifyNetworkInterfaceAttribute", (client) => client.send(command), nothing);
    },
    associate: ({ intent, eniId, trunkEniId, vlanId }) =>
      call(
        "AssociateTrunkInterface",
        (client) =>
          client.send(
            new AssociateTrunkInterfaceCommand({
              BranchInterfaceId: eniId,
              TrunkInterfaceId: trunkEniId,
              VlanId: vlanId,
              ClientToken: clientToken(intent, "associate"),
            }),
          ),
        ({ InterfaceAssociation: association }) => ({
          associationId: branded<AssociationId>(present(association?.AssociationId, "an association ID")),
        }),
      ),
    disassociate: (associationId) => {
      const command = new DisassociateTrunkInterfaceCommand({
        AssociationId: associationId,
        // An association is ended once; without a token of ours the SDK would invent one for each attempt.
        ClientToken: `d-${associationId}`,
      });
      return call("DisassociateTrunkInterface", (client) => client.send(command), nothing);
    },
    deleteEni: (eniId) => {
      const command = new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: eniId });
      return call("DeleteNetworkInterface", (client) => client.send(command), nothing);
    },
  };
};

/** What both kinds of ENI are born with. */
const birth = (
  request: { readonly intent: Intent; readonly subnetId: string; readonly securityGroups: readonly string[] },
  tags: Tag[],
): CreateNetworkInterfaceCommandInput => {
  if (request.securityGroups.length === 0) {
    throw new Error("An ENI without security groups would get the VPC's default group.");
  }
  return {
    ClientToken: clientToken(request.intent, "create"),
    SubnetId: request.subnetId,
    Groups: [...request.securityGroups].sort(),
    TagSpecifications: [{ ResourceType: "network-interface", Tags: tags }],
  };
};
