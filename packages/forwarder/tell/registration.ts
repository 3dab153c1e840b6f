import type { ClusterRegistered, Incarnation } from "@trunkline/core";
import { eligibilityOf, nodeEvents, readCooldown } from "@trunkline/kubernetes";
import { involvedNode, type Recorder } from "../apply/recorder.ts";
import type { Cluster } from "../follow/cluster.ts";
import { tellableGroups } from "../follow/views.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Sender } from "./sender.ts";

export interface RegistrationOptions {
  readonly clock: ForwarderClock;
  readonly cluster: Pick<Cluster, "policies" | "pods" | "match" | "settings" | "nodes">;
  readonly sender: Pick<Sender, "send">;
  readonly recorder: Pick<Recorder, "record">;
  readonly log: Log;
  readonly incarnation: Incarnation;
  readonly forwarderVersion: string;
  /** What counts until the cluster's settings name another. */
  readonly cooldownSeconds: number;
  readonly cooldownFloorSeconds: number;
  /** How often the functions are told although nothing has changed: they may have lost their table (P24). */
  readonly repeatSeconds: number;
}

export interface Registration {
  /** Tells the functions about the cluster in a moment, if something has changed. */
  look(): void;
  stop(): void;
}

/** Changes of policies and pods come in bursts. */
const lingerMilliseconds = 300;
/** A cluster with more sets keeps no idle branches for the sets beyond (P22). */
const groupSetsMax = 500;

/**
 * Introduces the cluster to the functions, again when its settings or the groups that its policies name change, and now and
 * then. The first introduction of a leader's term is no news to the nodes: the leader before has told them.
 */
export const createRegistration = (options: RegistrationOptions): Registration => {
  const { clock, cluster, sender, recorder, log, incarnation, forwarderVersion, cooldownFloorSeconds } = options;
  let cooldownSeconds = options.cooldownSeconds;
  let problem: string | undefined;
  let told: string | undefined;
  let cancel: (() => void) | undefined;
  let cancelRepeat = () => {};

  const readSettings = (): void => {
    const reading = readCooldown(cluster.settings(), cooldownFloorSeconds);
    cooldownSeconds = reading.seconds ?? cooldownSeconds;
    if (reading.problem !== undefined && reading.problem !== problem) {
      log("warn", "A setting in the ConfigMap kube-system/amazon-vpc-cni is not as it should be.", {
        problem: reading.problem,
        cooldownSeconds,
      });
    }
    problem = reading.problem;
  };

  const tellNodes = (): void => {
    const text = nodeEvents.cooldownUpdated(cooldownSeconds);
    for (const node of cluster.nodes()) {
      if (eligibilityOf(node.object).eligible) recorder.record(involvedNode(node.name), text);
    }
  };

  const tell = (): void => {
    cancel = undefined;
    const before = cooldownSeconds;
    readSettings();
    const groupSets = groupSetsOf(cluster);
    const content = JSON.stringify([cooldownSeconds, groupSets]);
    if (told === content) return;
    if (told !== undefined && cooldownSeconds !== before) tellNodes();
    told = content;
    send({ type: "ClusterRegistered", incarnation, cooldownSeconds, forwarderVersion, groupSets });
  };

  const send = (event: ClusterRegistered): void => {
    cancelRepeat();
    sender.send(event);
    cancelRepeat = clock.after(options.repeatSeconds * 1_000, () => send(event));
  };

  return {
    look: () => {
      cancel ??= clock.after(lingerMilliseconds, tell);
    },
    stop: () => {
      cancel?.();
      cancelRepeat();
    },
  };
};

/** Each policy's own set, and the unions that pods with several policies have now. Sorted, without duplicates. */
export const groupSetsOf = (cluster: Pick<Cluster, "policies" | "pods" | "match">): readonly (readonly string[])[] => {
  const sets = new Map<string, readonly string[]>();
  const add = (groupIds: readonly string[]): void => {
    const set = [...new Set(tellableGroups(groupIds))].sort();
    if (set.length > 0 && sets.size < groupSetsMax) sets.set(set.join(" "), set);
  };
  for (const { policy } of cluster.policies()) add(policy.groupIds);
  for (const pod of cluster.pods()) {
    if (pod.enis === 0 || pod.terminal) continue;
    const match = cluster.match(pod);
    if (match.ok && match.policies.length > 1) add(match.groupIds);
  }
  return [...sets.keys()].sort().map((key) => sets.get(key) ?? []);
};
