import type { Controller, ControlPlane } from "../control-plane.ts";
import { nodeIndex } from "../control-plane.ts";
import { canonicalJson, type Pod } from "../objects.ts";
import { cniAgentOf } from "./cni-settings.ts";
import type { Connectivity } from "./connectivity.ts";
import { advancePod, type LifecycleHost, stopSandbox } from "./pod-lifecycle.ts";
import { createPodRuntime, type PodRuntime } from "./pod-runtime.ts";

/** The pods of a node that are worked on at a time. */
const PODS_AT_ONCE = 16;

/** The node that a kubelet serves. */
export interface KubeletOptions {
  plane: ControlPlane;
  connectivity: Connectivity;
  /** The runtimes of all nodes by `namespace/name`, for their logs. */
  runtimes: Map<string, PodRuntime>;
  nodeName: string;
  nodeAddress: string;
  instanceId: string;
  /** Whether the CNI plugin on the node has seen the trunk ENI. */
  knowsTrunk(): boolean;
}

/** The kubelet of one node. Whoever watches the pods tells it which to look at. */
export interface Kubelet extends Controller {
  changed(pod: Pod): void;
}

/**
 * Whether a change of the pod is one that its worker looks at at once; a change of its status is none.
 * `podsDifferSemantically` in https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/config/config.go.
 */
function differs(before: Pod, after: Pod): boolean {
  const view = ({ spec, metadata: { labels = {}, annotations = {} } }: Pod) => ({ spec, labels, annotations });
  return before !== after && canonicalJson(view(before)) !== canonicalJson(view(after));
}

/** Starts the kubelet of a node, with the pods that are bound to it already. */
export function startKubelet(options: KubeletOptions): Kubelet {
  const { plane, nodeName, runtimes } = options;
  const own = new Map<string, PodRuntime>();
  const queue = plane.queue(PODS_AT_ONCE, sync);
  let pluginSeen = false;
  const host: LifecycleHost = {
    ...options,
    hasPlugin: () => pluginSeen,
    api: plane.api.as(`system:node:${nodeName}`),
    changed: (uid) => queue.add(uid),
    changedAfter: (uid, delayMs) => queue.addAfter(uid, delayMs),
  };

  function runtimeOf(pod: Pod): PodRuntime {
    const uid = pod.metadata.uid ?? "";
    const known = own.get(uid);
    if (known !== undefined) {
      if (differs(known.pod, pod)) known.sandboxDueMs = plane.clock.now();
      known.pod = pod;
      return known;
    }
    const made = createPodRuntime(pod, host);
    own.set(uid, made);
    runtimes.set(made.key, made);
    return made;
  }

  function discard(runtime: PodRuntime): void {
    for (const container of runtime.containers) container.end(137);
    stopSandbox(runtime, host);
    own.delete(runtime.uid);
    if (runtimes.get(runtime.key) === runtime) runtimes.delete(runtime.key);
  }

  async function sync(uid: string): Promise<void> {
    const pod = plane.caches.pods.byUid(uid);
    const known = own.get(uid);
    if (pod === undefined) {
      if (known !== undefined) discard(known);
      return;
    }
    await advancePod(runtimeOf(pod), host);
  }

  function changed(pod: Pod): void {
    pluginSeen ||= cniAgentOf([pod]) !== undefined;
    queue.add(pod.metadata.uid ?? "");
  }

  for (const pod of plane.caches.pods.indexed(nodeIndex(nodeName))) changed(pod);

  return {
    changed,
    async stop() {
      await queue.stop();
      for (const runtime of [...own.values()]) discard(runtime);
    },
  };
}
