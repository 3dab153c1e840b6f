import { podEvents, policyEvents } from "@trunkline/kubernetes";
import { involvedPod, involvedPolicy, type Recorder } from "../apply/recorder.ts";
import type { Cluster } from "../follow/cluster.ts";
import type { PodView, PolicyView } from "../follow/views.ts";
import type { Log } from "../ports/log.ts";

export interface MissedOptions {
  readonly cluster: Pick<Cluster, "match">;
  readonly recorder: Pick<Recorder, "record">;
  readonly log: Log;
  /** Namespaces whose pods the webhooks never see, beside the forwarder's own. */
  readonly excludedNamespaces: readonly string[];
}

/** Tells what admission did not do: pods that it missed, and policies in namespaces that it does not look at. */
export interface Missed {
  /** Looks at a pod that neither asks for branch ENIs nor holds any. */
  pod(pod: PodView): void;
  forgetPod(podUid: string): void;
  policy(policy: PolicyView): void;
  forgetPolicy(policyUid: string): void;
}

/** The forwarder must be able to start without itself, so its webhooks always leave this namespace out. */
const forwarderNamespace = "kube-system";

/** Each pod and each policy is told once. */
export const createMissed = ({ cluster, recorder, log, excludedNamespaces }: MissedOptions): Missed => {
  const pods = new Set<string>();
  const policies = new Set<string>();
  const excluded = new Set([forwarderNamespace, ...excludedNamespaces]);

  return {
    // A pod that a policy older than itself matches, and that runs without a request: admission was down. In an excluded
    // namespace it is as it should be, and to recreate the pod would change nothing: there the policy is told.
    pod: (pod) => {
      if (!pod.admissible || !pod.running || pod.terminating || pods.has(pod.uid)) return;
      if (excluded.has(pod.namespace)) return;
      const match = cluster.match(pod);
      if (!match.ok || match.groupIds.length === 0) return;
      if (match.policies.some((policy) => policy.createdAt >= pod.createdAt)) return;
      pods.add(pod.uid);
      recorder.record(involvedPod(pod), podEvents.missed(match.groupIds));
    },
    forgetPod: (podUid) => void pods.delete(podUid),
    policy: (policy) => {
      const { uid, namespace, name } = policy;
      if (!excluded.has(namespace) || policies.has(uid)) return;
      policies.add(uid);
      log("warn", "A security group policy has no effect: its namespace is excluded from admission.", {
        namespace,
        name,
      });
      recorder.record(involvedPolicy(policy), policyEvents.ignored(namespace));
    },
    forgetPolicy: (policyUid) => void policies.delete(policyUid),
  };
};
