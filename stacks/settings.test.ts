import { describe, expect, test } from "vitest";
import { configuredEnvironment } from "./configured-environment.ts";
import { stageSettings } from "./settings.ts";

const blue = { cluster: "blue" };

function configurationWith(changes: object) {
  return { stages: { prod: { region: "eu-west-1", epoch: "1", clusters: [blue], ...changes } } };
}

describe("stageSettings", () => {
  test("a cluster's slug follows from its name unless it is given", () => {
    const clusters = [{ cluster: "eu.example.com" }, { cluster: "us.example.com", slug: "us" }];

    const settings = stageSettings(configurationWith({ clusters }), "prod");

    expect(settings.clusters.map(({ slug }) => slug)).toEqual(["eu-example-com", "us"]);
  });

  test.each([
    ["a field that nobody knows", { colour: "red" }, "stages.prod: Unrecognized key"],
    ["a region that is none", { region: "Ireland" }, "stages.prod.region"],
    ["no cluster", { clusters: [] }, "stages.prod.clusters"],
    ["a security group that is none", { clusters: [{ ...blue, securityGroups: ["web"] }] }, "securityGroups.0"],
    ["one name for two clusters", { clusters: [blue, { ...blue, slug: "other" }] }, 'cluster "blue" is named twice'],
    [
      "one slug for two clusters",
      { clusters: [{ cluster: "a.b" }, { cluster: "a-b" }] },
      'slug "a-b" stands for two clusters: set slug',
    ],
    ["a name too long for a queue", { clusters: [{ cluster: "c".repeat(60) }] }, "set a shorter slug"],
    ["a number that nobody knows", { numbers: { patience: 3 } }, "numbers.patience: there is no such number"],
    ["a cool-down below its floor", { numbers: { cooldownSeconds: 5 } }, "numbers.cooldownSeconds: 5 is not from 30"],
    [
      "instance limits that are wrong",
      { instanceLimits: { "m5.large": { branchesMax: 500 } } },
      "m5.large: branchesMax",
    ],
    [
      "more than the functions' environment takes",
      { clusters: Array.from({ length: 90 }, (_, index) => ({ cluster: `cluster-number-${index}.example.com` })) },
      "bytes of the functions' environment",
    ],
  ])("%s is refused and named", (_, changes, sentence) => {
    expect(() => stageSettings(configurationWith(changes), "prod")).toThrow(sentence);
  });

  test("a stage that is not configured is refused, and those that are get named", () => {
    expect(() => stageSettings(configurationWith({}), "staging")).toThrow(
      'there is no stage "staging"; there are: prod',
    );
  });
});

describe("configuredEnvironment", () => {
  test("what the operator leaves out is left to the functions' defaults", () => {
    const environment = configuredEnvironment(stageSettings(configurationWith({}), "prod"));

    expect(environment).toEqual({ TRUNKLINE_CLUSTERS: '[{"cluster":"blue"}]' });
  });

  test("what the operator sets reaches the variable of its name", () => {
    const settings = stageSettings(
      configurationWith({
        clusters: [{ cluster: "blue", slug: "b" }],
        reuse: false,
        quotas: { CreateNetworkInterface: { capacity: 400, refillPerSecond: 20 } },
        instanceLimits: { "m9.large": { interfaces: 3, branchesMax: 9 } },
        numbers: { cooldownSeconds: 90, groupsPerEniMax: 16 },
      }),
      "prod",
    );

    expect(configuredEnvironment(settings)).toEqual({
      TRUNKLINE_CLUSTERS: '[{"cluster":"blue","slug":"b"}]',
      TRUNKLINE_REUSE: "off",
      TRUNKLINE_QUOTAS: '{"CreateNetworkInterface":{"capacity":400,"refillPerSecond":20}}',
      TRUNKLINE_INSTANCE_LIMITS: '{"m9.large":{"interfaces":3,"branchesMax":9}}',
      TRUNKLINE_COOLDOWN_SECONDS: "90",
      TRUNKLINE_GROUPS_PER_ENI_MAX: "16",
    });
  });
});
