import {
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  type DescribeNetworkInterfacesCommandInput,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeTrunkInterfaceAssociationsCommand,
  type Filter,
} from "@aws-sdk/client-ec2";
import {
  branded,
  type Ec2,
  type Ec2Result,
  type EniFacts,
  intentText,
  type Page,
  type SecurityGroupId,
} from "@trunkline/core";
import { absentWhen, type Call } from "./calls.ts";
import { associationFacts, eniFacts, instanceFacts, subnetFacts } from "./facts.ts";
import { tagKeys } from "./tags.ts";

/** The calls of the port that only look. */
export type Ec2Looks = Pick<
  Ec2,
  | "describeEni"
  | "findByIntent"
  | "findTrunks"
  | "findBranches"
  | "describeAssociations"
  | "listOurs"
  | "describeInstance"
  | "describeSubnet"
  | "describeGroups"
>;

/** EC2's own maximum of a page. */
const pageMax = 1_000;

/** Pages of one search. A trunk has 120 branches at most; the rest of 5,000 ENIs would be orphans, which the reaper lists by pages. */
const pagesMax = 5;

/** Values of one filter that EC2 takes. */
const filterValuesMax = 200;

const filter = (name: string, ...values: string[]): Filter => ({ Name: name, Values: values });

/** The calls that look. Each names IDs or has filters and a page size: those draw from the larger bucket. */
export const createLooks = (call: Call, deployment: string): Ec2Looks => {
  const ours = filter(`tag:${tagKeys.owner}`, deployment);
  const describeEnis = (input: DescribeNetworkInterfacesCommandInput): Promise<Ec2Result<Page<EniFacts>>> =>
    call(
      "DescribeNetworkInterfaces",
      (client) => client.send(new DescribeNetworkInterfacesCommand(input)),
      ({ NetworkInterfaces: enis, NextToken: next }) => ({
        elements: (enis ?? []).map(eniFacts),
        ...(next ? { next } : {}),
      }),
    );
  const find = async (...filters: Filter[]): Promise<Ec2Result<readonly EniFacts[]>> => {
    const found: EniFacts[] = [];
    let next: string | undefined;
    for (let pages = 0; pages < pagesMax; pages += 1) {
      const page = await describeEnis({
        Filters: [ours, ...filters],
        MaxResults: pageMax,
        ...(next === undefined ? {} : { NextToken: next }),
      });
      if (!page.ok) return page;
      found.push(...page.value.elements);
      next = page.value.next;
      if (next === undefined) return { ok: true, value: found };
    }
    throw new Error(`More than ${pagesMax * pageMax} network interfaces match one search.`);
  };
  return {
    describeEni: async (eniId) => {
      const page = await describeEnis({ NetworkInterfaceIds: [eniId] });
      return absentWhen("InvalidNetworkInterfaceID.NotFound", first(page));
    },
    findByIntent: (intent) => find(filter(`tag:${tagKeys.intent}`, intentText(intent))),
    findTrunks: (instanceId) =>
      find(filter(`tag:${tagKeys.instanceId}`, instanceId), filter("interface-type", "trunk")),
    findBranches: (trunkEniId) => find(filter(`tag:${tagKeys.trunkEniId}`, trunkEniId)),
    describeAssociations: (associationIds) => {
      const command = new DescribeTrunkInterfaceAssociationsCommand({ AssociationIds: [...associationIds] });
      return call(
        "DescribeTrunkInterfaceAssociations",
        (client) => client.send(command),
        ({ InterfaceAssociations: associations }) => (associations ?? []).map(associationFacts),
      );
    },
    listOurs: (next) =>
      describeEnis({ Filters: [ours], MaxResults: pageMax, ...(next === undefined ? {} : { NextToken: next }) }),
    describeInstance: async (instanceId) =>
      absentWhen(
        "InvalidInstanceID.NotFound",
        await call(
          "DescribeInstances",
          (client) => client.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] })),
          ({ Reservations: reservations }) => {
            const instance = reservations?.[0]?.Instances?.[0];
            return instance && instanceFacts(instance);
          },
        ),
      ),
    describeSubnet: async (subnetId) =>
      absentWhen(
        "InvalidSubnetID.NotFound",
        await call(
          "DescribeSubnets",
          (client) => client.send(new DescribeSubnetsCommand({ SubnetIds: [subnetId] })),
          ({ Subnets: subnets }) => subnets?.[0] && subnetFacts(subnets[0]),
        ),
      ),
    describeGroups: (groupIds) => describeGroups(call, groupIds),
  };
};

const first = <Element>(page: Ec2Result<Page<Element>>): Ec2Result<Element | undefined> =>
  page.ok ? { ok: true, value: page.value.elements[0] } : page;

/** By filter and not by ID, because one unknown ID fails the whole call. */
const describeGroups = (call: Call, groupIds: readonly SecurityGroupId[]): ReturnType<Ec2["describeGroups"]> => {
  if (groupIds.length === 0) return Promise.resolve({ ok: true, value: [] });
  if (groupIds.length > filterValuesMax) throw new Error(`EC2 takes ${filterValuesMax} security groups a call.`);
  const command = new DescribeSecurityGroupsCommand({
    Filters: [filter("group-id", ...groupIds)],
    MaxResults: pageMax,
  });
  return call(
    "DescribeSecurityGroups",
    (client) => client.send(command),
    ({ SecurityGroups: groups }) =>
      (groups ?? []).flatMap(({ GroupId, VpcId }) =>
        GroupId === undefined ? [] : [{ groupId: branded<SecurityGroupId>(GroupId), vpcId: VpcId ?? "" }],
      ),
  );
};
