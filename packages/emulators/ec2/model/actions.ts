import { attachNetworkInterface, detachNetworkInterface } from "./attachments.ts";
import { startInstances, stopInstances, terminateInstances } from "./instance-lifecycle.ts";
import { describeInstanceTypes } from "./instance-types.ts";
import { describeInstances } from "./instance-view.ts";
import { describeNetworkInterfaces } from "./interface-view.ts";
import {
  createNetworkInterface,
  deleteNetworkInterface,
  describeNetworkInterfaceAttribute,
  modifyNetworkInterfaceAttribute,
} from "./network-interfaces.ts";
import { assignPrivateIpAddresses, unassignPrivateIpAddresses } from "./private-addresses.ts";
import { createTags, deleteTags, describeTags } from "./resource-tags.ts";
import { runInstances } from "./run-instances.ts";
import {
  authorizeEgress,
  authorizeIngress,
  describeSecurityGroupRules,
  revokeEgress,
  revokeIngress,
} from "./security-group-rules.ts";
import { createSecurityGroup, deleteSecurityGroup, describeSecurityGroups } from "./security-groups.ts";
import { createSubnet, deleteSubnet, describeSubnets, modifySubnetAttribute } from "./subnets.ts";
import {
  associateTrunkInterface,
  describeTrunkInterfaceAssociations,
  disassociateTrunkInterface,
} from "./trunk-associations.ts";
import { createVpc, deleteVpc, describeVpcs } from "./vpcs.ts";

/** Every action that the model knows, by its name in the API. Inputs and outputs have the shapes of the AWS SDK. */
export const ACTIONS = {
  AssignPrivateIpAddresses: assignPrivateIpAddresses,
  AssociateTrunkInterface: associateTrunkInterface,
  AttachNetworkInterface: attachNetworkInterface,
  AuthorizeSecurityGroupEgress: authorizeEgress,
  AuthorizeSecurityGroupIngress: authorizeIngress,
  CreateNetworkInterface: createNetworkInterface,
  CreateSecurityGroup: createSecurityGroup,
  CreateSubnet: createSubnet,
  CreateTags: createTags,
  CreateVpc: createVpc,
  DeleteNetworkInterface: deleteNetworkInterface,
  DeleteSecurityGroup: deleteSecurityGroup,
  DeleteSubnet: deleteSubnet,
  DeleteTags: deleteTags,
  DeleteVpc: deleteVpc,
  DescribeInstanceTypes: describeInstanceTypes,
  DescribeInstances: describeInstances,
  DescribeNetworkInterfaceAttribute: describeNetworkInterfaceAttribute,
  DescribeNetworkInterfaces: describeNetworkInterfaces,
  DescribeSecurityGroupRules: describeSecurityGroupRules,
  DescribeSecurityGroups: describeSecurityGroups,
  DescribeSubnets: describeSubnets,
  DescribeTags: describeTags,
  DescribeTrunkInterfaceAssociations: describeTrunkInterfaceAssociations,
  DescribeVpcs: describeVpcs,
  DetachNetworkInterface: detachNetworkInterface,
  DisassociateTrunkInterface: disassociateTrunkInterface,
  ModifyNetworkInterfaceAttribute: modifyNetworkInterfaceAttribute,
  ModifySubnetAttribute: modifySubnetAttribute,
  RevokeSecurityGroupEgress: revokeEgress,
  RevokeSecurityGroupIngress: revokeIngress,
  RunInstances: runInstances,
  StartInstances: startInstances,
  StopInstances: stopInstances,
  TerminateInstances: terminateInstances,
  UnassignPrivateIpAddresses: unassignPrivateIpAddresses,
};

/** The name of an action. */
export type Ec2Action = keyof typeof ACTIONS;

/** The input of an action. */
export type Ec2Input<A extends Ec2Action> = Parameters<(typeof ACTIONS)[A]>[1];

/** The answer to an action. */
export type Ec2Output<A extends Ec2Action> = ReturnType<(typeof ACTIONS)[A]>;
