import type { KubernetesNode, PodSpec, Taint, Toleration } from "../objects.ts";
import { nameOf } from "../objects.ts";
import { carriesAll, meetsAll } from "../selectors.ts";

/** Whether the node has what `nodeSelector` and the required node affinity ask for. */
export function matchesNode(spec: PodSpec, node: KubernetesNode): boolean {
  const labels = node.metadata.labels ?? {};
  if (!carriesAll(labels, spec.nodeSelector ?? {})) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return true;
  return required.nodeSelectorTerms.some(
    ({ matchExpressions = [], matchFields = [] }) =>
      meetsAll(labels, matchExpressions) && meetsAll({ "metadata.name": nameOf(node) }, matchFields),
  );
}

function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== "" && toleration.effect !== taint.effect) return false;
  if (toleration.key === undefined || toleration.key === "") return toleration.operator === "Exists";
  if (toleration.key !== taint.key) return false;
  return toleration.operator === "Exists" || (toleration.value ?? "") === (taint.value ?? "");
}

/** The first taint with one of the effects that nothing tolerates. */
export function untolerated(tolerations: Toleration[], taints: Taint[], effects: string[]): Taint | undefined {
  const effective = taints.filter(({ effect }) => effects.includes(effect));
  return effective.find((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)));
}

/** Whether every taint with one of the effects is tolerated. */
export function toleratesAll(tolerations: Toleration[], taints: Taint[], effects: string[]): boolean {
  return untolerated(tolerations, taints, effects) === undefined;
}
