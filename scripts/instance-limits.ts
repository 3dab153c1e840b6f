/**
 * Renews the core's table of instance limits: `npm run instance-limits -- <file>`.
 *
 * The file is a full table, or what `aws ec2 describe-instance-types` prints.
 */
import { readFile, writeFile } from "node:fs/promises";
import { type InstanceLimitsRow, instanceLimits } from "@trunkline/core/instance-limits";
import { readLimitsSource, type TypeLimits } from "./limits-source.ts";
import { renderLimitsTable } from "./limits-table.ts";

const tableFile = new URL("../packages/core/instance-limits-table.ts", import.meta.url);

/** The table that is there now, or nothing before the first run. */
async function knownLimits(): Promise<Map<string, TypeLimits>> {
  const known = new Map<string, TypeLimits>();
  const rows: readonly InstanceLimitsRow[] = await import(tableFile.href).then(
    (module) => module.instanceLimitsTable,
    () => [],
  );
  const lookup = instanceLimits(rows);
  for (const name of rows.flatMap(([, , , , types]) => types.split(" "))) {
    const limits = lookup.of(name);
    if (limits !== "unknown") {
      known.set(name, limits);
    }
  }
  return known;
}

/** The parsed file, or the end of the program with one line that says why. */
async function readSource(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    return fail(`${path} cannot be read as JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function fail(reason: string): never {
  console.error(reason);
  process.exit(1);
}

const problemsShownMax = 20;
const path = process.argv[2] ?? fail("Usage: npm run instance-limits -- <table of limits, or describe-instance-types>");
const result = readLimitsSource(await readSource(path), await knownLimits());
if ("problems" in result) {
  fail(result.problems.slice(0, problemsShownMax).join("\n"));
}
await writeFile(tableFile, renderLimitsTable(result.limits));
for (const note of result.notes) {
  console.log(note);
}
console.log(`packages/core/instance-limits-table.ts: ${result.limits.size} instance types.`);
