import {
  deadLettersRetentionSeconds,
  outcomeRetentionSeconds,
  receivesMax,
  visibilityTimeoutSeconds,
} from "@trunkline/runtime/limits";
import {
  type ClusterQueueKind,
  clusterQueueName,
  deadLettersName,
  type SharedQueueKind,
  sharedQueueName,
} from "@trunkline/runtime/names";
import type { StageSettings } from "./configuration.ts";

/** A cluster's own queues. Its forwarder is the only one that may send to the first two and receive from the third. */
export type ClusterQueues = Record<ClusterQueueKind, sst.aws.Queue> & { readonly cluster: string };

/** All queues of a deployment. */
export interface Queues {
  readonly clusters: readonly ClusterQueues[];
  readonly shared: Record<SharedQueueKind, sst.aws.Queue>;
}

/** Creates every queue with its dead letters: three per cluster, two for all. */
export function createQueues({ stage, clusters }: StageSettings): Queues {
  const ofCluster = (slug: string, kind: ClusterQueueKind) => createQueue(clusterQueueName(stage, slug, kind), kind);
  const shared = (kind: SharedQueueKind) => createQueue(sharedQueueName(stage, kind), kind);
  return {
    clusters: clusters.map(({ cluster, slug }) => ({
      cluster,
      "pod-events": ofCluster(slug, "pod-events"),
      "node-events": ofCluster(slug, "node-events"),
      outcomes: ofCluster(slug, "outcomes"),
    })),
    shared: { "branch-cooldown": shared("branch-cooldown"), "instance-events": shared("instance-events") },
  };
}

function createQueue(name: string, kind: ClusterQueueKind | SharedQueueKind): sst.aws.Queue {
  const deadLetters = new sst.aws.Queue(deadLettersName(name), {
    transform: {
      queue: {
        name: deadLettersName(name),
        messageRetentionSeconds: deadLettersRetentionSeconds,
        sqsManagedSseEnabled: true,
      },
    },
  });
  return new sst.aws.Queue(name, {
    visibilityTimeout: `${visibilityTimeoutSeconds[kind]} seconds`,
    dlq: { queue: deadLetters.arn, retry: receivesMax },
    transform: {
      queue: {
        name,
        sqsManagedSseEnabled: true,
        ...(kind === "outcomes" ? { messageRetentionSeconds: outcomeRetentionSeconds } : {}),
      },
    },
  });
}
