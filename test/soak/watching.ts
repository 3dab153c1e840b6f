import type { KubernetesObject } from "@trunkline/emulator-kubernetes";
import { instanceOf, namespaces, type SoakCluster, type SoakObject } from "./cluster.ts";
import { seenPod } from "./collect.ts";
import { seconds } from "./settings.ts";
import { createWitness, type Witness } from "./witness.ts";

/**
 * For so long after a change a forwarder may know the policies of before: a back-off of 15 s, an outage of 4 s, some refused
 * lists, and a machine that is busy. Milliseconds.
 */
const policyLagMilliseconds = 40_000;
/** The shortest cool-down of a soak, without the second that is added to it for skew. Milliseconds. */
const cooldownMilliseconds = seconds.cooldowns[0] * 1_000;

/** Lets a witness see what happens in a world, from the emulators' own history: nobody asks Trunkline. */
export function watchWorld({ world, administrator }: SoakCluster): { readonly witness: Witness; stop(): void } {
  const witness = createWitness({
    now: Date.now,
    nodeGroups: [world.facts.clusterGroupId],
    policyLagMilliseconds,
    cooldownMilliseconds,
  });
  const ours = new Set<string>(namespaces);
  const isOurs = ({ metadata }: KubernetesObject) => ours.has(metadata.namespace ?? "");
  const ec2 = world.ec2.model();
  const stops = [
    ec2.onPerformed(witness.call),
    ec2.onInstanceStateChange(({ detail }) => {
      if (detail.state === "shutting-down" || detail.state === "terminated")
        witness.instanceEnds(detail["instance-id"]);
    }),
    administrator.watch({ group: "", resource: "nodes" }, ({ object }) => {
      witness.node(object.metadata.name ?? "", instanceOf(object as SoakObject));
    }),
    administrator.watch({ group: "vpcresources.k8s.aws", resource: "securitygrouppolicies" }, ({ type, object }) => {
      const { metadata, spec } = object as SoakObject;
      const change = { namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
      const labels = spec?.podSelector?.matchLabels ?? {};
      const groupIds = spec?.securityGroups?.groupIds ?? [];
      witness.policy(change, type === "DELETED" ? undefined : { labels, groupIds });
    }),
    administrator.watch({ group: "", resource: "pods" }, ({ type, object }) => {
      if (!isOurs(object)) return;
      if (type === "DELETED") witness.podGone(object.metadata.uid ?? "");
      else witness.pod(seenPod(object));
    }),
  ];
  return {
    witness,
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}
