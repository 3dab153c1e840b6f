import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleForwarder } from "./bundle-forwarder.ts";

let folder: string;
let bytes: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bundle-"));
  bytes = await bundleForwarder(join(folder, "forwarder.mjs"));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (env: Record<string, string>) =>
  new Promise<{ code: unknown; stderr: string }>((resolve) => {
    // Somewhere without node_modules: whatever is not in the file is missing.
    execFile(process.execPath, ["forwarder.mjs"], { cwd: folder, env }, (error, _, stderr) =>
      resolve({ code: error?.code ?? 0, stderr }),
    );
  });

test("the bundle runs on its own, and names each setting that is missing", async () => {
  const { code, stderr } = await run({});

  expect(code).toBe(1);
  expect(stderr.split("\n").filter((line) => line.startsWith("TRUNKLINE_"))).toContain("TRUNKLINE_CLUSTER is not set.");
  expect(stderr).not.toMatch(/ at .*forwarder\.mjs/);
}, 20_000);

test("the bundle is one file below 8 MiB", () => {
  expect(bytes).toBeLessThan(8 * 1_048_576);
});

test("the same sources give the same bytes", async () => {
  const again = join(folder, "again.mjs");
  await bundleForwarder(again);

  expect((await readFile(again)).equals(await readFile(join(folder, "forwarder.mjs")))).toBe(true);
}, 60_000);
