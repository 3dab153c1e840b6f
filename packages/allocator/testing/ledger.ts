import {
  type Clock,
  keyOf,
  type Ledger,
  type LedgerRecord,
  type Page,
  type RecordKey,
  type Transaction,
  type Write,
} from "@trunkline/core";
import { holds } from "@trunkline/core/testing";

/** An in-memory ledger with the conditions of the real one, which counts what DynamoDB would bill. */
export interface InMemoryLedger extends Ledger {
  /** All records that are there. */
  records(): readonly LedgerRecord[];
  /** Write units so far: one per write of a record below 1 KB, two in a transaction, also when its condition fails. */
  writeUnits(): number;
  /** Loses everything, as a table that was deleted does. */
  lose(): void;
}

/** Elements of one page of a listing. */
const pageSize = 1_000;
/** Writes of one transaction, as DynamoDB has it. */
const transactionMax = 100;

const nameOf = (key: RecordKey): string => JSON.stringify(Object.entries(key).toSorted());

const keyOfWrite = (write: Write): RecordKey => (write.kind === "put" ? keyOf(write.record) : write.key);

const pageOf = <Element>(all: readonly Element[], next: string | undefined): Page<Element> => {
  const from = Number(next ?? 0);
  const to = from + pageSize;
  return { elements: all.slice(from, to), ...(to < all.length ? { next: String(to) } : {}) };
};

/** Makes an empty in-memory ledger. Without a clock no waiter expires. */
export const createInMemoryLedger = (clock: Pick<Clock, "now"> = { now: () => 0 }): InMemoryLedger => {
  const records = new Map<string, LedgerRecord>();
  let units = 0;
  const all = (): readonly LedgerRecord[] => [...records.values()];

  const commit = (transaction: Transaction): "committed" | "conflict" => {
    const names = transaction.map((write) => nameOf(keyOfWrite(write)));
    if (transaction.length === 0 || transaction.length > transactionMax || new Set(names).size < names.length) {
      throw new RangeError("A transaction has 1 to 100 writes on distinct records.");
    }
    units += transaction.length === 1 ? 1 : 2 * transaction.length;
    const stands = transaction.every((write, position) =>
      write.expect.every((expectation) => holds(expectation, records.get(names[position] as string))),
    );
    if (!stands) return "conflict";
    for (const [position, write] of transaction.entries()) {
      const name = names[position] as string;
      if (write.kind === "put") records.set(name, JSON.parse(JSON.stringify(write.record)));
      if (write.kind === "delete") records.delete(name);
    }
    return "committed";
  };

  return {
    records: all,
    writeUnits: () => units,
    lose: () => records.clear(),
    load: async (instanceId) => {
      const own = all().filter((record) => "instanceId" in record && record.instanceId === instanceId);
      return {
        instanceId,
        trunk: own.find((record) => record.kind === "trunk"),
        branches: own.filter((record) => record.kind === "branch"),
      };
    },
    get: async <Kind extends RecordKey["kind"]>(key: Extract<RecordKey, { kind: Kind }>) =>
      records.get(nameOf(key)) as Extract<LedgerRecord, { kind: Kind }> | undefined,
    commit: async (transaction) => commit(transaction),
    nodesOf: async (cluster, next) => {
      const nodes = all().filter((record) => record.kind === "cluster-node");
      return pageOf(
        nodes.filter((node) => node.cluster === cluster).map((node) => node.instanceId),
        next,
      );
    },
    waitersOf: async (subnetId, next) => {
      const waiters = all().filter((record) => record.kind === "subnet-waiter");
      return pageOf(
        waiters
          .filter((waiter) => waiter.subnetId === subnetId && waiter.expiresAt > clock.now())
          .map(({ instanceId, cluster }) => ({ instanceId, cluster })),
        next,
      );
    },
  };
};
