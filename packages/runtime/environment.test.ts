import { branded, type ClusterName } from "@trunkline/core";
import { describe, expect, test } from "vitest";
import { functionVariables } from "../../test/support/function-variables.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { variables } from "./names.ts";

const read = (changes: Readonly<Record<string, string>> = {}): Environment => {
  const result = readEnvironment(functionVariables(changes));
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.value;
};

const problemsOf = (changes: Readonly<Record<string, string | undefined>>): readonly string[] => {
  const result = readEnvironment({ ...functionVariables(), ...changes });
  return result.ok ? [] : result.problems;
};

const clusters = (...entries: object[]) => ({ [variables.clusters]: JSON.stringify(entries) });

describe("a configuration that works", () => {
  test("has production's defaults where nothing is said", () => {
    expect(read().settings).toMatchObject({ cooldownSeconds: 60, reuseIdleSeconds: 300, notFoundGraceSeconds: 60 });
    expect(read().quotas.CreateNetworkInterface).toStrictEqual({ capacity: 100, refillPerSecond: 5 });
    expect(read().instanceLimits.of("m5.large")).toMatchObject({ branchesMax: 9 });
  });

  test("takes the account's own buckets, types and durations", () => {
    const { settings, quotas, instanceLimits } = read({
      [variables.quotas]: '{"CreateNetworkInterface":{"capacity":400,"refillPerSecond":20}}',
      [variables.instanceLimits]: '{"z9.large":{"interfaces":3,"branchesMax":7}}',
      TRUNKLINE_COOLDOWN_SECONDS: "90",
    });

    expect(settings.cooldownSeconds).toBe(90);
    expect(quotas.CreateNetworkInterface).toStrictEqual({ capacity: 400, refillPerSecond: 20 });
    expect(quotas.DeleteNetworkInterface).toStrictEqual({ capacity: 100, refillPerSecond: 5 });
    expect(instanceLimits.of("z9.large")).toMatchObject({ branchesMax: 7 });
  });

  test("switches reuse off by keeping no idle branch", () => {
    expect(read({ [variables.reuse]: "off" }).settings.reuseIdleSeconds).toBe(0);
  });

  test("goes below the floors only where they are switched off", () => {
    const short = { TRUNKLINE_COOLDOWN_SECONDS: "3" };

    expect(problemsOf(short)).toStrictEqual(["TRUNKLINE_COOLDOWN_SECONDS must be a number from 30 to 3600."]);
    expect(read({ ...short, [variables.floors]: "off" }).settings.cooldownSeconds).toBe(3);
  });

  test("tells each cluster's limits, and none for those that have none", () => {
    const { limitsOf } = read();

    expect(limitsOf(branded<ClusterName>("blue"))).toMatchObject({ cluster: "blue", enisMax: 10 });
    expect(limitsOf(branded<ClusterName>("eu.green"))).toStrictEqual({ cluster: "eu.green" });
  });
});

describe("a configuration that cannot work is told in one line for each variable", () => {
  const required = [
    "deployment",
    "table",
    "epoch",
    "account",
    "region",
    "clusters",
    "clusterQueueUrlPrefix",
    "branchCooldownQueueUrl",
    "instanceEventsQueueUrl",
  ] as const;

  test.each(required)("when the variable for %s is missing", (name) => {
    const problems = problemsOf({ [variables[name]]: undefined });

    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${variables[name]} is not set; it must be [^\n]+\\.$`));
  });

  test.each([
    ["an empty text", { [variables.table]: "" }, variables.table],
    ["an account of eleven digits", { [variables.account]: "12345678901" }, "12 digits"],
    ["a queue that is no URL", { [variables.branchCooldownQueueUrl]: "queue" }, variables.branchCooldownQueueUrl],
    ["clusters that are no JSON", { [variables.clusters]: "blue" }, "is no JSON"],
    ["clusters that are no list", { [variables.clusters]: "{}" }, "must be a list of clusters"],
    ["no clusters", { [variables.clusters]: "[]" }, "must name at least one cluster"],
    ["a cluster with a misspelt field", clusters({ cluster: "blue", subnet: [] }), "subnet"],
    ["a cluster's name that EC2 would read as a wildcard", clusters({ cluster: "b*" }), "must be a cluster's name"],
    ["a cluster that is named twice", clusters({ cluster: "a" }, { cluster: "a", slug: "b" }), "names a cluster twice"],
    ["two clusters with the same queues", clusters({ cluster: "a.b" }, { cluster: "a-b" }), "the same queues"],
    ["a number that is none", { TRUNKLINE_SKEW_SECONDS: "soon" }, "TRUNKLINE_SKEW_SECONDS must be a number"],
    ["an empty number", { TRUNKLINE_SKEW_SECONDS: "" }, "TRUNKLINE_SKEW_SECONDS must be a number"],
    [
      "an unknown EC2 action",
      { [variables.quotas]: '{"constructor":{"capacity":1,"refillPerSecond":1}}' },
      "constructor",
    ],
    [
      "a bucket that never fills",
      { [variables.quotas]: '{"CreateTags":{"capacity":1,"refillPerSecond":0}}' },
      variables.quotas,
    ],
    ["a type without figures", { [variables.instanceLimits]: '{"z9.large":{}}' }, "z9.large is not in the table"],
    ["a switch that is neither on nor off", { [variables.reuse]: "yes" }, "TRUNKLINE_REUSE must be on or off."],
  ])("when it has %s", (_what, changes, told) => {
    const problems = problemsOf(changes);

    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(told);
    expect(problems[0]).toContain(Object.keys(changes)[0]);
    expect(problems[0]).not.toContain("\n");
  });

  test("when several are wrong, all of them are told at once", () => {
    expect(problemsOf({ [variables.table]: undefined, [variables.epoch]: undefined })).toHaveLength(2);
  });
});
