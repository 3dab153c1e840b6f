import { readFile } from "node:fs/promises";
import { type InstanceLimits, instanceLimits } from "@trunkline/core/instance-limits";
import { instanceLimitsTable } from "@trunkline/core/instance-limits-table";
import { describe, expect, test } from "vitest";
import { readLimitsSource } from "./limits-source.ts";
import { renderLimitsTable } from "./limits-table.ts";

const full = {
  interfaces: 3,
  ipv4PerInterface: 10,
  trunking: true,
  branchInterfaces: 9,
  defaultNetworkCardInterfaces: 3,
  networkCards: 1,
};
const m5 = { interfaces: 3, branchesMax: 9, networkCards: 1, defaultCardInterfaces: 3 };

describe("readLimitsSource", () => {
  test("a full table replaces what is known", () => {
    const result = readLimitsSource({ "m5.large": full }, new Map([["old.large", m5]]));

    expect(result).toEqual({ limits: new Map([["m5.large", m5]]), notes: [] });
  });

  test.each([
    ["branches without trunking", { ...full, trunking: false }, "trunking and branchInterfaces disagree"],
    ["more branches than VLAN IDs", { ...full, branchInterfaces: 121 }, "121|120"],
    ["a card larger than the instance", { ...full, defaultNetworkCardInterfaces: 4 }, "more interfaces"],
    ["a missing figure", { ...full, interfaces: undefined }, "interfaces"],
  ])("%s is refused and the type is named", (_, limits, reason) => {
    const result = readLimitsSource({ "m5.large": limits }, new Map());

    expect(result).toEqual({ problems: [expect.stringMatching(`^m5.large.*(${reason})`)] });
  });

  test("an empty table is refused, so that it never empties ours", () => {
    expect(readLimitsSource({}, new Map())).toEqual({ problems: ["The table is empty."] });
  });

  test("described types renew the interfaces of known types and keep their branches", () => {
    const described = {
      InstanceTypes: [
        {
          InstanceType: "m5.large",
          NetworkInfo: {
            MaximumNetworkInterfaces: 8,
            MaximumNetworkCards: 2,
            DefaultNetworkCardIndex: 1,
            NetworkCards: [
              { NetworkCardIndex: 0, MaximumNetworkInterfaces: 2 },
              { NetworkCardIndex: 1, MaximumNetworkInterfaces: 6 },
            ],
          },
        },
        { InstanceType: "m9.large", NetworkInfo: { MaximumNetworkInterfaces: 3 } },
      ],
    };

    expect(readLimitsSource(described, new Map([["m5.large", m5]]))).toEqual({
      limits: new Map([["m5.large", { interfaces: 8, branchesMax: 9, networkCards: 2, defaultCardInterfaces: 6 }]]),
      notes: ["m9.large is new: EC2 does not tell its branch ENIs; it is left out."],
    });
  });

  test("described types without network information are refused", () => {
    const result = readLimitsSource({ InstanceTypes: [{ InstanceType: "m5.large" }] }, new Map());

    expect(result).toEqual({ problems: [expect.stringContaining("NetworkInfo")] });
  });
});

describe("renderLimitsTable", () => {
  test("the table of the core is what it writes: nobody edited it by hand", async () => {
    const lookup = instanceLimits(instanceLimitsTable);
    const types = instanceLimitsTable.flatMap(([, , , , names]) => names.split(" "));
    const known = new Map(types.map((type) => [type, lookup.of(type) as InstanceLimits]));

    const written = await readFile(new URL("../packages/core/instance-limits-table.ts", import.meta.url), "utf8");

    expect(renderLimitsTable(known)).toBe(written);
  });

  test("types with the same limits share a row, and the order of the source does not matter", () => {
    const small = { ...m5, interfaces: 2, branchesMax: 4, defaultCardInterfaces: 2 };
    const one = renderLimitsTable(
      new Map([
        ["m5.large", m5],
        ["c5.large", m5],
        ["a1.small", small],
      ]),
    );
    const other = renderLimitsTable(
      new Map([
        ["a1.small", small],
        ["c5.large", m5],
        ["m5.large", m5],
      ]),
    );

    expect(one).toBe(other);
    expect(one).toContain('  [2, 4, 1, 2, "a1.small"],\n  [3, 9, 1, 3, "c5.large m5.large"],\n];\n');
  });
});
