import { branded, type LedgerRecord } from "@trunkline/core";
import { describe, expect, it } from "vitest";
import { attributeOf, recordOf, rowOf } from "./attributes.ts";

const sighting: LedgerRecord = {
  kind: "sighting",
  eniId: branded("eni-1"),
  version: 3,
  firstSeenAt: 5,
  instanceId: undefined,
  claimed: false,
  expiresAt: 1_234,
};

describe("a row of the ledger's table", () => {
  it("holds the key's fields in its key only, and the expiry in whole seconds for DynamoDB", () => {
    expect(rowOf(sighting, "e1")).toEqual({
      pk: "ORPHAN#eni-1",
      sk: "0#SIGHTING",
      e: "e1",
      v: 3,
      firstSeenAt: 5,
      claimed: false,
      x: 1_234,
      expiresAt: 2,
    });
  });

  it("becomes the record again, with neither mark nor key nor undefined fields", () => {
    const row = { ...rowOf(sighting, "e1"), w: "mark" };
    const { instanceId: _, ...rest } = sighting;
    expect(recordOf({ kind: "sighting", eniId: "eni-1" }, row, "e1")).toEqual(rest);
  });

  it("is no record when it is of another epoch", () => {
    expect(recordOf(sighting, rowOf(sighting, "e1"), "e2")).toBeUndefined();
  });

  it("renames the fields of objects inside, and leaves lists as they are", () => {
    const branch = { ...sighting, request: { subnetId: "s", securityGroups: ["sg-1"] }, groupSets: [["a"], []] };
    expect(rowOf(branch as unknown as LedgerRecord, "e1")).toMatchObject({
      rq: { su: "s", sg: ["sg-1"] },
      groupSets: [["a"], []],
    });
  });

  it("names each field differently, and none as something that is no field", () => {
    const fields = [
      "version",
      "status",
      "generation",
      "createdAt",
      "podVersion",
      "expiresAt",
      "held",
      "vlans",
      "vlanId",
    ];
    const attributes = [...fields, "trunkEniId", "cluster", "incarnation", "eni", "mac", "wakeAt"].map(attributeOf);
    expect(new Set([...attributes, "e", "w", "pk", "sk"]).size).toBe(attributes.length + 4);
  });
});
