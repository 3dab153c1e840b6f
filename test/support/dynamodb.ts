import { CreateTableCommand, DynamoDBClient, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { tableDefinition, tableExpiryAttribute } from "@trunkline/ledger";
import { startDynamodb } from "@trunkline/local/dynamodb";

/** A DynamoDB server for one test file. */
export interface TestDynamodb {
  readonly endpoint: string;
  /** A client of its own each time, so that faults can be put into it. Its retries do not wait. */
  client(): DynamoDBClient;
  /** Makes an empty ledger table under a name of its own. */
  createTable(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts dynoxide on a free port, or uses the server that the environment variable `DYNAMODB_ENDPOINT` names.
 *
 * @throws Error with one line that says what to do when there is no server for this platform.
 */
export async function startTestDynamodb(): Promise<TestDynamodb> {
  const server = await startDynamodb({ endpoint: process.env.DYNAMODB_ENDPOINT, port: 0 });
  const clients: DynamoDBClient[] = [];
  const client = () => {
    const made = new DynamoDBClient({
      endpoint: server.url,
      region: "us-west-2",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
    clients.push(made);
    return made;
  };
  let tables = 0;
  return {
    endpoint: server.url,
    client,
    createTable: async () => {
      tables += 1;
      const name = `ledger-${process.pid}-${tables}`;
      const maker = client();
      await maker.send(new CreateTableCommand(tableDefinition(name)));
      await maker.send(
        new UpdateTimeToLiveCommand({
          TableName: name,
          TimeToLiveSpecification: { Enabled: true, AttributeName: tableExpiryAttribute },
        }),
      );
      return name;
    },
    stop: async () => {
      for (const made of clients) made.destroy();
      await server.stop();
    },
  };
}
