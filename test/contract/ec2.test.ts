import {
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeNetworkInterfacesCommand,
  type EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  type AssociationId,
  branded,
  type ClusterName,
  type Ec2,
  type Ec2Result,
  type EniFacts,
  type EniId,
  type InstanceId,
  type Intent,
  type SecurityGroupId,
  type SubnetId,
  type VlanId,
} from "@trunkline/core";
import { createEc2, createEc2Client } from "@trunkline/ec2";
import { type Ec2Emulator, startEc2Emulator } from "@trunkline/emulator-ec2";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

const cluster = branded<ClusterName>("blue");
const vlan = (id: number) => branded<VlanId>(id);
const podUid = "16fd2706-8baf-433b-82eb-8c7fada847da";
const createdAt = Date.UTC(2026, 10, 20, 20, 0, 0);

let emulator: Ec2Emulator;
let client: EC2Client;
let ec2: Ec2;
let vpcId: string;
let subnetId: SubnetId;
let group: SecurityGroupId;
let instanceId: InstanceId;

const told = <Value>(result: Ec2Result<Value>): Value => {
  if (!result.ok) throw new Error(`${result.failure.action}: ${result.failure.code} ${result.failure.message}`);
  return result.value;
};
const remedyOf = (result: Ec2Result<unknown>) => (result.ok ? "ok" : result.failure.remedy);

const intentOf = (changes: Partial<Intent> = {}): Intent => ({
  cluster,
  instanceId,
  owner: podUid,
  index: 0,
  createdAt,
  generation: 1,
  ...changes,
});
const trunkIntent = () => intentOf({ owner: instanceId });

const createTrunk = async () =>
  told(await ec2.createTrunkEni({ intent: trunkIntent(), subnetId, securityGroups: [group] }));
const createBranch = (trunk: EniFacts, changes: Partial<Intent> = {}, vlanId = vlan(1)) =>
  ec2.createBranchEni({
    intent: intentOf(changes),
    subnetId,
    securityGroups: [group],
    ipv6: false,
    vlanId,
    trunkEniId: trunk.eniId,
  });
const associate = (trunk: EniFacts, branch: EniFacts, vlanId = vlan(1)) =>
  ec2.associate({ intent: branch.intent as Intent, eniId: branch.eniId, trunkEniId: trunk.eniId, vlanId });

beforeEach(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  emulator = await startEc2Emulator({
    config: { transitions: { pendingMs: 50, attachingMs: 50, shuttingDownMs: 50 } },
  });
  client = createEc2Client({ region: "us-west-2", endpoint: emulator.url });
  ec2 = createEc2({ client, deployment: "trunkline-test" });
  const vpc = await client.send(new CreateVpcCommand({ CidrBlock: "192.168.0.0/16" }));
  vpcId = String(vpc.Vpc?.VpcId);
  const subnet = await client.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock: "192.168.0.0/24" }));
  subnetId = branded<SubnetId>(String(subnet.Subnet?.SubnetId));
  const made = await client.send(
    new CreateSecurityGroupCommand({ GroupName: "pods", Description: "pods", VpcId: vpcId }),
  );
  group = branded<SecurityGroupId>(String(made.GroupId));
  const run = await client.send(
    new RunInstancesCommand({
      ImageId: "ami-0123456789abcdef0",
      InstanceType: "m5.large",
      MinCount: 1,
      MaxCount: 1,
      SubnetId: subnetId,
      SecurityGroupIds: [group],
      TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "kubernetes.io/cluster/blue", Value: "owned" }] }],
    }),
  );
  instanceId = branded<InstanceId>(String(run.Instances?.[0]?.InstanceId));
  await expect
    .poll(async () => told(await ec2.describeInstance(instanceId))?.state, { timeout: 10_000 })
    .toBe("running");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  client.destroy();
  await emulator.stop();
});

describe("looking", () => {
  test("an instance shows its type, network, groups, clusters and taken device indexes", async () => {
    expect(told(await ec2.describeInstance(instanceId))).toStrictEqual({
      instanceId,
      state: "running",
      instanceType: "m5.large",
      vpcId,
      subnetId,
      securityGroups: [group],
      clusters: ["blue"],
      deviceIndexes: [0],
      interfacesAttached: 1,
    });
  });

  test("a subnet shows its ranges and its free addresses", async () => {
    expect(told(await ec2.describeSubnet(subnetId))).toStrictEqual({
      subnetId,
      vpcId,
      cidr: "192.168.0.0/24",
      ipv6Cidr: "",
      freeAddresses: 250,
    });
  });

  test("what does not exist is absent and no failure", async () => {
    const digits = "0123456789abcdef0";

    expect(told(await ec2.describeInstance(branded<InstanceId>(`i-${digits}`)))).toBeUndefined();
    expect(told(await ec2.describeSubnet(branded<SubnetId>(`subnet-${digits}`)))).toBeUndefined();
    expect(told(await ec2.describeEni(branded<EniId>(`eni-${digits}`)))).toBeUndefined();
  });

  test("of several groups those that exist are shown with their VPC", async () => {
    const unknown = branded<SecurityGroupId>("sg-0123456789abcdef0");

    expect(told(await ec2.describeGroups([group, unknown]))).toStrictEqual([{ groupId: group, vpcId }]);
  });
});

describe("a trunk", () => {
  test("is created with its tags, attached, deleted with its instance, and found again", async () => {
    const trunk = await createTrunk();
    const { attachmentId } = told(await ec2.attach({ eniId: trunk.eniId, instanceId, deviceIndex: 2 }));
    told(await ec2.deleteOnTermination({ eniId: trunk.eniId, attachmentId }));

    await expect
      .poll(async () => told(await ec2.describeEni(trunk.eniId))?.attachment?.status, { timeout: 10_000 })
      .toBe("attached");
    expect(told(await ec2.findTrunks(instanceId))).toMatchObject([
      {
        eniId: trunk.eniId,
        interfaceType: "trunk",
        cluster,
        instanceId,
        intent: trunkIntent(),
        createdAt,
        attachment: { attachmentId, instanceId, deviceIndex: 2 },
      },
    ]);
    expect(told(await ec2.describeInstance(instanceId))?.deviceIndexes).toStrictEqual([0, 2]);

    await client.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
    await expect.poll(async () => told(await ec2.describeEni(trunk.eniId)), { timeout: 10_000 }).toBeUndefined();
  });

  test("on a taken device index is told to look again", async () => {
    const trunk = await createTrunk();

    expect(remedyOf(await ec2.attach({ eniId: trunk.eniId, instanceId, deviceIndex: 0 }))).toBe("look-again");
  });

  test("of an account without trunking is refused for the node", async () => {
    emulator.model().configure({ trunkingEnabled: false });

    const result = await ec2.createTrunkEni({ intent: trunkIntent(), subnetId, securityGroups: [group] });

    expect(remedyOf(result)).toBe("permanent-node");
  });
});

describe("a branch", () => {
  test("carries from birth the tags that the ledger could be rebuilt from", async () => {
    const trunk = await createTrunk();
    const branch = told(await createBranch(trunk, {}, vlan(7)));
    const shown = await client.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [branch.eniId] }));
    const eni = shown.NetworkInterfaces?.[0];

    expect(eni?.Description).toBe("aws-k8s-branch-eni");
    expect(Object.fromEntries((eni?.TagSet ?? []).map(({ Key, Value }) => [Key, Value]))).toStrictEqual({
      "trunkline:owner": "trunkline-test",
      "trunkline:cluster": "blue",
      "trunkline:intent": expect.stringContaining(podUid),
      "trunkline:created-at": "2026-11-20T20:00:00.000Z",
      "node.k8s.amazonaws.com/instance_id": instanceId,
      "kubernetes.io/cluster/blue": "owned",
      "vpcresources.k8s.aws/vlan-id": "7",
      "vpcresources.k8s.aws/trunk-eni-id": trunk.eniId,
    });
    expect(branch).toMatchObject({ subnetId, securityGroups: [group], vlanId: 7, trunkEniId: trunk.eniId });
    expect(branch.mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    expect(branch.privateIp).toMatch(/^192\.168\.0\./);
  });

  test("P06: asked for again under the same intent is the same ENI, and another generation another one", async () => {
    const trunk = await createTrunk();
    const [one, again, next] = [
      told(await createBranch(trunk)),
      told(await createBranch(trunk)),
      told(await createBranch(trunk, { generation: 2 })),
    ];

    expect(again.eniId).toBe(one.eniId);
    expect(next.eniId).not.toBe(one.eniId);
    expect(told(await ec2.findByIntent(intentOf())).map(({ eniId }) => eniId)).toStrictEqual([one.eniId]);
    expect(told(await ec2.findBranches(trunk.eniId))).toHaveLength(2);
    expect(told(await ec2.listOurs()).elements).toHaveLength(3);
  });

  test("P06: asked for again with other parameters is a mismatch", async () => {
    const trunk = await createTrunk();
    await createBranch(trunk, {}, vlan(1));

    expect(remedyOf(await createBranch(trunk, {}, vlan(2)))).toBe("mismatch");
  });

  test("is associated once however often it is asked, cut, and deleted", async () => {
    const trunk = await createTrunk();
    const branch = told(await createBranch(trunk));
    const { associationId } = told(await associate(trunk, branch));

    expect(told(await associate(trunk, branch)).associationId).toBe(associationId);
    expect(remedyOf(await ec2.disassociate(associationId))).toBe("ok");
    expect(remedyOf(await ec2.deleteEni(branch.eniId))).toBe("ok");
    expect(remedyOf(await ec2.deleteEni(branch.eniId))).toBe("not-found");
  });

  test("shows its association by its ID, and one unknown ID spoils the look at all", async () => {
    const trunk = await createTrunk();
    const branch = told(await createBranch(trunk, {}, vlan(7)));
    const { associationId } = told(await associate(trunk, branch, vlan(7)));
    const unknown = branded<AssociationId>("trunk-assoc-0123456789abcdef0");

    expect(told(await ec2.describeAssociations([associationId]))).toEqual([
      { associationId, branchEniId: branch.eniId, trunkEniId: trunk.eniId, vlanId: 7 },
    ]);
    expect(remedyOf(await ec2.describeAssociations([associationId, unknown]))).toBe("permanent");
    expect(remedyOf(await ec2.describeAssociations([branded("no-association")]))).toBe("permanent");
  });

  test("on a taken VLAN ID is told so", async () => {
    const trunk = await createTrunk();
    const [one, other] = [told(await createBranch(trunk)), told(await createBranch(trunk, { index: 1 }))];
    told(await associate(trunk, one, vlan(3)));

    expect(remedyOf(await associate(trunk, other, vlan(3)))).toBe("vlan-taken");
  });

  test("with a group that does not exist is told with EC2's code and text", async () => {
    const trunk = await createTrunk();
    const securityGroups = [branded<SecurityGroupId>("sg-0123456789abcdef0")];

    const result = await ec2.createBranchEni({
      intent: intentOf(),
      subnetId,
      securityGroups,
      ipv6: false,
      vlanId: vlan(1),
      trunkEniId: trunk.eniId,
    });

    expect(result).toStrictEqual({
      ok: false,
      failure: {
        action: "CreateNetworkInterface",
        remedy: "short-retry",
        code: "InvalidSecurityGroupID.NotFound",
        message: "The securityGroup ID 'sg-0123456789abcdef0' does not exist",
      },
    });
  });
});
