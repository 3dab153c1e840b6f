/** The ConfigMap of a cluster's settings. */
export const settingsConfigMap = { namespace: "kube-system", name: "amazon-vpc-cni" } as const;

const cooldownKey = "branch-eni-cooldown";
const cooldownPattern = /^\d{1,9}$/;
const cooldownSecondsMax = 3_600;

/**
 * The cool-down that a cluster's settings ask for, in seconds.
 *
 * @param current stays when the settings name no whole number: the default at the start, the last value afterwards.
 * @param floorSeconds the least that is given.
 * @see https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/master/pkg/provider/branch/cooldown/cooldown.go
 */
export const cooldownSecondsOf = (
  data: Readonly<Record<string, string>> | null | undefined,
  current: number,
  floorSeconds: number,
): number => {
  const text = data?.[cooldownKey]?.trim() ?? "";
  return cooldownPattern.test(text) ? Math.min(Math.max(Number(text), floorSeconds), cooldownSecondsMax) : current;
};
