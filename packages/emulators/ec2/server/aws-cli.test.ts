import { afterEach, beforeEach, expect, test } from "vitest";
import { type Ec2Emulator, startEc2Emulator } from "../emulator.ts";

/**
 * The bodies that the stock `aws` CLI (1.45.11) sent for these commands, in this order; only the IDs are replaced by
 * the names under which `keep` remembers what the answer holds.
 */
const RECORDED: readonly { command: string; body: string; keep?: readonly [name: string, element: RegExp] }[] = [
  {
    command: "create-vpc --cidr-block 10.0.0.0/16",
    body: "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16",
    keep: ["VPC", /<vpcId>(.*?)</],
  },
  {
    command: "create-subnet --vpc-id VPC --cidr-block 10.0.1.0/24 --availability-zone us-west-2a",
    body: "Action=CreateSubnet&Version=2016-11-15&AvailabilityZone=us-west-2a&CidrBlock=10.0.1.0%2F24&VpcId=VPC",
    keep: ["SUBNET", /<subnetId>(.*?)</],
  },
  {
    command: 'create-security-group --group-name pod --description "pods of the demo" --vpc-id VPC',
    body: "Action=CreateSecurityGroup&Version=2016-11-15&GroupDescription=pods+of+the+demo&GroupName=pod&VpcId=VPC",
    keep: ["PODGROUP", /<groupId>(.*?)</],
  },
  {
    command: "create-security-group --group-name db … --tag-specifications …",
    body: "Action=CreateSecurityGroup&Version=2016-11-15&GroupDescription=db&GroupName=db&VpcId=VPC&TagSpecification.1.ResourceType=security-group&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=db",
    keep: ["DBGROUP", /<groupId>(.*?)</],
  },
  {
    command: "authorize-security-group-ingress --group-id DBGROUP --protocol tcp --port 5432 --source-group PODGROUP",
    body: "Action=AuthorizeSecurityGroupIngress&Version=2016-11-15&GroupId=DBGROUP&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=5432&IpPermissions.1.ToPort=5432&IpPermissions.1.Groups.1.GroupId=PODGROUP",
    keep: ["RULE", /<securityGroupRuleId>(.*?)</],
  },
  {
    command: "describe-security-group-rules --filters Name=group-id,Values=DBGROUP",
    body: "Action=DescribeSecurityGroupRules&Version=2016-11-15&Filter.1.Name=group-id&Filter.1.Value.1=DBGROUP",
  },
  {
    command: "revoke-security-group-ingress --group-id DBGROUP --security-group-rule-ids RULE",
    body: "Action=RevokeSecurityGroupIngress&Version=2016-11-15&GroupId=DBGROUP&SecurityGroupRuleId.1=RULE",
  },
  {
    command: "authorize-security-group-egress --group-id DBGROUP --ip-permissions IpProtocol=udp,…",
    body: "Action=AuthorizeSecurityGroupEgress&Version=2016-11-15&GroupId=DBGROUP&IpPermissions.1.IpProtocol=udp&IpPermissions.1.FromPort=53&IpPermissions.1.ToPort=53&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8&IpPermissions.1.IpRanges.1.Description=dns",
  },
  {
    command: "revoke-security-group-egress --group-id DBGROUP --protocol udp --port 53 --cidr 10.0.0.0/8",
    body: "Action=RevokeSecurityGroupEgress&Version=2016-11-15&GroupId=DBGROUP&IpPermissions.1.IpProtocol=udp&IpPermissions.1.FromPort=53&IpPermissions.1.ToPort=53&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8",
  },
  {
    command: "describe-security-groups --filters Name=vpc-id,Values=VPC Name=group-name,Values=p*",
    body: "Action=DescribeSecurityGroups&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=VPC&Filter.2.Name=group-name&Filter.2.Value.1=p%2A",
  },
  {
    command: "run-instances --image-id ami-0123456789abcdef0 --instance-type m5.large --count 1 …",
    body: "Action=RunInstances&Version=2016-11-15&ImageId=ami-0123456789abcdef0&InstanceType=m5.large&SecurityGroupId.1=PODGROUP&SubnetId=SUBNET&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=kubernetes.io%2Fcluster%2Fdemo&TagSpecification.1.Tag.1.Value=owned&MinCount=1&MaxCount=1&ClientToken=0100698e-c01c-4522-a8f4-7dc5ae9f350c",
    keep: ["INSTANCE", /<instanceId>(.*?)</],
  },
  ...[1, 2, 3, 4, 5, 6].map((number) => ({
    command: `create-network-interface --subnet-id SUBNET --groups PODGROUP --description "branch ${number}" …`,
    body: `Action=CreateNetworkInterface&Version=2016-11-15&TagSpecification.1.ResourceType=network-interface&TagSpecification.1.Tag.1.Key=trunkline%3Aowner&TagSpecification.1.Tag.1.Value=demo&SubnetId=SUBNET&Description=branch+${number}&SecurityGroupId.1=PODGROUP&ClientToken=ecbd46a4-182f-4594-96e9-${number}`,
  })),
  {
    command: "describe-network-interfaces --filters Name=tag:trunkline:owner,Values=demo --page-size 5",
    body: "Action=DescribeNetworkInterfaces&Version=2016-11-15&Filter.1.Name=tag%3Atrunkline%3Aowner&Filter.1.Value.1=demo&MaxResults=5",
    keep: ["NEXT", /<nextToken>(.*?)</],
  },
  {
    command: "(its second page)",
    body: "Action=DescribeNetworkInterfaces&Version=2016-11-15&Filter.1.Name=tag%3Atrunkline%3Aowner&Filter.1.Value.1=demo&MaxResults=5&NextToken=NEXT",
  },
  {
    command: "describe-network-interfaces --filters Name=attachment.instance-id,Values=INSTANCE",
    body: "Action=DescribeNetworkInterfaces&Version=2016-11-15&Filter.1.Name=attachment.instance-id&Filter.1.Value.1=INSTANCE",
  },
  {
    command: "delete-security-group --group-id DBGROUP",
    body: "Action=DeleteSecurityGroup&Version=2016-11-15&GroupId=DBGROUP",
  },
  {
    command: "delete-security-group --group-id PODGROUP",
    body: "Action=DeleteSecurityGroup&Version=2016-11-15&GroupId=PODGROUP",
  },
  {
    command: "terminate-instances --instance-ids INSTANCE",
    body: "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=INSTANCE",
  },
  {
    command: "wait instance-terminated --instance-ids INSTANCE",
    body: "Action=DescribeInstances&Version=2016-11-15&InstanceId.1=INSTANCE",
  },
];

/** What an answer must show; the other commands must only succeed. */
const SHOWN: Readonly<Record<string, RegExp>> = {
  DescribeSecurityGroupRules: /<fromPort>5432<.*<referencedGroupInfo><groupId>sg-/,
  DescribeSecurityGroups: /<groupName>pod<(?!.*<groupName>db<)/,
  TerminateInstances: /<currentState><code>32<\/code><name>shutting-down</,
  DescribeInstances: /<instanceState><code>48<\/code><name>terminated</,
};

let emulator: Ec2Emulator;

beforeEach(async () => {
  emulator = await startEc2Emulator({ config: { transitions: { pendingMs: 0, attachingMs: 0 } } });
});

afterEach(() => emulator.stop());

test("what the aws CLI sends is understood, and answered with what it needs", async () => {
  const kept = new Map<string, string>();
  const answers = new Map<string, string>();
  for (const { command, body, keep } of RECORDED) {
    if (command.startsWith("wait")) await terminated();
    const sent = [...kept].reduce((text, [name, value]) => text.replaceAll(`=${name}`, `=${value}`), body);
    const response = await fetch(emulator.url, { method: "POST", body: sent });
    const xml = await response.text();
    const refused = command === "delete-security-group --group-id PODGROUP";
    expect(response.status, `${command}: ${xml}`).toBe(refused ? 400 : 200);
    if (refused) expect(xml).toContain("<Code>DependencyViolation</Code>");
    expect(xml, command).toMatch(SHOWN[new URLSearchParams(sent).get("Action") ?? ""] ?? /<requestId>|<RequestID>/);
    if (keep) kept.set(keep[0], keep[1].exec(xml)?.[1] ?? "");
    answers.set(command, xml);
  }
  const branches = (command: string) => answers.get(command)?.match(/<description>branch \d</g)?.length ?? 0;
  expect(branches("describe-network-interfaces --filters Name=tag:trunkline:owner,Values=demo --page-size 5")).toBe(5);
  expect(branches("(its second page)")).toBe(1);
});

/** Waits for the event, as EventBridge would deliver it. */
function terminated(): Promise<void> {
  const [instance] = emulator.model().state().instances;
  if (instance?.State?.Name === "terminated") return Promise.resolve();
  return new Promise((resolve) => {
    emulator.model().onInstanceStateChange(({ detail }) => {
      if (detail.state === "terminated") resolve();
    });
  });
}
