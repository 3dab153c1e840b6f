import type { Outcome, PodUid } from "@trunkline/core";
import { nodeEvents, podEvents } from "@trunkline/kubernetes";
import type { Cluster } from "../follow/cluster.ts";
import type { Snapshots } from "../tell/snapshots.ts";
import { type AnnotatorOptions, type Applied, annotatePod } from "./annotate.ts";
import { involvedNode, involvedPod } from "./recorder.ts";
import type { Trunks } from "./trunks.ts";

export interface ApplierOptions extends AnnotatorOptions {
  readonly cluster: Pick<Cluster, "podByUid" | "instanceOf" | "nodesOf">;
  readonly trunks: Pick<Trunks, "tell">;
  readonly snapshots: Pick<Snapshots, "snapshot" | "answer">;
}

const done: Applied = { done: true };
const isDone = (wasDone: boolean, problem: string): Applied => (wasDone ? done : { done: false, problem });

/** Applies one outcome to the cluster (P11). Instance IDs and pod UIDs decide; names are only where to look. */
export const applyOutcome = async (outcome: Outcome, options: ApplierOptions): Promise<Applied> => {
  const { cluster, recorder, trunks, snapshots } = options;
  switch (outcome.type) {
    case "PodEniAssigned":
      return annotatePod(outcome, options);
    case "PodEniDelayed":
      if (waits(outcome.podUid, options)) recorder.record(involvedPod(named(outcome)), podEvents.delayed(outcome));
      return done;
    case "PodEniFailed":
      if (waits(outcome.podUid, options)) recorder.record(involvedPod(named(outcome)), podEvents.failed(outcome));
      return done;
    case "PodEniProblem":
      if (lives(outcome.podUid, options)) recorder.record(involvedPod(named(outcome)), podEvents.eniProblem(outcome));
      return done;
    case "NodeTrunkReady":
    case "NodeTrunkGone": {
      const problem = await trunks.tell(outcome.instanceId, outcome.type === "NodeTrunkGone" ? "gone" : outcome);
      return problem === undefined ? done : { done: false, problem };
    }
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

/** A problem of a pod's ENI is for a pod that still uses it. */
const lives = (podUid: PodUid, { cluster }: ApplierOptions): boolean => cluster.podByUid(podUid)?.terminal === false;

const named = (outcome: { namespace: string; name: string; podUid: PodUid }) => ({
  namespace: outcome.namespace,
  name: outcome.name,
  uid: outcome.podUid,
});
