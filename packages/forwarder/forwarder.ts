import type { Incarnation } from "@trunkline/core";
import { type PodLabels, type PolicyMatch, problemsOf, type StringMap } from "@trunkline/kubernetes";
import { type ClusterChanges, createCluster } from "./follow/cluster.ts";
import { readIncarnation } from "./follow/incarnation.ts";
import { type PolicyView, viewServiceAccount } from "./follow/views.ts";
import { createBoundTimes } from "./lead/bound-times.ts";
import { createElection, type Election, type ElectionSettings } from "./lead/election.ts";
import { createEnds } from "./lead/ends.ts";
import { createLastSeen } from "./lead/last-seen.ts";
import { createLeader, type Leader, type LeaderSettings } from "./lead/leader.ts";
import { isSuccess, type KubernetesApi, refusalOf } from "./ports/api.ts";
import { createPauses, type ForwarderClock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import { type Metrics, noMetrics } from "./ports/metrics.ts";
import type { Queues } from "./ports/queues.ts";
import type { Unsent } from "./tell/sender.ts";

export interface ForwarderOptions {
  readonly api: KubernetesApi;
  readonly queues: Queues;
  readonly clock: ForwarderClock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** Default: nothing is measured. */
  readonly metrics?: Metrics;
  readonly settings: LeaderSettings & {
    /** Absent for a forwarder that is alone: it leads as soon as it knows the cluster. */
    readonly election?: ElectionSettings;
  };
}

/** One replica without its servers: everything that it does goes through the ports, so that a simulation can run it. */
export interface Forwarder {
  /** Resolves when the copies are filled; rejects when it is stopped before. */
  start(): Promise<void>;
  /** Whether the copies are filled, so that admission can be answered. */
  isReady(): boolean;
  isLeader(): boolean;
  match(pod: PodLabels, serviceAccountLabels?: StringMap): PolicyMatch;
  lookUpServiceAccount(namespace: string, name: string): Promise<StringMap | undefined>;
  /** Tells the metrics what is only counted when somebody asks. */
  measure(): void;
  /** Gives up leading, in order: sends and applies what is under way, within the time. Goes on following the cluster. */
  resign(milliseconds: number): Promise<void>;
  /** Resigns, within a few seconds, and follows the cluster no more. */
  stop(): Promise<void>;
}

const pollMilliseconds = 10;
/** Longer than a receive waits. */
const stopMilliseconds = 4_000;

/** Composes a replica: it follows the cluster always, and acts while it leads. */
export const createForwarder = (options: ForwarderOptions): Forwarder => {
  const { api, clock, random, log, metrics = noMetrics, settings } = options;
  const pauses = createPauses(clock);
  let isReady = false;
  let leader: Leader | undefined;
  let election: Election | undefined;
  let isResigning = false;
  let unsent: Unsent = [];
  const boundTimes = createBoundTimes({
    clock,
    metrics,
    isReady: () => isReady,
    isLeader: () => leader !== undefined,
  });
  const ends = createEnds({ clock, cluster: () => cluster });
  const lastSeen = createLastSeen();

  const changes: ClusterChanges = {
    pod: (change) => {
      boundTimes.pod(change);
      leader?.changes.pod(change);
      ends.pod(change);
    },
    node: (change) => {
      leader?.changes.node(change);
      ends.node(change);
    },
    cniNode: (change) => {
      lastSeen.cniNode(change);
      leader?.changes.cniNode(change);
    },
    policy: (change) => {
      if (change.type === "seen") reportPolicy(change.object, log);
      leader?.changes.policy(change);
    },
    serviceAccount: (change) => leader?.changes.serviceAccount(change),
    eniConfig: (change) => leader?.changes.eniConfig(change),
    settings: (change) => leader?.changes.settings(change),
  };
  const cluster = createCluster({ api, clock, random, log, metrics, changes });

  const tellTerm = (change: "elected" | "lost" | "resigned"): void => {
    metrics.count("trunkline_terms_total", { change });
    tellRole();
  };

  const tellRole = (): void => {
    const name = settings.election?.lease.name ?? "none";
    metrics.set("leader_election_master_status", { name }, leader === undefined ? 0 : 1);
  };

  const lead = (incarnation: Incarnation): void => {
    if (isResigning) return;
    leader = createLeader({ ...options, cluster, ends, lastSeen, incarnation, unsentBefore: unsent });
    leader.start();
    tellTerm("elected");
  };

  const loseLead = (): void => {
    if (leader === undefined) return;
    unsent = leader.abandon();
    leader = undefined;
    tellTerm("lost");
  };

  /** The lease is given back last, so that nobody else begins while this replica still finishes. */
  const resign = async (milliseconds: number): Promise<void> => {
    isResigning = true;
    const resigning = leader;
    const left = (await resigning?.finish(milliseconds)) ?? 0;
    if (leader !== undefined) {
      leader = undefined;
      tellTerm("resigned");
    }
    if (left > 0) log("warn", "Events were not sent in time; the next leader tells them again.", { left });
    await election?.release();
  };

  return {
    start: async () => {
      tellRole();
      cluster.start();
      const incarnation = await readIncarnation({ api, random, log, pauses });
      while (!cluster.isSynced() && !pauses.ended) await pauses.pause(pollMilliseconds);
      if (incarnation === undefined || pauses.ended) throw new Error("stopped before the cluster was known");
      isReady = true;
      log("info", "The forwarder follows the cluster.", { cluster: settings.clusterName, incarnation });
      if (isResigning) return;
      if (settings.election === undefined) {
        lead(incarnation);
        return;
      }
      election = createElection({
        ...options,
        settings: settings.election,
        onElected: () => lead(incarnation),
        onLost: loseLead,
      });
      election.start();
    },
    isReady: () => isReady,
    isLeader: () => leader !== undefined,
    match: cluster.match,
    lookUpServiceAccount: async (namespace, name) => {
      const answer = await api.request({
        method: "GET",
        path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`,
      });
      if (answer.status === 404) return undefined;
      if (!isSuccess(answer)) throw new Error(refusalOf(answer));
      return viewServiceAccount(answer.body).labels;
    },
    measure: () => {
      for (const [collection, objects] of cluster.sizes()) metrics.set("trunkline_objects", { collection }, objects);
    },
    resign,
    stop: async () => {
      pauses.end();
      await resign(stopMilliseconds);
      cluster.stop();
    },
  };
};

const reportPolicy = ({ namespace, name, policy }: PolicyView, log: Log): void => {
  const problems = problemsOf(policy);
  if (problems.length > 0) log("warn", "A security group policy has a problem.", { namespace, name, problems });
};
