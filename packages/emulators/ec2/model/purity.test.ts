import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const folder = new URL(".", import.meta.url);
const sources = readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));

test("the model takes nothing from outside at run time: it imports its own files, and types", () => {
  const foreign = sources.flatMap((name) => {
    const text = readFileSync(new URL(name, folder), "utf8");
    const imports = text.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from "([^"]+)";/gm);
    return [...imports].map(([, from = ""]) => `${name} imports ${from}`).filter((line) => !line.includes(" ./"));
  });
  expect(sources.length).toBeGreaterThan(30);
  expect(foreign).toEqual([]);
});
