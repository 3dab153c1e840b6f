import { isStatusError } from "../../ports.ts";
import { type Controller, type ControlPlane, nodeIndex } from "../control-plane.ts";
import { type CniNode, nameOf, type Pod } from "../objects.ts";
import { cniStateOf } from "./cni.ts";

const FEATURE = "SecurityGroupsForPods";
/** The pause between tries while the CNINode is missing. */
const RETRY_MS = 500;

/**
 * What an aws-node pod with `ENABLE_POD_ENI=true` does once when it starts: it adds its feature to the CNINode of its
 * node. It waits for a CNINode that is not there yet, and never looks again afterwards (`pkg/ipamd/ipamd.go` of
 * aws/amazon-vpc-cni-k8s).
 */
export function startFeatureAgent(plane: ControlPlane): Controller {
  const { caches } = plane;
  const api = plane.api.as("system:serviceaccount:kube-system:aws-node");
  /** UIDs of the aws-node pods that have done it. */
  const done = new Map<string, string>();
  const queue = plane.queue(8, reconcile);

  function isAgent(pod: Pod): boolean {
    return pod.metadata.namespace === "kube-system" && pod.metadata.labels?.["k8s-app"] === "aws-node";
  }

  caches.pods.onChange(({ object }) => {
    if (isAgent(object) && object.spec.nodeName !== undefined) queue.add(object.spec.nodeName);
  });
  caches.nodes.onChange(({ type, object }) => {
    if (type === "DELETED") done.delete(nameOf(object));
  });

  async function reconcile(nodeName: string): Promise<void> {
    const pods = caches.pods.indexed(nodeIndex(nodeName));
    const agent = pods.find((pod) => isAgent(pod) && pod.status?.phase === "Running");
    const { uid = "" } = agent?.metadata ?? {};
    if (agent === undefined || cniStateOf([agent])?.podEniEnabled !== true || done.get(nodeName) === uid) return;
    const ref = { group: "vpcresources.k8s.aws", resource: "cninodes", name: nodeName };
    try {
      const { spec } = (await api.get(ref)) as CniNode;
      const features = spec?.features ?? [];
      if (!features.some(({ name }) => name === FEATURE)) {
        await api.patch(ref, { type: "merge", body: { spec: { features: [...features, { name: FEATURE }] } } });
      }
      done.set(nodeName, uid);
    } catch (error) {
      if (!isStatusError(error)) throw error;
      queue.addAfter(nodeName, RETRY_MS);
    }
  }

  return { stop: () => queue.stop() };
}
