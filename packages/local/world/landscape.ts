import type { Ec2Model } from "@trunkline/emulator-ec2";

/** What the tutorials of security groups for pods begin with. */
export interface Landscape {
  readonly vpcId: string;
  readonly subnetId: string;
  readonly availabilityZone: string;
  /** The group of the nodes and of the control plane. */
  readonly clusterGroupId: string;
  readonly podGroupId: string;
  readonly databaseGroupId: string;
  readonly databaseAddress: string;
}

/** The seed of EC2's identifiers: with it the tutorial's groups have the IDs that `examples/` names. */
export const landscapeSeed = 1;

/** The port of the database. */
export const databasePort = 5432;

/** Makes a VPC with a subnet, the three groups with their rules, and the interface of a database. */
export function makeLandscape(ec2: Ec2Model): Landscape {
  const vpcId = required(ec2.perform("CreateVpc", { CidrBlock: "192.168.0.0/16" }).Vpc?.VpcId);
  const availabilityZone = `${ec2.region}a`;
  const subnetInput = { VpcId: vpcId, CidrBlock: "192.168.0.0/18", AvailabilityZone: availabilityZone };
  const subnetId = required(ec2.perform("CreateSubnet", subnetInput).Subnet?.SubnetId);
  const group = (GroupName: string, Description: string) =>
    required(ec2.perform("CreateSecurityGroup", { GroupName, Description, VpcId: vpcId }).GroupId);
  const clusterGroupId = group("cluster", "Nodes and control plane");
  const podGroupId = group("my-pod-group", "Pods that may reach the database");
  const databaseGroupId = group("my-database-group", "The database");
  const admit = (to: string, from: string, protocol: string, port?: number) =>
    ec2.perform("AuthorizeSecurityGroupIngress", {
      GroupId: to,
      IpPermissions: [
        {
          IpProtocol: protocol,
          ...(port === undefined ? {} : { FromPort: port, ToPort: port }),
          UserIdGroupPairs: [{ GroupId: from }],
        },
      ],
    });
  admit(clusterGroupId, clusterGroupId, "-1");
  admit(clusterGroupId, podGroupId, "tcp", 53);
  admit(clusterGroupId, podGroupId, "udp", 53);
  admit(podGroupId, clusterGroupId, "tcp", 80);
  admit(podGroupId, podGroupId, "tcp", 80);
  admit(databaseGroupId, podGroupId, "tcp", databasePort);
  const database = ec2.perform("CreateNetworkInterface", {
    SubnetId: subnetId,
    Groups: [databaseGroupId],
    Description: "RDSNetworkInterface",
  });
  const databaseAddress = required(database.NetworkInterface?.PrivateIpAddress);
  return { vpcId, subnetId, availabilityZone, clusterGroupId, podGroupId, databaseGroupId, databaseAddress };
}

/** Runs instances of the cluster, as its node group would. @returns their IDs. */
export function runNodes(
  ec2: Ec2Model,
  landscape: Pick<Landscape, "subnetId" | "clusterGroupId">,
  wanted: { readonly cluster: string; readonly count: number; readonly instanceType: string },
): readonly string[] {
  if (wanted.count === 0) return [];
  const { Instances } = ec2.perform("RunInstances", {
    ImageId: "ami-0123456789abcdef0",
    InstanceType: wanted.instanceType as "m5.large",
    MinCount: wanted.count,
    MaxCount: wanted.count,
    SubnetId: landscape.subnetId,
    SecurityGroupIds: [landscape.clusterGroupId],
    TagSpecifications: [
      { ResourceType: "instance", Tags: [{ Key: `kubernetes.io/cluster/${wanted.cluster}`, Value: "owned" }] },
    ],
  });
  return (Instances ?? []).map(({ InstanceId }) => required(InstanceId));
}

function required(value: string | undefined): string {
  if (value === undefined) throw new Error("the emulated EC2 left out an identifier that it always gives");
  return value;
}
