import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type {
  BranchRecord,
  Clock,
  ClusterName,
  InstanceId,
  Ledger,
  LedgerRecord,
  Page,
  Partition,
  RecordKey,
  SubnetId,
  SubnetWaiterRecord,
  TrunkRecord,
} from "@trunkline/core";
import { branded } from "@trunkline/core";
import { type Row, recordOf } from "./attributes.ts";
import { type CommitTarget, commit } from "./commit.ts";
import { LedgerError, ledgerError } from "./errors.ts";
import { clusterPartition, keyOfNodeRow, nodePartition, nodePrefix, subnetPartition, tableKeyOf } from "./keys.ts";

/** Pages of 1 MB that one partition may have: 16 MB are some 100,000 tombstones, more than an hour can leave. */
const partitionPagesMax = 16;

/** Nodes on one page of a listing. */
const listingPageSize = 1_000;

/** What the ledger is made of. */
export interface LedgerOptions {
  /** Its retries are the only ones: a write whose answer was lost is repeated by it without harm. */
  readonly client: DynamoDBClient;
  readonly table: string;
  /** The table's epoch, 1…36 characters; a short one keeps tombstones small. Records of another epoch count as absent. */
  readonly epoch: string;
  readonly clock: Clock;
}

/** The ledger in DynamoDB: one partition per node instance, consistent reads, conditional writes. */
export function createLedger({ client, table, epoch, clock }: LedgerOptions): Ledger {
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  const target: CommitTarget = { documents, table, epoch };
  return {
    load: (instanceId) => load(target, instanceId),
    get: (key) => get(target, key),
    commit: (transaction) => commit(target, transaction),
    nodesOf: (cluster, next) => nodesOf(target, cluster, next),
    waitersOf: (subnetId, next) => waitersOf(target, { subnetId, next, now: clock.now() }),
  };
}

async function load(target: CommitTarget, instanceId: InstanceId): Promise<Partition> {
  const rows = await queryAll(target, nodePartition(instanceId));
  const records = rows
    .map((row) => recordOf(keyOfNodeRow(instanceId, String(row.sk)), row, target.epoch))
    .filter((record) => record !== undefined);
  return {
    instanceId,
    trunk: records.find((record): record is TrunkRecord => record.kind === "trunk"),
    branches: records.filter((record): record is BranchRecord => record.kind === "branch"),
  };
}

async function get<Kind extends RecordKey["kind"]>(
  { documents, table, epoch }: CommitTarget,
  key: Extract<RecordKey, { kind: Kind }>,
): Promise<Extract<LedgerRecord, { kind: Kind }> | undefined> {
  try {
    const answer = await documents.send(
      new GetCommand({ TableName: table, Key: { ...tableKeyOf(key) }, ConsistentRead: true }),
    );
    return recordOf(key, answer.Item, epoch) as Extract<LedgerRecord, { kind: Kind }> | undefined;
  } catch (error) {
    throw ledgerError(`reading a record of kind ${key.kind}`, error);
  }
}

async function nodesOf(target: CommitTarget, cluster: ClusterName, next?: string): Promise<Page<InstanceId>> {
  const page = await queryNodes(target, clusterPartition(cluster), next);
  return { elements: page.rows.map((row) => instanceOf(row)), next: page.next };
}

/** A waiter that has expired is not told: time to live sweeps it days late. */
async function waitersOf(
  target: CommitTarget,
  { subnetId, next, now }: { readonly subnetId: SubnetId; readonly next: string | undefined; readonly now: number },
): Promise<Page<{ instanceId: InstanceId; cluster: ClusterName }>> {
  const page = await queryNodes(target, subnetPartition(subnetId), next);
  const waiters = page.rows.map((row) => {
    const key = { kind: "subnet-waiter", subnetId, instanceId: instanceOf(row) };
    return recordOf(key, row, target.epoch) as SubnetWaiterRecord;
  });
  return {
    elements: waiters
      .filter((waiter) => waiter.expiresAt > now)
      .map(({ instanceId, cluster }) => ({ instanceId, cluster })),
    next: page.next,
  };
}

/** Every row of a partition, page by page. */
async function queryAll({ documents, table }: CommitTarget, partition: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let from: Record<string, unknown> | undefined;
  for (let page = 0; page < partitionPagesMax; page += 1) {
    const answer = await queryPage(documents, {
      TableName: table,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": partition },
      ExclusiveStartKey: from,
    });
    rows.push(...(answer.Items ?? []));
    from = answer.LastEvaluatedKey;
    if (from === undefined) return rows;
  }
  throw new LedgerError(`The partition ${partition} has more than ${partitionPagesMax} pages of 1 MB.`);
}

/** One page of the nodes of a partition that are of this epoch; `next` is the sort key of the last one. */
async function queryNodes(
  { documents, table, epoch }: CommitTarget,
  partition: string,
  next: string | undefined,
): Promise<{ readonly rows: readonly Row[]; readonly next: string | undefined }> {
  const answer = await queryPage(documents, {
    TableName: table,
    KeyConditionExpression: "pk = :pk AND begins_with(sk, :node)",
    ExpressionAttributeValues: { ":pk": partition, ":node": nodePrefix },
    ExclusiveStartKey: next === undefined ? undefined : { pk: partition, sk: next },
    Limit: listingPageSize,
  });
  const rows = (answer.Items ?? []).filter((row) => recordOf({}, row, epoch) !== undefined);
  const last = answer.LastEvaluatedKey?.sk;
  return { rows, next: last === undefined ? undefined : String(last) };
}

async function queryPage(documents: DynamoDBDocumentClient, query: ConstructorParameters<typeof QueryCommand>[0]) {
  try {
    return await documents.send(new QueryCommand({ ...query, ConsistentRead: true }));
  } catch (error) {
    throw ledgerError("reading a partition", error);
  }
}

function instanceOf(row: Row): InstanceId {
  return branded<InstanceId>(String(row.sk).slice(nodePrefix.length));
}
