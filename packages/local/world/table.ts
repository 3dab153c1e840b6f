import { CreateTableCommand, DynamoDBClient, ResourceInUseException } from "@aws-sdk/client-dynamodb";
import { tableKeys } from "@trunkline/ledger/table";

/** Makes the ledger's table, as `stacks/table.ts` does in an account; a table that is there already is kept. */
export async function createTable(options: { endpoint: string; region: string; table: string }): Promise<void> {
  const client = new DynamoDBClient({
    endpoint: options.endpoint,
    region: options.region,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  try {
    await client.send(
      new CreateTableCommand({
        TableName: options.table,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [
          { AttributeName: tableKeys.partition, AttributeType: "S" },
          { AttributeName: tableKeys.sort, AttributeType: "S" },
        ],
        KeySchema: [
          { AttributeName: tableKeys.partition, KeyType: "HASH" },
          { AttributeName: tableKeys.sort, KeyType: "RANGE" },
        ],
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  } finally {
    client.destroy();
  }
}
