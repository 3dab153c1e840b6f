/** A policy as the soak writes it: pods with all of these labels get these groups. */
export interface PlainPolicy {
  readonly labels: Readonly<Record<string, string>>;
  readonly groupIds: readonly string[];
}

/** What the policies of each namespace said at each time. */
export interface PolicyHistory {
  /** From `at` on, epoch milliseconds, the namespace has the policy in this form, or no longer. */
  record(
    change: { readonly namespace: string; readonly name: string; readonly at: number },
    policy?: PlainPolicy,
  ): void;
  /** Each set of groups, sorted and joined by commas, that the pod could have been given in this time; `otherwise` without a policy. */
  possible(pod: Pick<PlainPolicy, "labels"> & { readonly namespace: string }, time: TimeSpan): ReadonlySet<string>;
}

/** From when to when, epoch milliseconds. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

interface Version {
  readonly from: number;
  readonly policies: ReadonlyMap<string, PlainPolicy>;
}

/** Makes an empty history. `otherwise` are the groups that a pod gets which no policy matches. */
export function policyHistory(otherwise: readonly string[]): PolicyHistory {
  const versions = new Map<string, Version[]>();
  const groupsOf = (policies: ReadonlyMap<string, PlainPolicy>, labels: PlainPolicy["labels"]): string => {
    const matching = [...policies.values()].filter((policy) =>
      Object.entries(policy.labels).every(([key, value]) => labels[key] === value),
    );
    const groups = new Set(matching.flatMap(({ groupIds }) => groupIds));
    return [...(groups.size > 0 ? groups : otherwise)].sort().join();
  };
  return {
    record: ({ namespace, name, at }, policy) => {
      const of = versions.get(namespace) ?? [];
      const policies = new Map(of.at(-1)?.policies);
      if (policy === undefined) policies.delete(name);
      else policies.set(name, policy);
      versions.set(namespace, [...of, { from: at, policies }]);
    },
    possible: ({ namespace, labels }, { from, to }) => {
      const of = versions.get(namespace) ?? [];
      const meant = of.filter((version, at) => version.from <= to && (of[at + 1]?.from ?? Number.MAX_VALUE) >= from);
      return new Set(meant.map(({ policies }) => groupsOf(policies, labels)));
    },
  };
}
