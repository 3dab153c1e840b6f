import { describe, expect, it } from "vitest";
import { drawFault, mayBeSilent } from "./faults.ts";
import { drawsOf } from "./random.ts";

const drawn = (minutes: number) => {
  const draws = drawsOf(7);
  return Array.from({ length: 2_000 }, () => drawFault(draws, { minutes }));
};
const all = ["delay", "drop-watches", "expire-watch", "forget-history", "outage", "reset", "silence", "status"];

describe("the faults of a soak", () => {
  it("are of every kind, and answer with every code that the API server may answer with", () => {
    const faults = drawn(10);
    const codes = new Set(faults.flatMap((fault) => (fault.kind === "status" ? [fault.code] : [])));

    expect([...new Set(faults.map(({ kind }) => kind))].sort()).toEqual(all);
    expect([...codes].sort()).toEqual([410, 429, 500, 503, 504]);
  });

  it("come before and after the effect of a request", () => {
    const resets = drawn(10).flatMap((fault) => (fault.kind === "reset" ? [fault.when] : []));

    expect(new Set(resets)).toEqual(new Set(["before", "after"]));
  });

  it("let no stream fall silent in a run that ends before a client could notice", () => {
    expect(mayBeSilent({ minutes: 1 })).toBe(false);
    expect(drawn(1).map(({ kind }) => kind)).not.toContain("silence");
  });

  it("let the policies' stream never fall silent", () => {
    const paths = drawn(10).flatMap((fault) => (fault.kind === "silence" ? [fault.path] : []));

    expect(new Set(paths)).toEqual(new Set(["/api/v1/pods", "/api/v1/nodes", "/cninodes"]));
  });
});
