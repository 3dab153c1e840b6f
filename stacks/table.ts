import { tableExpiryAttribute, tableKeys } from "@trunkline/ledger/table";
import { tableName } from "@trunkline/runtime/names";

/** The ledger: one table, on demand, with point-in-time recovery, which SST switches on for every table. */
export function createTable(stage: string): sst.aws.Dynamo {
  return new sst.aws.Dynamo("Ledger", {
    fields: { [tableKeys.partition]: "string", [tableKeys.sort]: "string" },
    primaryIndex: { hashKey: tableKeys.partition, rangeKey: tableKeys.sort },
    ttl: tableExpiryAttribute,
    deletionProtection: $app.protect === true,
    transform: { table: { name: tableName(stage) } },
  });
}
