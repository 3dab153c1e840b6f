import type { Arrival, ClusterName, Envelope } from "@trunkline/core";
import type { Dependencies } from "./dependencies.ts";

/** A node that many workers change at the same time is left alone for so long, seconds. */
const deferSeconds = 2;

/** Sends arrivals again that met other workers too often, or asks for them: a failed condition is never an answer. */
export const defer = async (
  dependencies: Dependencies,
  cluster: ClusterName | undefined,
  arrivals: readonly Arrival[],
): Promise<void> => {
  const envelopes = arrivals.flatMap(({ event }) => copyOf(event, cluster));
  dependencies.telemetry.count("Deferred", envelopes.length, { reason: "conflict" });
  if (envelopes.length > 0) await dependencies.outbox.send(envelopes);
};

const copyOf = (event: Arrival["event"], cluster: ClusterName | undefined): readonly Envelope[] => {
  const delaySeconds = deferSeconds;
  if (event.type === "BranchLook") return [{ to: "branch-cooldown", body: event, delaySeconds }];
  // The reaper ends an instance that EC2's word about was lost.
  if (cluster === undefined || event.type === "InstanceStateChanged") return [];
  // Its age is told by when it was sent (P10): a copy would make an old list look new.
  if (event.type === "NodeSnapshot") {
    return [{ to: "outcomes", cluster, body: { type: "SnapshotRequested", instanceId: event.instanceId } }];
  }
  return event.type === "PodObserved" || event.type === "PodGone"
    ? [{ to: "pod-events", cluster, body: event, delaySeconds }]
    : [{ to: "node-events", cluster, body: event, delaySeconds }];
};
