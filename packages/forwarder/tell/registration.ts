import type { Incarnation } from "@trunkline/core";
import { cooldownSecondsOf, nodeEvents } from "@trunkline/kubernetes";
import { involvedNode, type Recorder } from "../apply/recorder.ts";
import type { Cluster } from "../follow/cluster.ts";
import { tellableGroups } from "../follow/views.ts";
import type { ForwarderClock } from "../ports/clock.ts";
import type { Sender } from "./sender.ts";

export interface RegistrationOptions {
  readonly clock: ForwarderClock;
  readonly cluster: Pick<Cluster, "policies" | "pods" | "match" | "settings" | "nodes">;
  readonly sender: Pick<Sender, "send">;
  readonly recorder: Pick<Recorder, "record">;
  readonly incarnation: Incarnation;
  readonly forwarderVersion: string;
  readonly cooldownSeconds: number;
  readonly cooldownFloorSeconds: number;
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

/** Introduces the cluster to the functions, and again when its settings or the groups that its policies name change. */
export const createRegistration = (options: RegistrationOptions): Registration => {
  const { clock, cluster, sender, recorder, incarnation, forwarderVersion, cooldownFloorSeconds } = options;
  let cooldownSeconds = options.cooldownSeconds;
  let told: string | undefined;
  let cancel: (() => void) | undefined;

  const tell = (): void => {
    cancel = undefined;
    const before = cooldownSeconds;
    cooldownSeconds = cooldownSecondsOf(cluster.settings(), before, cooldownFloorSeconds);
    const groupSets = groupSetsOf(cluster);
    const content = JSON.stringify([cooldownSeconds, groupSets]);
    if (told === content) return;
    if (told !== undefined && cooldownSeconds !== before) {
      const text = nodeEvents.cooldownUpdated(cooldownSeconds);
      for (const node of cluster.nodes()) recorder.record(involvedNode(node.name), text);
    }
    told = content;
    sender.send({ type: "ClusterRegistered", incarnation, cooldownSeconds, forwarderVersion, groupSets });
  };

  return {
    look: () => {
      cancel ??= clock.after(lingerMilliseconds, tell);
    },
    stop: () => cancel?.(),
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
