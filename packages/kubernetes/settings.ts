/** The ConfigMap of a cluster's settings. */
export const settingsConfigMap = { namespace: "kube-system", name: "amazon-vpc-cni" } as const;

const cooldownKey = "branch-eni-cooldown";
/** What Go's `strconv.Atoi` takes, which reads the setting in the VPC resource controller. */
const wholePattern = /^[+-]?\d{1,18}$/;
const cooldownSecondsMax = 3_600;
const shownMax = 32;

/** What a cluster's settings say of the cool-down. */
export interface CooldownReading {
  /** Absent when they name no whole number. */
  readonly seconds?: number;
  /** What is wrong and what follows from it, in one sentence. */
  readonly problem?: string;
}

/**
 * The cool-down that a cluster's settings ask for: whole seconds, within the floor and 3,600. White space around the
 * number is no mistake, since a ConfigMap that was made from a file ends with a line break.
 *
 * @param floorSeconds the least that is given.
 * @see https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/master/pkg/provider/branch/cooldown/cooldown.go
 */
export const readCooldown = (
  data: Readonly<Record<string, string>> | null | undefined,
  floorSeconds: number,
): CooldownReading => {
  const value = data?.[cooldownKey];
  if (value === undefined) return {};
  const shown = JSON.stringify(value.slice(0, shownMax));
  const text = value.trim();
  if (!wholePattern.test(text)) {
    return { problem: `${cooldownKey} must be a whole number of seconds, not ${shown}; the cool-down stays as it is` };
  }
  const asked = Number(text);
  if (asked < floorSeconds) {
    return { seconds: floorSeconds, problem: `${cooldownKey} is ${shown}; the least is ${floorSeconds} and is taken` };
  }
  if (asked > cooldownSecondsMax) {
    return {
      seconds: cooldownSecondsMax,
      problem: `${cooldownKey} is ${shown}; the most is ${cooldownSecondsMax} and is taken`,
    };
  }
  return { seconds: asked };
};
