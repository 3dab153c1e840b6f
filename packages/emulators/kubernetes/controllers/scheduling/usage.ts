import type { Container, KubernetesNode, Pod, PodSpec } from "../objects.ts";
import { quantity } from "./quantity.ts";

/** Amounts by name: `cpu`, `memory`, `pods`, and extended ones such as `vpc.amazonaws.com/pod-eni`. */
export type Amounts = Map<string, number>;

function addRequests(amounts: Amounts, container: Container): void {
  const { requests, limits } = container.resources ?? {};
  // An absent request defaults to the limit: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/.
  for (const [name, text] of Object.entries({ ...limits, ...requests })) {
    amounts.set(name, (amounts.get(name) ?? 0) + quantity(text));
  }
}

/** What a pod takes from its node: its containers together, or its greatest init container, and one place. */
export function podAmounts(spec: PodSpec): Amounts {
  const amounts: Amounts = new Map();
  for (const container of spec.containers) addRequests(amounts, container);
  for (const container of spec.initContainers ?? []) {
    const own: Amounts = new Map();
    addRequests(own, container);
    for (const [name, amount] of own) amounts.set(name, Math.max(amount, amounts.get(name) ?? 0));
  }
  return amounts.set("pods", 1);
}

/** What a node can give in all. */
export function allocatable(node: KubernetesNode): Amounts {
  return new Map(Object.entries(node.status?.allocatable ?? {}).map(([name, text]) => [name, quantity(text)]));
}

/** Adds (or with `sign` -1 takes away) what a pod takes. */
export function account(total: Amounts, amounts: Amounts, sign: 1 | -1 = 1): void {
  for (const [name, amount] of amounts) total.set(name, (total.get(name) ?? 0) + sign * amount);
}

/** What the pods that are bound to a node take; those that have ended take nothing. */
export function usedBy(pods: Iterable<Pod>): Amounts {
  const used: Amounts = new Map();
  for (const pod of pods) {
    if (pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed") account(used, podAmounts(pod.spec));
  }
  return used;
}
