import {
  type Arrival,
  advance,
  type BranchCall,
  type BranchRecord,
  type BranchWork,
  branded,
  type CallResult,
  type ClusterLimits,
  type ClusterRecord,
  type Context,
  decide,
  keyOf,
  type LedgerRecord,
  mendedTrunk,
  nextCall,
  noVlans,
  type Partition,
  type Settings,
  type SubnetId,
  type SubnetProbeRecord,
  type TokenGrant,
  type Transaction,
  type TrunkRecord,
  withWrites,
} from "../index.ts";
import { holds } from "./conditions.ts";
import { testSettings } from "./settings.ts";

export const modelSettings: Settings = testSettings();

/** The trunk of a node that is ready. */
export const modelTrunk = (changes: Partial<TrunkRecord> = {}): TrunkRecord => ({
  kind: "trunk",
  instanceId: branded("i-0123456789abcdef0"),
  version: 1,
  cluster: branded("blue"),
  incarnation: branded("incarnation-1"),
  status: "ready",
  nodeName: "node-1",
  nodeUid: branded("node-uid-1"),
  wanted: true,
  instanceType: "m5.large",
  vpcId: "vpc-1",
  subnetId: branded("subnet-1"),
  subnetCidr: "10.0.0.0/16",
  subnetV6Cidr: "",
  securityGroups: [branded("sg-node")],
  trunkEniId: branded("eni-trunk"),
  generation: 0,
  branchesMax: 3,
  vlans: noVlans,
  held: 0,
  createdAt: 0,
  ...changes,
});

/** A context at a time, with everything else at rest. */
export const modelContext = (now: number, changes: Partial<Context> = {}): Context => ({
  now,
  settings: modelSettings,
  cluster: branded("blue"),
  registration: undefined,
  limits: { cluster: branded("blue") } satisfies ClusterLimits,
  grants: new Map<string, TokenGrant>(),
  probes: new Map<SubnetId, SubnetProbeRecord>(),
  ...changes,
});

const recordAt = (partition: Partition, key: ReturnType<typeof keyOf>): LedgerRecord | undefined =>
  [...(partition.trunk === undefined ? [] : [partition.trunk]), ...partition.branches].find(
    (record) => JSON.stringify(keyOf(record)) === JSON.stringify(key),
  );

/** The conditions of a transaction on one partition; records of other partitions count as met. */
export const stands = (partition: Partition, transaction: Transaction): boolean =>
  transaction.every((write) => {
    const key = write.kind === "put" ? keyOf(write.record) : write.key;
    if (key.kind !== "trunk" && key.kind !== "branch") return true;
    return write.expect.every((expectation) => holds(expectation, recordAt(partition, key)));
  });

/** A node whose decisions are really committed, and whose workers get the answers that a test gives them. */
export interface ModelNode {
  partition: Partition;
  now: number;
  registration: ClusterRecord | undefined;
  /** Branches that a worker is at. */
  readonly work: BranchWork[];
  /** Sees each commit. */
  onCommit: (before: Partition, after: Partition) => void;
}

const commit = (node: ModelNode, transaction: Transaction): boolean => {
  if (!stands(node.partition, transaction)) return false;
  const before = node.partition;
  node.partition = withWrites(node.partition, transaction);
  node.onCommit(before, node.partition);
  return true;
};

/** Decides on what a worker saw, perhaps some time ago, and commits as far as conditions hold. */
export const deliver = (node: ModelNode, seen: Partition, arrivals: readonly Arrival[], units: number): void => {
  const view = { ...seen, trunk: mendedTrunk(seen) };
  const grants = new Map<string, TokenGrant>();
  const { now, registration } = node;
  for (let asks = 0; asks < 4; asks += 1) {
    const decision = decide(view, arrivals, modelContext(now, { grants, registration }));
    if (decision.asks.length > 0) {
      for (const { key, request } of decision.asks) {
        const granted = Math.min(units, request.units);
        grants.set(key, { granted, startsAt: now, expiresAt: now + 2_000, wakeAt: now + 1_000, tag: 1 });
      }
      continue;
    }
    for (const step of decision.steps) {
      if (!commit(node, step.writes)) return;
      node.work.push(...step.work.filter((work) => work.kind === "branch"));
    }
    return;
  }
  throw new Error("A decision asked for tokens again and again.");
};

/** The next call of a branch that a worker is at. */
export const callOf = (node: ModelNode, work: BranchWork): BranchCall | undefined =>
  nextCall(
    node.partition.branches.find(({ owner, index }) => owner === work.owner && index === work.index),
    node.now,
  );

/** Gives a worker the answer to its call, on what it saw when it began. */
export const answer = (
  node: ModelNode,
  { seen, call, result, fresh }: { seen: Partition; call: BranchCall; result: CallResult; fresh: boolean },
): void => {
  const context = { ...modelContext(node.now, { registration: node.registration }), fresh, attempts: 3 };
  const step = advance(seen, call, result, context);
  if (step.kind === "commit") commit(node, step.writes);
  if (step.kind === "proceed") {
    const next = nextCall(step.record, node.now);
    if (next !== undefined) answer(node, { seen, call: next, result: { ok: true }, fresh });
  }
};

/** The branch records that are on the trunk or about to be. */
export const placed = (partition: Partition): readonly Exclude<BranchRecord, { status: "waiting" | "gone" }>[] =>
  partition.branches.filter(
    (branch): branch is Exclude<BranchRecord, { status: "waiting" | "gone" }> =>
      branch.status !== "waiting" && branch.status !== "gone",
  );
