import { mirrorPodKey, podEniKey } from "./keys.ts";
import type { ContainerObject, PodObject } from "./objects.ts";

/** Suffixes of quantities that can be whole: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const multipliers: Readonly<Record<string, number>> = {
  "": 1,
  m: 1 / 1_000,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

const quantityPattern = /^(\d{1,15})(m|k|M|G|Ki|Mi|Gi|)$/;

/** A quantity of whole things; 0 for what is none, since the API server admits whole numbers of extended resources only. */
export const countOf = (quantity: string | number | undefined): number => {
  const [, digits, suffix] = quantityPattern.exec(String(quantity ?? "")) ?? [];
  if (digits === undefined || suffix === undefined) return 0;
  const count = Number(digits) * (multipliers[suffix] ?? 0);
  return Number.isInteger(count) ? count : 0;
};

/** How many branch ENIs a pod asks for: the sum of the requests over its containers, init containers excluded. */
export const requestOf = (containers: readonly ContainerObject[] | null | undefined): number =>
  (containers ?? []).reduce((sum, container) => sum + countOf(container.resources?.requests?.[podEniKey]), 0);

/** A pod that has ended for good; one that is only terminating still uses its network. */
export const isTerminal = (phase: string | undefined): boolean => phase === "Succeeded" || phase === "Failed";

/** The mirror of a static pod cannot be changed: the kubelet would delete and create it for ever. */
export const isMirrorPod = (pod: PodObject): boolean => Object.hasOwn(pod.metadata?.annotations ?? {}, mirrorPodKey);

/**
 * Whether a pod is for Windows: by the label of today or that of long ago in its node selector, or by its own word. The
 * field `spec.os` does not place a pod, but a kubelet of another system refuses it, so a branch ENI would be of no use.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/#pod-os
 */
export const wantsWindows = (pod: PodObject): boolean => {
  const selector = pod.spec?.nodeSelector ?? {};
  return [selector["kubernetes.io/os"], selector["beta.kubernetes.io/os"], pod.spec?.os?.name].includes("windows");
};
