import { describe, expect, test } from "vitest";
import type { LabelSelector, SecurityGroupPolicyObject } from "./objects.ts";
import { compilePolicy, matchPolicies, problemsOf } from "./policies.ts";

interface Wish {
  name?: string;
  namespace?: string;
  pods?: LabelSelector;
  accounts?: LabelSelector;
  groups?: readonly string[];
}

const policy = ({ name = "policy", namespace = "default", pods, accounts, groups = ["sg-1"] }: Wish) => {
  const object: SecurityGroupPolicyObject = {
    metadata: { name, namespace, creationTimestamp: "2026-01-02T03:04:05Z" },
    spec: {
      ...(pods === undefined ? {} : { podSelector: pods }),
      ...(accounts === undefined ? {} : { serviceAccountSelector: accounts }),
      securityGroups: { groupIds: groups },
    },
  };
  return compilePolicy(object, (text) => text.length);
};

const pod = { namespace: "default", labels: { role: "db" }, serviceAccountName: "account" };
const accounts = (namespace: string, name: string) =>
  namespace === "default" && name === "account" ? { team: "a" } : undefined;
const db: LabelSelector = { matchLabels: { role: "db" } };
const web: LabelSelector = { matchLabels: { role: "web" } };
const teamA: LabelSelector = { matchLabels: { team: "a" } };
const teamB: LabelSelector = { matchLabels: { team: "b" } };

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `sg-${index}`);

const groupsOf = (...wishes: readonly Wish[]) => {
  const match = matchPolicies(wishes.map(policy), pod, accounts);
  return match.ok ? match.groupIds : match.problem;
};

describe("which groups a pod gets", () => {
  test.each<[string, readonly Wish[], readonly string[]]>([
    ["K22: those of a policy that selects its labels", [{ pods: db }], ["sg-1"]],
    ["none of a policy that selects other labels", [{ pods: web }], []],
    ["K20: none of a policy in another namespace", [{ pods: db, namespace: "other" }], []],
    ["K22: those of a policy that selects its ServiceAccount", [{ accounts: teamA }], ["sg-1"]],
    ["none of a policy that selects other ServiceAccounts", [{ accounts: teamB }], []],
    ["K22: those of a policy of which both selectors match", [{ pods: db, accounts: teamA }], ["sg-1"]],
    ["K22: none when only the pod matches", [{ pods: db, accounts: teamB }], []],
    ["K22: none when only the ServiceAccount matches", [{ pods: web, accounts: teamA }], []],
    ["K22: those of an empty selector", [{ pods: {} }], ["sg-1"]],
    ["K21: none when both selectors are absent", [{}], []],
    ["K21: none when the policy names no group", [{ pods: db, groups: [] }], []],
    ["K24: none of a policy with an invalid selector", [{ pods: { matchLabels: { "a b": "c" } } }], []],
    [
      "K24: none of a policy with one valid and one invalid selector",
      [{ pods: db, accounts: { matchExpressions: [{ key: "a", operator: "In" }] } }],
      [],
    ],
    [
      "K25: the union without duplicates, ordered by the policies' names",
      [
        { name: "b", pods: db, groups: ["sg-3", "sg-1"] },
        { name: "a", pods: db, groups: ["sg-2", "sg-1"] },
      ],
      ["sg-2", "sg-1", "sg-3"],
    ],
    [
      "K22: an empty selector of ServiceAccounts matches every one",
      [{ accounts: {} }, { name: "b", pods: web, accounts: {} }],
      ["sg-1"],
    ],
    ["K25: a group once that a policy names twice", [{ pods: db, groups: ["sg-1", "sg-1"] }], ["sg-1"]],
    ["those of one policy beside an invalid one", [{ pods: { matchLabels: { "a b": "c" } } }, { pods: db }], ["sg-1"]],
    ["none without policies", [], []],
  ])("%s", (_, wishes, expected) => {
    expect(groupsOf(...wishes)).toEqual(expected);
  });

  test("K26: a missing ServiceAccount is an error only for a policy that asks about it", () => {
    const stranger = { ...pod, serviceAccountName: "stranger" };

    expect(matchPolicies([policy({ accounts: teamA })], stranger, accounts)).toEqual({
      ok: false,
      problem: 'serviceaccounts "stranger" not found',
    });
    expect(matchPolicies([policy({ pods: web, accounts: teamA })], stranger, accounts)).toMatchObject({ groupIds: [] });
    expect(matchPolicies([policy({ pods: db })], stranger, accounts)).toMatchObject({ groupIds: ["sg-1"] });
  });
});

test("K24: an invalid selector of ServiceAccounts makes no pod wait for its ServiceAccount", () => {
  const invalid = policy({ pods: db, accounts: { matchExpressions: [{ key: "a", operator: "In" }] } });

  expect(matchPolicies([invalid], { ...pod, serviceAccountName: "stranger" }, accounts)).toMatchObject({
    ok: true,
    groupIds: [],
  });
});

test("K24: an invalid selector is reported with its place", () => {
  expect(problemsOf(policy({ pods: db, accounts: { matchExpressions: [{ key: "a", operator: "In" }] } }))).toEqual([
    "spec.serviceAccountSelector: operator In needs at least one value",
  ]);
  expect(problemsOf(policy({ pods: db }))).toEqual([]);
});

test.each<[string, Wish, readonly (string | RegExp)[]]>([
  ["both selectors absent", {}, [/^spec: neither podSelector nor serviceAccountSelector is there/]],
  ["no group", { pods: db, groups: [] }, ["spec.securityGroups.groupIds: no security group is named"]],
  ["an empty selector", { pods: {} }, []],
  ["6 groups, for which an account's quota may be enough", { pods: db, groups: numbered(6) }, []],
  ["16 groups", { pods: db, groups: numbered(16) }, []],
  ["17 groups", { pods: db, groups: numbered(17) }, [/17 groups, but a network interface takes at most 16$/]],
  ["17 groups of which two are the same", { pods: db, groups: ["sg-0", ...numbered(16)] }, []],
])("K21, K27: a policy with %s is reported with what is wrong", (_, wish, problems) => {
  const found = problemsOf(policy(wish));

  expect(found).toHaveLength(problems.length);
  for (const [index, problem] of problems.entries()) expect(found[index]).toMatch(problem);
});

test("an object without anything becomes a policy that matches nothing", () => {
  const empty = compilePolicy({}, () => 1);

  expect(empty.createdAt).toBe(0);
  expect(matchPolicies([empty], { ...pod, namespace: "" }, accounts)).toMatchObject({ groupIds: [] });
});
