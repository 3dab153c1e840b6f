import type { Change } from "../follow/reflector.ts";
import type { PodView } from "../follow/views.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Metrics } from "../ports/metrics.ts";

/** Measures how long bound pods wait for their annotation. */
export interface BoundTimes {
  pod(change: Change<PodView>): void;
}

export interface BoundTimesOptions {
  readonly clock: ForwarderClock;
  readonly metrics: Metrics;
  /** Whether the first copy is filled: nobody knows since when a pod of the first copy is bound. */
  readonly isReady: () => boolean;
  /** Each pod is to be counted by one replica only. */
  readonly isLeader: () => boolean;
}

/** Pods that wait; beyond that a pod is not measured. */
const waitingMax = 50_000;

/**
 * The time starts when this replica first sees the pod bound, by its own monotonic clock: the condition `PodScheduled` is in
 * whole seconds and by another machine's clock. It ends when the annotation comes back by the watch, which is when the CNI
 * plugin can see it. Every replica keeps the times, so that a pod that waits through a hand-over is measured from its start.
 */
export const createBoundTimes = ({ clock, metrics, isReady, isLeader }: BoundTimesOptions): BoundTimes => {
  const boundAt = new Map<string, number>();
  return {
    pod: ({ type, object: pod }) => {
      if (type === "gone" || pod.terminal || pod.enis === 0) {
        boundAt.delete(pod.uid);
        return;
      }
      const since = boundAt.get(pod.uid);
      if (pod.annotation !== undefined) {
        if (since === undefined) return;
        boundAt.delete(pod.uid);
        if (isLeader())
          metrics.observe("trunkline_pod_bound_to_annotated_seconds", {}, (clock.monotonic() - since) / 1_000);
      } else if (since === undefined && pod.nodeName !== "" && isReady() && boundAt.size < waitingMax) {
        boundAt.set(pod.uid, clock.monotonic());
      }
    },
  };
};
