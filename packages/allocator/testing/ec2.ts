import {
  type AssociationId,
  type AttachmentId,
  branded,
  clientToken,
  type Ec2,
  type Ec2Action,
  type Ec2Failure,
  type Ec2Remedy,
  type Ec2Result,
  type EniFacts,
  type EniId,
  type InstanceFacts,
  type InstanceId,
  type Intent,
  intentText,
  type SubnetFacts,
  type SubnetId,
  type VlanId,
} from "@trunkline/core";

/** An interface of the fake. */
export interface FakeEni extends EniFacts {
  readonly association?:
    | { readonly associationId: AssociationId; readonly trunkEniId: EniId; readonly vlanId: VlanId }
    | undefined;
}

/** Decides the fate of a call before its effect; undefined lets it through. */
export type Refuse = (action: Ec2Action) => Pick<Ec2Failure, "remedy" | "code"> | undefined;

/** A small EC2: enough truth for the allocator's tests, with faults. */
export interface FakeEc2 extends Ec2 {
  readonly calls: Ec2Action[];
  readonly enis: Map<EniId, FakeEni>;
  readonly instances: Map<InstanceId, InstanceFacts>;
  readonly subnets: Map<SubnetId, SubnetFacts>;
  /** Security groups that do not exist. */
  readonly missingGroups: Set<string>;
  /** Security groups of other VPCs than vpc-1, with their VPC. */
  readonly foreignGroups: Map<string, string>;
  refuse: Refuse | undefined;
  branches(): readonly FakeEni[];
  /** Detaches an interface by hand: it stays, and so do its associations. */
  detach(eniId: EniId): void;
  /** Ends an instance: its trunk goes, its branches stay behind as orphans. */
  terminate(instanceId: InstanceId): void;
}

const failure = (
  action: Ec2Action,
  remedy: Ec2Remedy,
  code: string,
  message = `${code} from the fake`,
): { ok: false; failure: Ec2Failure } => ({ ok: false, failure: { action, remedy, code, message } });

/** Makes an EC2 without anything in it. */
export const createFakeEc2 = (): FakeEc2 => {
  const calls: Ec2Action[] = [];
  const enis = new Map<EniId, FakeEni>();
  const instances = new Map<InstanceId, InstanceFacts>();
  const subnets = new Map<SubnetId, SubnetFacts>();
  const missingGroups = new Set<string>();
  const foreignGroups = new Map<string, string>();
  const created = new Map<string, { readonly eniId: EniId; readonly request: string }>();
  const associated = new Map<string, AssociationId>();
  let last = 0;
  const id = (prefix: string): string => {
    last += 1;
    return `${prefix}-${String(last).padStart(17, "0")}`;
  };

  const through = async <Value>(action: Ec2Action, effect: () => Ec2Result<Value>): Promise<Ec2Result<Value>> => {
    calls.push(action);
    const refused = fake.refuse?.(action);
    return refused === undefined ? effect() : failure(action, refused.remedy, refused.code);
  };

  const create = (
    intent: Intent,
    request: string,
    facts: Partial<FakeEni> & Pick<FakeEni, "subnetId" | "securityGroups" | "interfaceType">,
  ) =>
    through<EniFacts>("CreateNetworkInterface", () => {
      const token = clientToken(intent, "create");
      const before = created.get(token);
      if (before !== undefined && before.request !== request) {
        return failure("CreateNetworkInterface", "mismatch", "IdempotentParameterMismatch");
      }
      const known = before === undefined ? undefined : enis.get(before.eniId);
      if (known !== undefined) return { ok: true, value: known };
      if (facts.securityGroups.some((group) => missingGroups.has(group))) {
        return failure("CreateNetworkInterface", "permanent", "InvalidGroup.NotFound");
      }
      if (facts.securityGroups.some((group) => foreignGroups.has(group))) {
        return failure("CreateNetworkInterface", "unauthorised", "UnauthorizedOperation");
      }
      const subnet = subnets.get(facts.subnetId);
      if (subnet === undefined) return failure("CreateNetworkInterface", "permanent", "InvalidSubnetID.NotFound");
      if (subnet.freeAddresses < 1) {
        return failure("CreateNetworkInterface", "defer-address", "InsufficientFreeAddressesInSubnet");
      }
      subnets.set(facts.subnetId, { ...subnet, freeAddresses: subnet.freeAddresses - 1 });
      const eniId = branded<EniId>(id("eni"));
      const eni: FakeEni = {
        eniId,
        mac: `0a:00:00:00:00:${(last % 256).toString(16).padStart(2, "0")}`,
        privateIp: `192.168.${Math.floor(last / 250)}.${last % 250}`,
        ipv6: "",
        status: "available",
        cluster: intent.cluster,
        instanceId: intent.instanceId,
        intent,
        createdAt: intent.createdAt,
        ...facts,
      };
      created.set(token, { eniId, request });
      enis.set(eniId, eni);
      return { ok: true, value: eni };
    });

  const fake: FakeEc2 = {
    calls,
    enis,
    instances,
    subnets,
    missingGroups,
    foreignGroups,
    refuse: undefined,
    branches: () => [...enis.values()].filter(({ interfaceType }) => interfaceType !== "trunk"),
    detach: (eniId) => {
      const eni = enis.get(eniId);
      const instance = eni?.attachment?.instanceId && instances.get(eni.attachment.instanceId);
      if (!eni || !instance) return;
      const deviceIndexes = instance.deviceIndexes.filter((index) => index !== eni.attachment?.deviceIndex);
      instances.set(instance.instanceId, {
        ...instance,
        deviceIndexes,
        interfacesAttached: instance.interfacesAttached - 1,
      });
      enis.set(eniId, { ...eni, status: "available", attachment: undefined });
    },
    terminate: (instanceId) => {
      const instance = instances.get(instanceId);
      if (instance !== undefined)
        instances.set(instanceId, { ...instance, state: "terminated", deviceIndexes: [], interfacesAttached: 0 });
      for (const eni of enis.values()) {
        if (eni.attachment?.instanceId === instanceId) enis.delete(eni.eniId);
      }
      for (const eni of enis.values()) {
        if (eni.association !== undefined && !enis.has(eni.association.trunkEniId)) {
          enis.set(eni.eniId, { ...eni, status: "available", association: undefined });
        }
      }
    },
    createTrunkEni: ({ intent, subnetId, securityGroups }) =>
      create(intent, JSON.stringify([subnetId, securityGroups]), { subnetId, securityGroups, interfaceType: "trunk" }),
    createBranchEni: ({ intent, subnetId, securityGroups, ipv6, vlanId, trunkEniId }) =>
      create(intent, JSON.stringify([subnetId, securityGroups, ipv6, vlanId, trunkEniId]), {
        subnetId,
        securityGroups,
        interfaceType: "interface",
        // A subnet may be set to give an IPv6 address to every interface, asked for or not.
        ipv6: ipv6 || subnets.get(subnetId)?.ipv6Cidr.endsWith("f::/64") === true ? `2001:db8::${last + 1}` : "",
        vlanId,
        trunkEniId,
      }),
    attach: ({ eniId, instanceId, deviceIndex }) =>
      through("AttachNetworkInterface", () => {
        const eni = enis.get(eniId);
        const instance = instances.get(instanceId);
        if (eni === undefined || instance === undefined) {
          return failure("AttachNetworkInterface", "not-found", "InvalidNetworkInterfaceID.NotFound");
        }
        if (eni.attachment !== undefined)
          return failure("AttachNetworkInterface", "look-again", "InvalidNetworkInterface.InUse");
        if (instance.deviceIndexes.includes(deviceIndex)) {
          return failure("AttachNetworkInterface", "look-again", "InvalidParameterValue");
        }
        instances.set(instanceId, {
          ...instance,
          deviceIndexes: [...instance.deviceIndexes, deviceIndex],
          interfacesAttached: instance.interfacesAttached + 1,
        });
        const attachmentId = branded<AttachmentId>(id("eni-attach"));
        const attachment = { attachmentId, instanceId, deviceIndex, status: "attached" };
        enis.set(eniId, { ...eni, status: "in-use", attachment });
        return { ok: true, value: { attachmentId } };
      }),
    deleteOnTermination: () => through("ModifyNetworkInterfaceAttribute", () => ({ ok: true, value: {} })),
    associate: ({ intent, eniId, trunkEniId, vlanId }) =>
      through("AssociateTrunkInterface", () => {
        const before = associated.get(clientToken(intent, "associate"));
        if (before !== undefined) return { ok: true, value: { associationId: before } };
        const eni = enis.get(eniId);
        if (eni === undefined || !enis.has(trunkEniId)) {
          const missing = eni === undefined ? eniId : trunkEniId;
          const message = `The networkInterface ID '${missing}' does not exist`;
          return failure("AssociateTrunkInterface", "short-retry", "InvalidNetworkInterfaceID.NotFound", message);
        }
        const taken = [...enis.values()].some(
          ({ association }) => association?.trunkEniId === trunkEniId && association.vlanId === vlanId,
        );
        if (taken) return failure("AssociateTrunkInterface", "vlan-taken", "InvalidParameterValue");
        const associationId = branded<AssociationId>(id("trunk-assoc"));
        associated.set(clientToken(intent, "associate"), associationId);
        enis.set(eniId, {
          ...eni,
          status: "in-use",
          interfaceType: "branch",
          association: { associationId, trunkEniId, vlanId },
        });
        return { ok: true, value: { associationId } };
      }),
    disassociate: (associationId) =>
      through("DisassociateTrunkInterface", () => {
        const eni = [...enis.values()].find(({ association }) => association?.associationId === associationId);
        if (eni === undefined)
          return failure("DisassociateTrunkInterface", "not-found", "InvalidAssociationID.NotFound");
        enis.set(eni.eniId, { ...eni, status: "available", association: undefined });
        return { ok: true, value: {} };
      }),
    deleteEni: (eniId) =>
      through("DeleteNetworkInterface", () => {
        const eni = enis.get(eniId);
        if (eni === undefined)
          return failure("DeleteNetworkInterface", "not-found", "InvalidNetworkInterfaceID.NotFound");
        if (eni.attachment !== undefined)
          return failure("DeleteNetworkInterface", "look-again", "InvalidParameterValue");
        const subnet = subnets.get(eni.subnetId);
        if (subnet !== undefined) subnets.set(eni.subnetId, { ...subnet, freeAddresses: subnet.freeAddresses + 1 });
        enis.delete(eniId);
        return { ok: true, value: {} };
      }),
    describeEni: (eniId) => through("DescribeNetworkInterfaces", () => ({ ok: true, value: enis.get(eniId) })),
    findByIntent: (intent) =>
      through("DescribeNetworkInterfaces", () => ({
        ok: true,
        value: [...enis.values()].filter(
          (eni) => eni.intent !== undefined && intentText(eni.intent) === intentText(intent),
        ),
      })),
    findTrunks: (instanceId) =>
      through("DescribeNetworkInterfaces", () => ({
        ok: true,
        value: [...enis.values()].filter((eni) => eni.interfaceType === "trunk" && eni.instanceId === instanceId),
      })),
    findBranches: (trunkEniId) =>
      through("DescribeNetworkInterfaces", () => ({
        ok: true,
        value: fake.branches().filter((eni) => eni.trunkEniId === trunkEniId),
      })),
    describeAssociations: (associationIds) =>
      through("DescribeTrunkInterfaceAssociations", () => {
        const all = [...enis.values()].flatMap(({ eniId, association }) =>
          association === undefined ? [] : [{ ...association, branchEniId: eniId }],
        );
        const found = all.filter(({ associationId }) => associationIds.includes(associationId));
        return found.length < associationIds.length
          ? failure("DescribeTrunkInterfaceAssociations", "permanent", "InvalidAssociationID.NotFound")
          : { ok: true, value: found };
      }),
    listOurs: () => through("DescribeNetworkInterfaces", () => ({ ok: true, value: { elements: [...enis.values()] } })),
    describeInstance: (instanceId) =>
      through("DescribeInstances", () => ({ ok: true, value: instances.get(instanceId) })),
    describeSubnet: (subnetId) => through("DescribeSubnets", () => ({ ok: true, value: subnets.get(subnetId) })),
    describeGroups: (groupIds) =>
      through("DescribeSecurityGroups", () => ({
        ok: true,
        value: groupIds
          .filter((group) => !missingGroups.has(group))
          .map((groupId) => ({ groupId, vpcId: foreignGroups.get(groupId) ?? "vpc-1" })),
      })),
  };
  return fake;
};
