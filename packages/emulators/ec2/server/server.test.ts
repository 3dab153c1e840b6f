import { setTimeout as sleep } from "node:timers/promises";
import {
  AssociateTrunkInterfaceCommand,
  AttachNetworkInterfaceCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateNetworkInterfaceCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteNetworkInterfaceCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeTrunkInterfaceAssociationsCommand,
  DescribeVpcsCommand,
  DisassociateTrunkInterfaceCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  paginateDescribeNetworkInterfaces,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { afterEach, describe, expect, test } from "vitest";
import { type Ec2Emulator, type EmulatorSettings, startEc2Emulator } from "../emulator.ts";

const running: { emulator: Ec2Emulator; clients: EC2Client[] }[] = [];

afterEach(async () => {
  for (const { emulator, clients } of running.splice(0)) {
    for (const client of clients) client.destroy();
    await emulator.stop();
  }
});

/** An emulator whose instances and attachments are ready at once, and clients for it. */
async function started(config: EmulatorSettings["config"] = {}) {
  const transitions = { pendingMs: 0, attachingMs: 0 };
  const emulator = await startEc2Emulator({ config: { transitions, ...config } });
  const clients: EC2Client[] = [];
  running.push({ emulator, clients });
  const clientFor = (region = "us-west-2") => {
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const client = new EC2Client({ endpoint: emulator.url, region, credentials, maxAttempts: 1 });
    clients.push(client);
    return client;
  };
  const post = (body: string) => fetch(emulator.url, { method: "POST", body });
  return { emulator, client: clientFor(), clientFor, post };
}

async function network(client: EC2Client) {
  const VpcId = (await client.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }))).Vpc?.VpcId;
  const subnet = await client.send(new CreateSubnetCommand({ VpcId, CidrBlock: "10.0.0.0/24" }));
  const group = { GroupName: "pods", Description: "Pods & <friends>", VpcId };
  const { GroupId = "" } = await client.send(new CreateSecurityGroupCommand(group));
  return { VpcId, SubnetId: subnet.Subnet?.SubnetId, GroupId };
}

describe("the server, spoken to by the AWS SDK", () => {
  test("takes a node from nothing to a branch that is associated, and back", async () => {
    const { client } = await started();
    const { SubnetId, GroupId } = await network(client);
    const { Instances } = await client.send(
      new RunInstancesCommand({
        ...{ ImageId: "ami-12345678", InstanceType: "m5.large", MinCount: 1, MaxCount: 1 },
        ...{ SubnetId, SecurityGroupIds: [GroupId] },
      }),
    );
    const InstanceId = Instances?.[0]?.InstanceId;
    const create = async (InterfaceType?: "trunk") => {
      const TagSpecifications = [
        { ResourceType: "network-interface" as const, Tags: [{ Key: "trunkline:owner", Value: "a&b" }] },
      ];
      const input = { SubnetId, Groups: [GroupId], InterfaceType, TagSpecifications };
      return (await client.send(new CreateNetworkInterfaceCommand(input))).NetworkInterface?.NetworkInterfaceId;
    };
    const trunkId = await create("trunk");
    const attach = { NetworkInterfaceId: trunkId, InstanceId, DeviceIndex: 2 };
    const { AttachmentId } = await client.send(new AttachNetworkInterfaceCommand(attach));
    await client.send(
      new ModifyNetworkInterfaceAttributeCommand({
        NetworkInterfaceId: trunkId,
        Attachment: { AttachmentId, DeleteOnTermination: true },
      }),
    );
    const branchId = await create();
    const { InterfaceAssociation } = await client.send(
      new AssociateTrunkInterfaceCommand({ BranchInterfaceId: branchId, TrunkInterfaceId: trunkId, VlanId: 9 }),
    );
    const Filters = [{ Name: "tag:trunkline:owner", Values: ["a&b"] }];
    const { NetworkInterfaces } = await client.send(new DescribeNetworkInterfacesCommand({ Filters }));
    expect(NetworkInterfaces).toMatchObject([
      {
        NetworkInterfaceId: trunkId,
        InterfaceType: "trunk",
        Attachment: { InstanceId, Status: "attached", DeleteOnTermination: true, AttachTime: expect.any(Date) },
      },
      { NetworkInterfaceId: branchId, InterfaceType: "branch", Status: "in-use" },
    ]);
    const associations = await client.send(new DescribeTrunkInterfaceAssociationsCommand({ MaxResults: 5 }));
    expect(associations.InterfaceAssociations).toMatchObject([{ VlanId: 9, BranchInterfaceId: branchId }]);
    const AssociationId = InterfaceAssociation?.AssociationId;
    await client.send(new DisassociateTrunkInterfaceCommand({ AssociationId }));
    await client.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: branchId }));
    const left = await client.send(new DescribeNetworkInterfacesCommand({ Filters }));
    expect(left.NetworkInterfaces).toHaveLength(1);
  });

  test("refuses as EC2 does: code, text, status, request ID", async () => {
    const { client } = await started();
    const call = client.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: "eni-0123456789abcdef0" }));
    await expect(call).rejects.toMatchObject({
      name: "InvalidNetworkInterfaceID.NotFound",
      message: "The networkInterface ID 'eni-0123456789abcdef0' does not exist",
      $metadata: { httpStatusCode: 400, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });

  test("gives pages to the SDK's paginator", async () => {
    const { client } = await started();
    const { SubnetId } = await network(client);
    for (let index = 0; index < 12; index++) await client.send(new CreateNetworkInterfaceCommand({ SubnetId }));
    const sizes: (number | undefined)[] = [];
    for await (const page of paginateDescribeNetworkInterfaces({ client, pageSize: 5 }, {})) {
      sizes.push(page.NetworkInterfaces?.length);
    }
    expect(sizes).toEqual([5, 5, 2]);
  });

  test("carries text that XML could break, both ways", async () => {
    const { client } = await started();
    const { SubnetId } = await network(client);
    const Description = `"quotes" & <tags> & ünïcödé`;
    const made = await client.send(new CreateNetworkInterfaceCommand({ SubnetId, Description }));
    expect(made.NetworkInterface?.Description).toBe(Description);
  });

  test("keeps each Region to itself", async () => {
    const { emulator, client, clientFor } = await started();
    await network(client);
    expect((await clientFor("eu-central-1").send(new DescribeVpcsCommand())).Vpcs).toEqual([]);
    expect((await client.send(new DescribeVpcsCommand())).Vpcs).toHaveLength(1);
    expect(emulator.model().region).toBe("us-west-2");
    await expect(clientFor("nowhere").send(new DescribeVpcsCommand())).rejects.toMatchObject({
      name: "SignatureDoesNotMatch",
    });
  });

  test("throttles with the code and the status that the SDK knows", async () => {
    const { client } = await started({ buckets: { "DescribeVpcs#unfiltered": { capacity: 1, refillPerSecond: 0 } } });
    await client.send(new DescribeVpcsCommand());
    await expect(client.send(new DescribeVpcsCommand())).rejects.toMatchObject({
      name: "RequestLimitExceeded",
      $metadata: { httpStatusCode: 503 },
    });
  });

  test("drops the connection on request, with the effect done", async () => {
    const { emulator, client } = await started();
    const { SubnetId } = await network(client);
    const fault = { action: "CreateNetworkInterface", when: "after", frequency: { next: 1 }, answer: "drop" } as const;
    emulator.model().faults.add(fault);
    const input = { SubnetId, ClientToken: "intent" };
    await expect(client.send(new CreateNetworkInterfaceCommand(input))).rejects.toThrow(/socket hang up|ECONNRESET/);
    const [made] = emulator.model().state().networkInterfaces;
    const again = await client.send(new CreateNetworkInterfaceCommand(input));
    expect(again.NetworkInterface?.NetworkInterfaceId).toBe(made?.NetworkInterfaceId);
  });

  test("does the effect in the middle of a call's latency", async () => {
    const latency = { medianMsByAction: { CreateVpc: 400 }, medianMs: 0, sigma: 0 };
    const { emulator, client } = await started({ latency });
    const begunAtMs = performance.now();
    const call = client.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }));
    while (emulator.model().state().vpcs.length === 0) await sleep(5);
    expect(performance.now() - begunAtMs).toBeGreaterThan(190);
    await call;
    expect(performance.now() - begunAtMs).toBeGreaterThan(390);
  });

  test("tells of instances that run", async () => {
    const { emulator, client } = await started();
    const { SubnetId } = await network(client);
    const states: string[] = [];
    const run = new Promise<void>((resolve) => {
      emulator.model().onInstanceStateChange(({ detail }) => {
        states.push(detail.state);
        if (detail.state === "running") resolve();
      });
    });
    const { Instances } = await client.send(
      new RunInstancesCommand({ ImageId: "ami-12345678", SubnetId, MinCount: 1, MaxCount: 1 }),
    );
    await run;
    expect(states).toEqual(["pending", "running"]);
    const InstanceIds = Instances?.map((instance) => instance.InstanceId ?? "");
    const { Reservations } = await client.send(new DescribeInstancesCommand({ InstanceIds }));
    expect(Reservations?.[0]?.Instances?.[0]?.State).toEqual({ Code: 16, Name: "running" });
  });

  test("takes rules that name another group", async () => {
    const { client } = await started();
    const { GroupId } = await network(client);
    const { SecurityGroupRules } = await client.send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId,
        IpPermissions: [{ IpProtocol: "udp", FromPort: 53, ToPort: 53, UserIdGroupPairs: [{ GroupId }] }],
      }),
    );
    expect(SecurityGroupRules).toMatchObject([{ ReferencedGroupInfo: { GroupId }, FromPort: 53, IsEgress: false }]);
  });
});

describe("the server, spoken to by hand", () => {
  test.each([
    ["Action=DescribeSpaceships", "<Code>InvalidAction</Code>"],
    ["Action=DescribeVpcs&Colour=red", "<Message>The parameter Colour is not recognized</Message>"],
    ["Action=DescribeVpcs&Filter.1.Nme=x", "<Message>The parameter Filter.1.Nme is not recognized</Message>"],
    ["Action=DescribeVpcs&Filter.first.Name=x", "<Message>The parameter Filter.first is not recognized</Message>"],
    ["Action=DescribeVpcs&VpcId.1.Name=x", "<Message>The parameter VpcId.1 is not recognized</Message>"],
    ["Action=DescribeVpcs&MaxResults=many", "<Code>InvalidParameterValue</Code>"],
    ["Action=DescribeVpcs&DryRun=perhaps", "<Code>InvalidParameterValue</Code>"],
    ["Action=CreateVpc", "<Message>The request must contain the parameter cidrBlock</Message>"],
    ["Action=<script>", "The action &lt;script&gt; is not valid"],
  ])("refuses %s", async (body, text) => {
    const { post } = await started();
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(text);
  });

  test("answers in XML, also to a GET", async () => {
    const { emulator, post } = await started();
    const response = await fetch(`${emulator.url}/?Action=CreateVpc&CidrBlock=10.0.0.0/16&Version=2016-11-15`);
    expect(response.headers.get("content-type")).toBe("text/xml;charset=UTF-8");
    expect(await response.text()).toMatch(
      /<CreateVpcResponse xmlns="http:\/\/ec2.amazonaws.com\/doc\/2016-11-15\/"><requestId>[0-9a-f-]{36}<\/requestId><vpc>/,
    );
    expect(await (await post("Action=DescribeVpcs&VpcId=")).text()).toContain("<cidrBlock>10.0.0.0/16</cidrBlock>");
  });

  test("refuses a body of more than a megabyte", async () => {
    const { post } = await started();
    const response = await post(`Action=DescribeVpcs&VpcId.1=${"x".repeat(1024 * 1024)}`);
    expect(response.status).toBe(413);
  });

  test("says when its port is taken", async () => {
    const { emulator } = await started();
    await expect(startEc2Emulator({ port: emulator.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
