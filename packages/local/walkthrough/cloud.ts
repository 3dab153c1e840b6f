import {
  AuthorizeSecurityGroupIngressCommand,
  DeleteSecurityGroupCommand,
  DescribeNetworkInterfacesCommand,
  EC2Client,
  type IpPermission,
  type NetworkInterface,
  RevokeSecurityGroupIngressCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";

/** Calls per EC2 action since the emulator started. */
export type CallCounts = Readonly<Record<string, { readonly calls: number; readonly throttled: number }>>;

/** What the walk-through does to EC2, by the official SDK and over HTTP. */
export class Cloud {
  readonly #client: EC2Client;
  readonly #url: string;

  constructor(url: string, region: string) {
    this.#url = url;
    this.#client = new EC2Client({
      endpoint: url,
      region,
      credentials: { accessKeyId: "walkthrough", secretAccessKey: "walkthrough" },
    });
  }

  /** Opens (or closes) a port of a group to the members of another. */
  async setRule(rule: { groupId: string; fromGroupId: string; protocol: string; port: number; open: boolean }) {
    const permission: IpPermission = {
      IpProtocol: rule.protocol,
      FromPort: rule.port,
      ToPort: rule.port,
      UserIdGroupPairs: [{ GroupId: rule.fromGroupId }],
    };
    const input = { GroupId: rule.groupId, IpPermissions: [permission] };
    if (rule.open) await this.#client.send(new AuthorizeSecurityGroupIngressCommand(input));
    else await this.#client.send(new RevokeSecurityGroupIngressCommand(input));
  }

  /** Every ENI with the filters given, all pages. */
  async interfaces(filters: Readonly<Record<string, readonly string[]>>): Promise<readonly NetworkInterface[]> {
    const found: NetworkInterface[] = [];
    let token: string | undefined;
    do {
      const page = await this.#client.send(
        new DescribeNetworkInterfacesCommand({
          Filters: Object.entries(filters).map(([Name, Values]) => ({ Name, Values: [...Values] })),
          MaxResults: 1_000,
          ...(token ? { NextToken: token } : {}),
        }),
      );
      found.push(...(page.NetworkInterfaces ?? []));
      token = page.NextToken;
    } while (token);
    return found;
  }

  async terminate(instanceIds: readonly string[]): Promise<void> {
    await this.#client.send(new TerminateInstancesCommand({ InstanceIds: [...instanceIds] }));
  }

  /** @returns EC2's error code when it refuses, undefined when the group is gone. */
  async deleteGroup(groupId: string): Promise<string | undefined> {
    return await this.#client.send(new DeleteSecurityGroupCommand({ GroupId: groupId })).then(
      () => undefined,
      (error: Error) => error.name,
    );
  }

  /** What the emulator counted, per action. */
  async calls(): Promise<CallCounts> {
    const response = await fetch(`${this.#url}/_control/stats`);
    return (await response.json()) as CallCounts;
  }
}

/** The value of a tag. */
export const tag = (eni: NetworkInterface, key: string): string | undefined =>
  eni.TagSet?.find(({ Key }) => Key === key)?.Value;
