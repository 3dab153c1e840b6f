import {
  type Arrival,
  branded,
  type Context,
  type Decision,
  decide,
  type LedgerRecord,
  type NodeSnapshot,
  type Partition,
  type PodGone,
  type PodObserved,
  type ResourceVersion,
  type TokenGrant,
} from "../index.ts";
import { modelContext, modelTrunk } from "./model-node.ts";
import { start } from "./records.ts";

const { incarnation, nodeName, nodeUid } = modelTrunk();

/** The test's node. */
export const { instanceId } = modelTrunk();

/** What every message of the test's node says. */
export const from = { incarnation, instanceId, nodeName, nodeUid };

export const version = (number: number): ResourceVersion => branded(String(number));

/** A pod that is bound to the node, as an arrival. */
export const observed = (podUid: string, pod: Partial<PodObserved["pod"]> = {}, chain?: number): Arrival => ({
  sentAt: start,
  receiveCount: 1,
  event: {
    ...from,
    type: "PodObserved",
    chain,
    pod: {
      podUid: branded(podUid),
      namespace: "default",
      name: "pod",
      resourceVersion: version(200),
      enis: 1,
      securityGroups: ["sg-a"],
      ...pod,
    },
  },
});

/** The end of a pod, as an arrival. */
export const ended = (podUid: string, changes: Partial<PodGone> = {}): Arrival => ({
  sentAt: start,
  receiveCount: 1,
  event: {
    ...from,
    type: "PodGone",
    podUid: branded(podUid),
    resourceVersion: version(300),
    how: "deleted",
    ...changes,
  },
});

/** A look at a pod's first branch, as an arrival. */
export const looked = (owner: string): Arrival => ({
  sentAt: start,
  receiveCount: 1,
  event: { type: "BranchLook", instanceId, owner, index: 0 },
});

export const nodeLook: Arrival = { sentAt: start, receiveCount: 1, event: { type: "NodeLook", instanceId } };

/** All pods of the node, as an arrival. */
export const snapshotOf = (pods: NodeSnapshot["pods"]): Arrival => ({
  sentAt: start,
  receiveCount: 1,
  event: { ...from, type: "NodeSnapshot", listVersion: version(1_000), pods },
});

/** Decides as a worker does to whom the pacer grants so many units of each request. */
export const decided = (
  partition: Partition,
  arrivals: readonly Arrival[],
  changes: Partial<Context> = {},
  units = 99,
): Decision => {
  const grants = new Map<string, TokenGrant>();
  const context = modelContext(start, { grants, ...changes });
  const proposal = decide(partition, arrivals, context);
  for (const { key, request } of proposal.asks) {
    const granted = Math.min(units, request.units);
    grants.set(key, { granted, startsAt: start, expiresAt: start + 2_000, wakeAt: start + 5_000, tag: 7 });
  }
  return decide(partition, arrivals, context);
};

/** The records that a decision writes. */
export const recordsOf = ({ steps }: Decision): readonly LedgerRecord[] =>
  steps.flatMap(({ writes }) => writes.flatMap((write) => (write.kind === "put" ? [write.record] : [])));

/** The messages that a decision sends. */
export const envelopesOf = ({ steps }: Decision) => steps.flatMap(({ envelopes }) => envelopes);
