import type { PodEni } from "./events.ts";
import { branded, type ClusterName, type PodUid } from "./ids.ts";
import type { EniProblem, PodEniProblem } from "./outcomes.ts";
import type { Envelope } from "./ports.ts";

/** The pod that lives with an ENI that is not what its annotation says, and where. */
export interface Concerned extends Pick<PodEniProblem, "namespace" | "name" | "instanceId"> {
  readonly podUid: string;
  readonly cluster: ClusterName;
  readonly eni: Pick<PodEni, "eniId" | "vlanId">;
}

/** Tells a pod what is wrong with its ENI. It keeps its annotation and gets no other ENI: only a new pod is connected anew. */
export const eniProblemOutcome = (pod: Concerned, problem: EniProblem): Envelope => ({
  to: "outcomes",
  cluster: pod.cluster,
  body: {
    type: "PodEniProblem",
    podUid: branded<PodUid>(pod.podUid),
    namespace: pod.namespace,
    name: pod.name,
    instanceId: pod.instanceId,
    eniId: pod.eni.eniId,
    problem,
    detail: texts[problem](pod.eni),
  },
});

const texts: Readonly<Record<EniProblem, (eni: Concerned["eni"]) => string>> = {
  "unknown-eni": ({ eniId, vlanId }) =>
    `The pod's annotation names ${eniId} under VLAN ID ${vlanId}, but EC2 shows no such branch of the node's trunk interface; recreate the pod to connect it anew`,
  "eni-taken": ({ eniId, vlanId }) =>
    `The pod's annotation names ${eniId} under VLAN ID ${vlanId}, but that interface or VLAN ID is another's or is being removed; recreate the pod to connect it anew`,
  "eni-deleted": ({ eniId }) =>
    `The pod's branch ENI ${eniId} does not exist in EC2 any more; recreate the pod to connect it anew`,
  "eni-not-associated": ({ eniId }) =>
    `The pod's branch ENI ${eniId} is not associated with the node's trunk interface any more; recreate the pod to connect it anew`,
};
