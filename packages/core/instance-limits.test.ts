import { describe, expect, test } from "vitest";
import { type InstanceLimitsRow, instanceLimits } from "./instance-limits.ts";
import { instanceLimitsTable } from "./instance-limits-table.ts";

const rows: readonly InstanceLimitsRow[] = [
  [3, 9, 1, 3, "m5.large m5a.large"],
  [16, 106, 2, 8, "c6in.32xlarge"],
  [3, 0, 1, 3, "t3.medium"],
];

describe("instanceLimits", () => {
  test("types of one row share their limits", () => {
    const limits = instanceLimits(rows);

    expect(limits.of("m5a.large")).toEqual({
      interfaces: 3,
      branchesMax: 9,
      networkCards: 1,
      defaultCardInterfaces: 3,
      trunking: true,
    });
    expect(limits.invalid).toEqual([]);
  });

  test("a type without branches takes no trunk", () => {
    expect(instanceLimits(rows).of("t3.medium")).toMatchObject({ branchesMax: 0, trunking: false });
  });

  test("a type that nobody names is unknown, also when its name is a property of every object", () => {
    expect(instanceLimits(rows).of("z9.large")).toBe("unknown");
    expect(instanceLimits(rows).of("constructor")).toBe("unknown");
  });

  test("K10: the generated table knows the types of the tutorials", () => {
    const limits = instanceLimits(instanceLimitsTable);

    expect(limits.of("m5.large")).toMatchObject({ interfaces: 3, branchesMax: 9 });
    expect(limits.of("m5.2xlarge")).toMatchObject({ branchesMax: 38 });
    expect(limits.of("c6in.32xlarge")).toMatchObject({ interfaces: 16, networkCards: 2, defaultCardInterfaces: 8 });
    expect(limits.of("t3.large")).toMatchObject({ trunking: false });
  });
});

describe("overrides of the operator", () => {
  test("a figure replaces that of the table and leaves the others", () => {
    const limits = instanceLimits(rows, { "m5.large": { branchesMax: 5 } });

    expect(limits.of("m5.large")).toMatchObject({ interfaces: 3, branchesMax: 5, trunking: true });
    expect(limits.of("m5a.large")).toMatchObject({ branchesMax: 9 });
  });

  test("fewer interfaces on the only card are fewer device indexes", () => {
    expect(instanceLimits(rows, { "m5.large": { interfaces: 2 } }).of("m5.large")).toMatchObject({
      interfaces: 2,
      defaultCardInterfaces: 2,
    });
  });

  test("a card 0 of several keeps its interfaces unless they are given", () => {
    const kept = instanceLimits(rows, { "c6in.32xlarge": { interfaces: 14 } });
    const given = instanceLimits(rows, { "c6in.32xlarge": { defaultCardInterfaces: 7 } });

    expect(kept.of("c6in.32xlarge")).toMatchObject({ interfaces: 14, defaultCardInterfaces: 8 });
    expect(given.of("c6in.32xlarge")).toMatchObject({ interfaces: 16, defaultCardInterfaces: 7 });
  });

  test("a new type is added with one network card unless told otherwise", () => {
    const limits = instanceLimits(rows, { "m9.large": { interfaces: 4, branchesMax: 20 } });

    expect(limits.of("m9.large")).toEqual({
      interfaces: 4,
      branchesMax: 20,
      networkCards: 1,
      defaultCardInterfaces: 4,
      trunking: true,
    });
    expect(limits.invalid).toEqual([]);
  });

  test.each([
    ["a list", [], "The instance limits are not an object from instance type to limits."],
    ["nothing", null, "The instance limits are not an object from instance type to limits."],
    ["a strange type", { "M5 large": {} }, '"M5 large" is not an instance type.'],
    ["limits that are no object", { "m5.large": 9 }, "m5.large: the limits are not an object."],
    [
      "a misspelt figure",
      { "m5.large": { branchMax: 9 } },
      'm5.large: "branchMax" is not a limit; there are interfaces, branchesMax, networkCards, defaultCardInterfaces.',
    ],
    [
      "more branches than VLAN IDs",
      { "m5.large": { branchesMax: 121 } },
      "m5.large: branchesMax is not a whole number from 0 to 120.",
    ],
    [
      "too few interfaces",
      { "m5.large": { interfaces: 0 } },
      "m5.large: interfaces is not a whole number from 1 to 512.",
    ],
    [
      "a figure that is text",
      { "m5.large": { interfaces: "3" } },
      "m5.large: interfaces is not a whole number from 1 to 512.",
    ],
    [
      "a new type without branches told",
      { "m9.large": { interfaces: 4 } },
      "m9.large is not in the table: it needs interfaces and branchesMax.",
    ],
    [
      "a new type without interfaces told",
      { "m9.large": { branchesMax: 4 } },
      "m9.large is not in the table: it needs interfaces and branchesMax.",
    ],
    [
      "a new type with several cards and no word about card 0",
      { "m9.large": { interfaces: 8, branchesMax: 9, networkCards: 2 } },
      "m9.large has 2 network cards: it needs defaultCardInterfaces.",
    ],
    [
      "more interfaces on card 0 than on the instance",
      { "m5.large": { defaultCardInterfaces: 4 } },
      "m5.large: defaultCardInterfaces 4 is more than interfaces 3.",
    ],
  ])("%s is named and left out", (_, overrides, sentence) => {
    const limits = instanceLimits(rows, overrides);

    expect(limits.invalid).toEqual([sentence]);
    expect(limits.of("m5.large")).toMatchObject({ interfaces: 3, branchesMax: 9 });
    expect(limits.of("m9.large")).toBe("unknown");
  });

  test("more than 1,000 overrides are refused as a whole", () => {
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`m${index}.large`, {}]));

    expect(instanceLimits(rows, many).invalid).toEqual(["There are 1001 instance limits; at most 1000 are taken."]);
  });
});
