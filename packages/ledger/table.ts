/**
 * The shape of the ledger's table. This file imports nothing, so that the deployment and the local world share it
 * without pulling an SDK.
 */

/** The table's key attributes; both are strings. */
export const tableKeys = { partition: "pk", sort: "sk" } as const;

/**
 * The attribute that DynamoDB's time to live looks at, in epoch seconds. It sweeps what has expired, days late, and is
 * no clock: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
 */
export const tableExpiryAttribute = "expiresAt";

/** What `CreateTable` takes to make the table: keys and on-demand capacity. Time to live is switched on separately. */
export function tableDefinition(tableName: string) {
  return {
    TableName: tableName,
    AttributeDefinitions: [
      { AttributeName: tableKeys.partition, AttributeType: "S" as const },
      { AttributeName: tableKeys.sort, AttributeType: "S" as const },
    ],
    KeySchema: [
      { AttributeName: tableKeys.partition, KeyType: "HASH" as const },
      { AttributeName: tableKeys.sort, KeyType: "RANGE" as const },
    ],
    BillingMode: "PAY_PER_REQUEST" as const,
  };
}
