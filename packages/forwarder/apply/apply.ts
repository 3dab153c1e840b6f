import type { Outcome, PodEniDelayed, PodUid, WaitReason } from "@trunkline/core";
import { nodeEvents, podEvents } from "@trunkline/kubernetes";
import type { Cluster } from "../follow/cluster.ts";
import type { Snapshots } from "../tell/snapshots.ts";
import { type AnnotatorOptions, type Applied, annotatePod } from "./annotate.ts";
import { involvedNode, involvedPod } from "./recorder.ts";
import type { Trunks } from "./trunks.ts";

/** The reason for which each pod waits, as it was told; of the pods that were told last. */
export type DelaysTold = Map<PodUid, WaitReason>;

export interface ApplierOptions extends AnnotatorOptions {
  readonly delaysTold: DelaysTold;
  readonly cluster: Pick<Cluster, "podByUid" | "instanceOf" | "nodesOf">;
  readonly trunks: Pick<Trunks, "tell">;
  readonly snapshots: Pick<Snapshots, "snapshot" | "answer">;
}

const delaysToldMax = 10_000;
const done: Applied = { done: true };
const isDone = (wasDone: boolean, problem: string): Applied => (wasDone ? done : { done: false, problem });

/** Applies one outcome to the cluster (P11). Instance IDs and pod UIDs decide; names are only where to look. */
export const applyOutcome = async (outcome: Outcome, options: ApplierOptions): Promise<Applied> => {
  const { cluster, recorder, trunks, snapshots } = options;
  switch (outcome.type) {
    case "PodEniAssigned":
      return annotatePod(outcome, options);
    case "PodEniDelayed":
      if (waits(outcome.podUid, options) && isNews(outcome, options.delaysTold)) {
        recorder.record(involvedPod(named(outcome)), podEvents.delayed(outcome));
      }
      return done;
    case "PodEniFailed":
      if (waits(outcome.podUid, options)) recorder.record(involvedPod(named(outcome)), podEvents.failed(outcome));
      return done;
    case "PodEniProblem":
      if (lives(outcome.podUid, options)) recorder.record(involvedPod(named(outcome)), podEvents.eniProblem(outcome));
      return done;
    case "NodeTrunkReady":
      trunks.tell(outcome.instanceId, outcome);
      return done;
    case "NodeTrunkGone":
      trunks.tell(outcome.instanceId, "gone");
      return done;
    case "NodeTrunkProblem":
      for (const node of cluster.nodesOf(outcome.instanceId)) {
        recorder.record(involvedNode(node.name), nodeEvents.problem(outcome));
      }
      return done;
    case "SnapshotRequested":
      return isDone(await snapshots.snapshot(outcome.instanceId), "the snapshot could not be taken");
    case "PodsQuestioned":
      return isDone(await snapshots.answer(outcome.instanceId, outcome.podUids), "the pods could not be listed");
  }
};

/** News about waiting are for a pod that still waits. */
const waits = (podUid: PodUid, { cluster }: ApplierOptions): boolean => {
  const pod = cluster.podByUid(podUid);
  return pod !== undefined && !pod.terminal && pod.annotation === undefined;
};

/** Times and figures change with each message; one event is for each change of reason (P16). */
const isNews = ({ podUid, reason }: PodEniDelayed, told: DelaysTold): boolean => {
  if (told.get(podUid) === reason) return false;
  told.delete(podUid);
  const [oldest] = told.size >= delaysToldMax ? told.keys() : [];
  if (oldest !== undefined) told.delete(oldest);
  told.set(podUid, reason);
  return true;
};

/** A problem of a pod's ENI is for a pod that still uses it. */
const lives = (podUid: PodUid, { cluster }: ApplierOptions): boolean => cluster.podByUid(podUid)?.terminal === false;

const named = (outcome: { namespace: string; name: string; podUid: PodUid }) => ({
  namespace: outcome.namespace,
  name: outcome.name,
  uid: outcome.podUid,
});
