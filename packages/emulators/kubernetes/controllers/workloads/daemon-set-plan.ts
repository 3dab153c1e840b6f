import type { DaemonSet, KubernetesNode, Pod, PodTemplate, Toleration } from "../objects.ts";
import { nameOf } from "../objects.ts";
import { matchesNode, toleratesAll } from "../scheduling/placement.ts";
import { resolveShare } from "./deployment-plan.ts";
import { availableInMs, isFinished, isReady } from "./pods.ts";
import { CONTROLLER_REVISION_HASH, templateHash } from "./template-hash.ts";

/** What a DaemonSet does next, and its counts. */
export interface DaemonStep {
  /** Nodes that lack their pod. */
  create: string[];
  remove: Pod[];
  status: Record<string, number>;
}

/** What the DaemonSet controller adds to its pods, so that no condition of the node drives them away. */
const DAEMON_TOLERATIONS: Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];

/** The template of the pod for one node: bound by the scheduler, but to that node only. */
export function daemonTemplate(template: PodTemplate, nodeName: string): PodTemplate {
  const matchFields = [{ key: "metadata.name", operator: "In", values: [nodeName] }];
  const terms = template.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const nodeSelectorTerms = (terms ?? [{}]).map((term) => ({ ...term, matchFields }));
  return {
    ...template,
    spec: {
      ...template.spec,
      affinity: {
        ...template.spec.affinity,
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
      },
      tolerations: [...(template.spec.tolerations ?? []), ...DAEMON_TOLERATIONS],
    },
  };
}

/** The node that a DaemonSet's pod is for, bound or not. */
function nodeOf(pod: Pod): string | undefined {
  if (pod.spec.nodeName !== undefined) return pod.spec.nodeName;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];
}

function shouldRun(template: PodTemplate, node: KubernetesNode): boolean {
  if (node.metadata.deletionTimestamp !== undefined || !matchesNode(template.spec, node)) return false;
  const tolerations = [...(template.spec.tolerations ?? []), ...DAEMON_TOLERATIONS];
  return toleratesAll(tolerations, node.spec?.taints ?? [], ["NoSchedule", "NoExecute"]);
}

/** Which old pods a rolling update takes now: all that are not available anyway, and as many others as it may. */
function outdatedToRemove(daemonSet: DaemonSet, running: Pod[], desired: number, nowMs: number): Pod[] {
  if (daemonSet.spec.updateStrategy?.type === "OnDelete") return [];
  const hash = templateHash(daemonSet.spec.template);
  const maxUnavailable = daemonSet.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  const isAvailable = (pod: Pod) =>
    pod.metadata.deletionTimestamp === undefined &&
    availableInMs(pod, daemonSet.spec.minReadySeconds ?? 0, nowMs) === 0;
  const outdated = running.filter(
    ({ metadata }) => metadata.labels?.[CONTROLLER_REVISION_HASH] !== hash && metadata.deletionTimestamp === undefined,
  );
  const unavailable = desired - running.filter(isAvailable).length;
  const budget = Math.max(0, Math.max(1, resolveShare(maxUnavailable, desired, Math.ceil)) - unavailable);
  const broken = outdated.filter((pod) => !isAvailable(pod));
  return [...broken, ...outdated.filter(isAvailable).slice(0, budget)];
}

/** Decides which pods a DaemonSet makes and deletes. Pure. */
export function planDaemons(daemonSet: DaemonSet, nodes: KubernetesNode[], pods: Pod[], nowMs: number): DaemonStep {
  const { template, minReadySeconds = 0 } = daemonSet.spec;
  const wanted = new Set(nodes.filter((node) => shouldRun(template, node)).map(nameOf));
  const first = new Map<string, Pod>();
  const superfluous: Pod[] = [];
  for (const pod of pods) {
    const node = nodeOf(pod) ?? "";
    if (!wanted.has(node) || first.has(node) || isFinished(pod)) superfluous.push(pod);
    else first.set(node, pod);
  }
  const running = [...first.values()];
  const removable = superfluous.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const hash = templateHash(template);
  const available = running.filter((pod) => availableInMs(pod, minReadySeconds, nowMs) === 0).length;
  return {
    create: [...wanted].filter((node) => !first.has(node)),
    remove: [...removable, ...outdatedToRemove(daemonSet, running, wanted.size, nowMs)],
    status: {
      currentNumberScheduled: running.length,
      numberMisscheduled: superfluous.filter((pod) => !isFinished(pod) && !wanted.has(nodeOf(pod) ?? "")).length,
      desiredNumberScheduled: wanted.size,
      numberReady: running.filter(isReady).length,
      observedGeneration: daemonSet.metadata.generation ?? 1,
      updatedNumberScheduled: running.filter(({ metadata }) => metadata.labels?.[CONTROLLER_REVISION_HASH] === hash)
        .length,
      numberAvailable: available,
      numberUnavailable: wanted.size - available,
    },
  };
}
