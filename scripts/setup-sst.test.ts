import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const realBun = Buffer.alloc(1_000_001);
const stub = Buffer.alloc(450);

/** What stands in for SST's command: it records which bun it was given and leaves what the real one leaves. */
const sstCommand = `
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
appendFileSync("calls", process.env.SST_BUN_PATH + "\\n");
mkdirSync(".sst/platform/node_modules/@pulumi/aws", { recursive: true });
writeFileSync(".sst/platform/node_modules/@pulumi/aws/package.json", "{}");
writeFileSync(".sst/platform/version", "4.0.0\\n");
writeFileSync(".sst/provider-lock.json", "[]");
`;

let checkout: string;

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), "trunkline-setup-"));
  await mkdir(join(checkout, "scripts"));
  await cp(new URL("./setup-sst.mjs", import.meta.url), join(checkout, "scripts/setup-sst.mjs"));
});

afterEach(() => rm(checkout, { recursive: true }));

async function place(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(checkout, path)), { recursive: true });
  await writeFile(join(checkout, path), content);
}

async function installModules(options: { version: string; command: string; bun: Buffer; plainBun: Buffer }) {
  await place("node_modules/sst/package.json", JSON.stringify({ version: options.version }));
  await place("node_modules/sst/bin/sst.mjs", options.command);
  await place("node_modules/bun/bin/bun.exe", options.bun);
  await place("node_modules/@oven/bun-linux-x64/bin/bun", options.plainBun);
}

const setUp = () => spawnSync(process.execPath, [join(checkout, "scripts/setup-sst.mjs")], { encoding: "utf8" });
const calls = () => readFile(join(checkout, "calls"), "utf8");

describe("setup-sst", () => {
  test("it gives SST the absolute path of bun, and does nothing the second time", async () => {
    await installModules({ version: "4.0.0", command: sstCommand, bun: realBun, plainBun: stub });

    const results = [setUp(), setUp()];

    expect(results.map(({ status }) => status)).toEqual([0, 0]);
    expect(results[1]?.stdout).toBe("");
    expect(await calls()).toBe(`${join(checkout, "node_modules/bun/bin/bun.exe")}\n`);
  });

  test("it takes the platform's own bun where npm ran without install scripts", async () => {
    await installModules({ version: "4.0.0", command: sstCommand, bun: stub, plainBun: realBun });

    expect(setUp().status).toBe(0);
    expect(await calls()).toBe(`${join(checkout, "node_modules/@oven/bun-linux-x64/bin/bun")}\n`);
  });

  test("the platform of another version of SST is replaced", async () => {
    await installModules({ version: "4.0.0", command: sstCommand, bun: realBun, plainBun: stub });
    setUp();
    await place(".sst/platform/version", "3.9.9\n");

    expect(setUp().stdout).toContain("installing SST's platform");
  });

  test.each([
    ["SST is not installed", undefined, 'SST is not installed; run "npm ci" first.'],
    ["the registry cannot be reached", 'console.error("no route"); process.exit(1);', "failed (no route)"],
    ["SST leaves no platform", "", '"sst install" failed'],
  ])("when %s, it says so in one line and fails", async (_, command, sentence) => {
    if (command !== undefined) {
      await installModules({ version: "4.0.0", command, bun: realBun, plainBun: stub });
    }

    const { status, stderr } = setUp();

    expect(status).toBe(1);
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringContaining(sentence)]);
  });

  test("when there is no bun for this platform, it says so", async () => {
    await installModules({ version: "4.0.0", command: sstCommand, bun: stub, plainBun: stub });

    expect(setUp().stderr).toContain(`no bun for ${process.platform}-${process.arch}`);
  });
});
