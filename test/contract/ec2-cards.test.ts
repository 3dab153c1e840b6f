import {
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  type EC2Client,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  branded,
  type ClusterName,
  type Ec2,
  type Ec2Result,
  type InstanceId,
  type SecurityGroupId,
  type SubnetId,
} from "@trunkline/core";
import { createEc2, createEc2Client } from "@trunkline/ec2";
import { type Ec2Emulator, startEc2Emulator } from "@trunkline/emulator-ec2";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

let emulator: Ec2Emulator;
let client: EC2Client;
let ec2: Ec2;
let subnetId: SubnetId;
let group: SecurityGroupId;

const told = <Value>(result: Ec2Result<Value>): Value => {
  if (!result.ok) throw new Error(`${result.failure.action}: ${result.failure.code} ${result.failure.message}`);
  return result.value;
};

beforeEach(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  emulator = await startEc2Emulator({ config: { transitions: { pendingMs: 0, attachingMs: 0 } } });
  client = createEc2Client({ region: "us-west-2", endpoint: emulator.url });
  ec2 = createEc2({ client, deployment: "trunkline-test" });
  const { Vpc: vpc } = await client.send(new CreateVpcCommand({ CidrBlock: "192.168.0.0/16" }));
  const { Subnet: subnet } = await client.send(
    new CreateSubnetCommand({ VpcId: vpc?.VpcId, CidrBlock: "192.168.0.0/24" }),
  );
  subnetId = branded<SubnetId>(String(subnet?.SubnetId));
  const made = await client.send(
    new CreateSecurityGroupCommand({ GroupName: "pods", Description: "pods", VpcId: vpc?.VpcId }),
  );
  group = branded<SecurityGroupId>(String(made.GroupId));
});

afterEach(async () => {
  client.destroy();
  await emulator.stop();
  vi.unstubAllEnvs();
});

describe("the trunk of an instance with several network cards", () => {
  test("takes its index on card 0, where interfaces of other cards take none", async () => {
    const run = await client.send(
      new RunInstancesCommand({
        ImageId: "ami-0123456789abcdef0",
        InstanceType: "p5.48xlarge",
        MinCount: 1,
        MaxCount: 1,
        NetworkInterfaces: [
          { DeviceIndex: 0, NetworkCardIndex: 0, SubnetId: subnetId, Groups: [group] },
          { DeviceIndex: 1, NetworkCardIndex: 1, SubnetId: subnetId, Groups: [group], InterfaceType: "efa-only" },
        ],
      }),
    );
    const wide = branded<InstanceId>(String(run.Instances?.[0]?.InstanceId));
    const shown = async () => told(await ec2.describeInstance(wide));
    await expect.poll(async () => (await shown())?.state, { timeout: 10_000 }).toBe("running");
    expect(await shown()).toMatchObject({ deviceIndexes: [0], interfacesAttached: 2 });
    const intent = {
      cluster: branded<ClusterName>("blue"),
      instanceId: wide,
      owner: wide,
      index: 0,
      createdAt: 1,
      generation: 1,
    };
    const trunk = told(await ec2.createTrunkEni({ intent, subnetId, securityGroups: [group] }));

    expect(await ec2.attach({ eniId: trunk.eniId, instanceId: wide, deviceIndex: 2 })).toMatchObject({
      failure: { remedy: "permanent-node" },
    });
    told(await ec2.attach({ eniId: trunk.eniId, instanceId: wide, deviceIndex: 1 }));

    expect(await shown()).toMatchObject({ deviceIndexes: [0, 1], interfacesAttached: 3 });
  });
});
