import type { Random } from "../../ports.ts";
import type { KubernetesNode, Pod } from "../objects.ts";
import { controllerOf, nameOf } from "../objects.ts";
import { matchesNode, untolerated } from "./placement.ts";
import { type Amounts, allocatable, podAmounts } from "./usage.ts";

/** A node and what is there already. */
export interface Candidate {
  node: KubernetesNode;
  used: Amounts;
  /** How many pods of each owner (by UID) are there. */
  siblings: Map<string, number>;
}

/** The node for a pod, or the text that `kubectl describe pod` shows. */
export type Choice = { node: string } | { message: string };

/** Why a node is out. `fixable` reasons go when pods leave, so preemption is at least thinkable. */
interface Refusal {
  reasons: string[];
  fixable: boolean;
}

function insufficient(pod: Pod, { node, used }: Candidate): string[] {
  const total = allocatable(node);
  const lacking = [...podAmounts(pod.spec)].filter(
    ([name, amount]) => amount > 0 && amount + (used.get(name) ?? 0) > (total.get(name) ?? 0) + Number.EPSILON,
  );
  return lacking.map(([name]) => (name === "pods" ? "Too many pods" : `Insufficient ${name}`));
}

function refusal(pod: Pod, candidate: Candidate): Refusal | undefined {
  const { node } = candidate;
  const tolerations = pod.spec.tolerations ?? [];
  const unschedulable = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
  if (node.spec?.unschedulable === true && untolerated(tolerations, [unschedulable], ["NoSchedule"]) !== undefined) {
    return { reasons: ["node(s) were unschedulable"], fixable: false };
  }
  const taint = untolerated(tolerations, node.spec?.taints ?? [], ["NoSchedule", "NoExecute"]);
  if (taint !== undefined) {
    return { reasons: [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`], fixable: false };
  }
  if (!matchesNode(pod.spec, node)) {
    return { reasons: ["node(s) didn't match Pod's node affinity/selector"], fixable: false };
  }
  const reasons = insufficient(pod, candidate);
  return reasons.length === 0 ? undefined : { reasons, fixable: true };
}

/** `2 Insufficient cpu, 1 Too many pods`, sorted as the real scheduler sorts it. */
function histogram(reasons: string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}

/** The words of kube-scheduler's FitError, with the part that its preemption plugin adds. */
function failureMessage(refusals: Refusal[]): string {
  const total = refusals.length;
  if (total === 0) return "no nodes available to schedule pods";
  const preemption = histogram(
    refusals.map(({ fixable }) =>
      fixable ? "No preemption victims found for incoming pod" : "Preemption is not helpful for scheduling",
    ),
  );
  const available = `0/${total} nodes are available`;
  return `${available}: ${histogram(refusals.flatMap(({ reasons }) => reasons))}. preemption: ${available}: ${preemption}.`;
}

/** The mean share that stays free of what everybody takes: the higher, the better. */
function freeShare({ node, used }: Candidate): number {
  const total = allocatable(node);
  const shares = ["cpu", "memory", "pods"].map((name) => {
    const capacity = total.get(name) ?? 0;
    return capacity === 0 ? 0 : 1 - (used.get(name) ?? 0) / capacity;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** What a sibling on a node weighs against free room: replicas are spread first, as by the real default constraints. */
const SIBLING_WEIGHT = 1;

/** Chooses the least used of the nodes that fit, with the fewest siblings; chance decides between equals. Pure but for the chance. */
export function chooseNode(pod: Pod, candidates: Candidate[], random: Random): Choice {
  const refusals: Refusal[] = [];
  let best: { node: string; score: number } | undefined;
  for (const candidate of candidates) {
    const refused = refusal(pod, candidate);
    if (refused !== undefined) {
      refusals.push(refused);
      continue;
    }
    const siblings = candidate.siblings.get(controllerOf(pod)?.uid ?? "") ?? 0;
    const score = freeShare(candidate) - SIBLING_WEIGHT * siblings + random() * 1e-6;
    if (best === undefined || score > best.score) best = { node: nameOf(candidate.node), score };
  }
  return best === undefined ? { message: failureMessage(refusals) } : { node: best.node };
}
