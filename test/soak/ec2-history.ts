import type { PerformedCall } from "@trunkline/emulator-ec2";

/** What EC2 did to a branch. */
export interface BranchHistory {
  readonly groups: string;
  readonly association?: { readonly id: string; readonly trunkId: string; readonly vlanId: number } | undefined;
}

/** The branches and trunks as EC2's own calls have left them. */
export interface Ec2History {
  /** Takes in one call. @returns the branch whose network it took away, if it did. */
  take(call: PerformedCall): string | undefined;
  branch(eniId: string): BranchHistory | undefined;
  /** The instance that the trunk was attached to. */
  instanceOf(trunkId: string): string | undefined;
}

/** Makes a history of an account without interfaces. */
export function ec2History(): Ec2History {
  const branches = new Map<string, BranchHistory>();
  const attached = new Map<string, string>();
  const associated = new Map<string, string>();
  const ended = new Set<string>();

  const associate = ({ AssociationId: id = "", BranchInterfaceId: eniId = "", ...rest }: AssociationView) => {
    const known = branches.get(eniId);
    // A call that is repeated under its token is answered as before, whatever became of the association since.
    if (known === undefined || ended.has(id)) return;
    associated.set(id, eniId);
    const association = { id, trunkId: rest.TrunkInterfaceId ?? "", vlanId: rest.VlanId ?? 0 };
    branches.set(eniId, { ...known, association });
  };
  const end = (eniId: string | undefined): string | undefined => {
    const known = eniId === undefined ? undefined : branches.get(eniId);
    if (eniId === undefined || known === undefined) return undefined;
    const { association, ...rest } = known;
    branches.set(eniId, rest);
    if (association === undefined) return undefined;
    ended.add(association.id);
    associated.delete(association.id);
    return eniId;
  };

  return {
    take: (call) => {
      if (isOf(call, "CreateNetworkInterface")) {
        const { NetworkInterfaceId: eniId = "", Groups = [] } = call.output.NetworkInterface ?? {};
        const groups = Groups.map(({ GroupId }) => GroupId)
          .sort()
          .join();
        if (!branches.has(eniId)) branches.set(eniId, { groups });
      }
      if (isOf(call, "ModifyNetworkInterfaceAttribute") && call.input.Groups !== undefined) {
        const eniId = call.input.NetworkInterfaceId ?? "";
        branches.set(eniId, { ...branches.get(eniId), groups: call.input.Groups.toSorted().join() });
      }
      if (isOf(call, "AttachNetworkInterface"))
        attached.set(call.input.NetworkInterfaceId ?? "", call.input.InstanceId ?? "");
      if (isOf(call, "AssociateTrunkInterface")) associate(call.output.InterfaceAssociation ?? {});
      if (isOf(call, "DisassociateTrunkInterface")) return end(associated.get(call.input.AssociationId ?? ""));
      if (isOf(call, "DeleteNetworkInterface")) {
        const eniId = call.input.NetworkInterfaceId ?? "";
        const lost = end(eniId);
        branches.delete(eniId);
        return lost;
      }
      return undefined;
    },
    branch: (eniId) => branches.get(eniId),
    instanceOf: (trunkId) => attached.get(trunkId),
  };
}

interface AssociationView {
  readonly AssociationId?: string | undefined;
  readonly BranchInterfaceId?: string | undefined;
  readonly TrunkInterfaceId?: string | undefined;
  readonly VlanId?: number | undefined;
}

function isOf<A extends PerformedCall["action"]>(call: PerformedCall, action: A): call is PerformedCall<A> {
  return call.action === action;
}
