import { expect, test } from "vitest";
import { readSources } from "./support/sources.ts";

const rowPattern = /^\| (K\d{2}) \|/gm;
/** The beginning of a title, which may stand in a cell of a table, and may also name rules of the ledger protocol. */
const titlePattern = /["'`]((?:[KP]\d{2}, )*K\d{2})(?=[: "])/g;

const found = async (ending: string, pattern: RegExp): Promise<readonly string[]> => {
  const files = await readSources([ending]);
  return files.flatMap(({ text }) => [...text.matchAll(pattern)].map(([, title = ""]) => title));
};

test("every row of the Kubernetes contract is named by a test, and every test's row is in the contract", async () => {
  const rows = await found("docs/kubernetes-contract.md", rowPattern);
  const titles = await found(".test.ts", titlePattern);
  const tested = titles.flatMap((title) => title.match(/K\d{2}/g) ?? []);

  expect(rows.length).toBeGreaterThan(50);
  expect(new Set(rows).size).toBe(rows.length);
  expect({
    withoutTest: rows.filter((row) => !tested.includes(row)),
    withoutRow: tested.filter((row) => !rows.includes(row)),
  }).toEqual({ withoutTest: [], withoutRow: [] });
});
