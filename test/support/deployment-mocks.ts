/** What AWS would answer, as far as the configuration looks at the answers. */

const account = "123456789012";
const region = "us-west-2";

interface ResourceArguments {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

interface CallArguments {
  readonly token: string;
  readonly inputs: Record<string, unknown>;
}

/** The ID and the outputs of a resource that was created. */
export function answerResource({ type, name: logicalName, inputs }: ResourceArguments) {
  const name = String(inputs.name ?? logicalName);
  const url = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
  const arn = arnOf(type, name);
  return {
    id: type === "aws:sqs/queue:Queue" ? url : `${logicalName}-id`,
    state: { ...inputs, name, arn, url, qualifiedArn: arn, version: "1", base64: "a2V5" },
  };
}

function arnOf(type: string, name: string): string {
  switch (type) {
    case "aws:sqs/queue:Queue":
      return `arn:aws:sqs:${region}:${account}:${name}`;
    case "aws:iam/role:Role":
      return `arn:aws:iam::${account}:role/${name}`;
    case "aws:dynamodb/table:Table":
      return `arn:aws:dynamodb:${region}:${account}:table/${name}`;
    case "aws:lambda/function:Function":
      return `arn:aws:lambda:${region}:${account}:function:${name}`;
    case "aws:cloudwatch/eventRule:EventRule":
      return `arn:aws:events:${region}:${account}:rule/${name}`;
    default:
      return `arn:aws:mock:${region}:${account}:${name}`;
  }
}

/** The answers of the functions that ask the provider something. */
export function answerCall({ token, inputs }: CallArguments): Record<string, unknown> {
  switch (token) {
    case "aws:index/getRegion:getRegion":
      return { id: region, name: region, region };
    case "aws:index/getPartition:getPartition":
      return { partition: "aws", dnsSuffix: "amazonaws.com", id: "aws" };
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { accountId: account };
    case "aws:iam/getPolicyDocument:getPolicyDocument":
      return { ...inputs, json: policyDocument(inputs.statements as Statement[] | undefined) };
    default:
      return inputs;
  }
}

interface Statement {
  readonly effect?: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: unknown;
}

function policyDocument(statements: readonly Statement[] = []): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map(({ effect = "Allow", actions, resources, conditions }) => ({
      Effect: effect,
      Action: actions,
      Resource: resources,
      Condition: conditions,
    })),
  });
}
