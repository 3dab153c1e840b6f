import type {
  AssociateTrunkInterfaceRequest,
  AssociateTrunkInterfaceResult,
  DescribeTrunkInterfaceAssociationsRequest,
  DescribeTrunkInterfaceAssociationsResult,
  DisassociateTrunkInterfaceRequest,
  DisassociateTrunkInterfaceResult,
  TrunkInterfaceAssociation,
} from "@aws-sdk/client-ec2";
import { Ec2Error, invalidCombination, invalidValue, required } from "./errors.ts";
import { compileFilters, type FilterTable } from "./filters.ts";
import { limitsOf } from "./instance-types.ts";
import { page, rowsOf } from "./paging.ts";
import type { AssociationRecord, InterfaceRecord } from "./records.ts";
import { tagSet } from "./tags.ts";
import { lookUp, type World } from "./world.ts";

const VLAN_ID_MAX = 120;

/** `AssociateTrunkInterface`: makes an interface a branch of a trunk under a VLAN ID. The trunk need not be attached. */
export function associateTrunkInterface(
  world: World,
  input: AssociateTrunkInterfaceRequest,
): AssociateTrunkInterfaceResult {
  const call = { action: "AssociateTrunkInterface", input, nowMs: world.clock.now() };
  return world.clientTokens.once(call, () => {
    const branchId = required(input.BranchInterfaceId, "branchInterfaceId");
    const trunkId = required(input.TrunkInterfaceId, "trunkInterfaceId");
    const branch = lookUp(world.interfaces, "networkInterface", branchId);
    const trunk = lookUp(world.interfaces, "networkInterface", trunkId);
    checkPair(branch, trunk);
    const vlanId = checkedVlanId(world, trunk, required(input.VlanId, "vlanId"));
    checkBranchLimit(world, trunk);
    const association: AssociationRecord = {
      id: world.ids.next("trunk-assoc"),
      branchId,
      trunkId,
      vlanId,
      tags: new Map(),
    };
    world.associations.insert(association);
    world.trunks.set(trunkId, (world.trunks.get(trunkId) ?? new Map()).set(vlanId, association));
    branch.associationId = association.id;
    branch.type = "branch";
    return () => ({ InterfaceAssociation: associationView(association), ClientToken: input.ClientToken });
  });
}

/** `DisassociateTrunkInterface`. The branch stays, unattached, and may be deleted. */
export function disassociateTrunkInterface(
  world: World,
  input: DisassociateTrunkInterfaceRequest,
): DisassociateTrunkInterfaceResult {
  const call = { action: "DisassociateTrunkInterface", input, nowMs: world.clock.now() };
  return world.clientTokens.once(call, () => {
    const id = required(input.AssociationId, "associationId");
    forgetAssociation(world, lookUp(world.associations, "association", id));
    return () => ({ Return: true, ClientToken: input.ClientToken });
  });
}

/** `DescribeTrunkInterfaceAssociations`. */
export function describeTrunkInterfaceAssociations(
  world: World,
  input: DescribeTrunkInterfaceAssociationsRequest,
): DescribeTrunkInterfaceAssociationsResult {
  const matches = compileFilters(input.Filters, FILTERS);
  const rows = rowsOf(world.associations, "association", input.AssociationIds);
  const { records, nextToken } = page(
    rows.filter((row) => matches(row.record)),
    input,
  );
  return { InterfaceAssociations: records.map(associationView), NextToken: nextToken };
}

/** Removes an association; its VLAN ID is free from then on. */
export function forgetAssociation(world: World, association: AssociationRecord): void {
  const byVlanId = world.trunks.get(association.trunkId);
  byVlanId?.delete(association.vlanId);
  if (byVlanId?.size === 0) world.trunks.delete(association.trunkId);
  const branch = world.interfaces.get(association.branchId);
  if (branch) branch.associationId = undefined;
  world.associations.remove(association.id);
}

function checkPair(branch: InterfaceRecord, trunk: InterfaceRecord): void {
  if (trunk.type !== "trunk") throw invalidValue(`The network interface '${trunk.id}' is not a trunk interface.`);
  if (branch.type !== "interface" && branch.type !== "branch") {
    throw invalidValue(`The network interface '${branch.id}' of type '${branch.type}' cannot be a branch interface.`);
  }
  if (branch.associationId) {
    throw new Ec2Error("Resource.AlreadyAssociated", `The branch interface '${branch.id}' is already associated.`);
  }
  if (branch.attachment) throw new Ec2Error("InvalidNetworkInterface.InUse", `Interface: [${branch.id}] in use.`);
  if (branch.vpcId !== trunk.vpcId || branch.zone !== trunk.zone) {
    throw invalidCombination("The branch and the trunk interface must be in the same VPC and Availability Zone.");
  }
}

function checkedVlanId(world: World, trunk: InterfaceRecord, vlanId: number): number {
  if (!Number.isInteger(vlanId) || vlanId < 1 || vlanId > VLAN_ID_MAX) {
    throw invalidValue(`Invalid value '${vlanId}' for vlanId. It must be between 1 and ${VLAN_ID_MAX}.`);
  }
  if (world.trunks.get(trunk.id)?.has(vlanId)) {
    throw invalidValue(`The vlanId '${vlanId}' is already in use on the trunk interface '${trunk.id}'.`);
  }
  return vlanId;
}

/** The limit follows from the instance; a trunk that is not attached yet is held to it when it is. */
function checkBranchLimit(world: World, trunk: InterfaceRecord): void {
  const instance = trunk.attachment && world.instances.get(trunk.attachment.instanceId);
  const branchesMax = instance && limitsOf(instance.type)?.branchesMax;
  const count = (world.trunks.get(trunk.id)?.size ?? 0) + 1;
  if (instance && branchesMax !== undefined && count > branchesMax) {
    throw new Ec2Error(
      "AttachmentLimitExceeded",
      `Branch interface count ${count} exceeds the limit for ${instance.type}`,
    );
  }
}

const FILTERS: FilterTable<AssociationRecord> = {
  "gre-key": () => [],
  "interface-protocol": () => ["VLAN"],
};

/** An association as the API shows it. */
export function associationView(association: AssociationRecord): TrunkInterfaceAssociation {
  return {
    AssociationId: association.id,
    BranchInterfaceId: association.branchId,
    TrunkInterfaceId: association.trunkId,
    InterfaceProtocol: "VLAN",
    VlanId: association.vlanId,
    Tags: tagSet(association.tags),
  };
}
