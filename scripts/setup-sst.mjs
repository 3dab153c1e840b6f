/**
 * Puts SST's platform (the types and components that `sst.config.ts` and `stacks/` are written against) into
 * `.sst/platform`, where the linter's type check and the infrastructure tests read it. Needs no AWS account.
 *
 * It does nothing when the platform of the installed SST is already there. Besides `npm ci` this is the one step
 * that downloads something: `@pulumi/aws` and its siblings, from the npm registry.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const platform = join(root, ".sst", "platform");
const installSecondsMax = 300;
/** What stands in the place of bun when npm ran without install scripts is a few hundred bytes long. */
const bunBytesMin = 1_000_000;

function isInstalled() {
  const version = join(platform, "version");
  return (
    existsSync(version) &&
    readFileSync(version, "utf8").trim() === sstVersion() &&
    existsSync(join(root, ".sst", "provider-lock.json")) &&
    existsSync(join(platform, "node_modules", "@pulumi", "aws", "package.json"))
  );
}

function sstVersion() {
  return JSON.parse(readFileSync(join(modules, "sst", "package.json"), "utf8")).version;
}

/** SST installs its platform with bun and wants the absolute path of the real binary. */
function bunPath() {
  const packages = join(modules, "@oven");
  const candidates = [
    join(modules, "bun", "bin", "bun.exe"),
    ...(existsSync(packages) ? readdirSync(packages).map((name) => join(packages, name, "bin", "bun")) : []),
  ];
  return candidates.find((path) => existsSync(path) && statSync(path).size > bunBytesMin);
}

function fail(reason) {
  console.error(`setup:sst: ${reason}`);
  process.exit(1);
}

function install() {
  const bun = bunPath();
  if (bun === undefined) {
    fail(`there is no bun for ${process.platform}-${process.arch} in node_modules; run "npm ci" on Linux or macOS.`);
  }
  const { status, error, stdout, stderr } = spawnSync(
    process.execPath,
    [join(modules, "sst", "bin", "sst.mjs"), "install", "--stage", "test"],
    {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: installSecondsMax * 1_000,
      env: {
        ...process.env,
        SST_TELEMETRY_DISABLED: "1",
        SST_SKIP_DEPENDENCY_CHECK: "1",
        SST_BUN_PATH: bun,
      },
    },
  );
  if (status !== 0 || !isInstalled()) {
    const said = error?.message ?? `${stdout}${stderr}`.trim().split("\n").at(-1);
    fail(`"sst install" failed (${said}); it needs the npm registry once; try again when it can be reached.`);
  }
}

if (!existsSync(join(modules, "sst"))) {
  fail('SST is not installed; run "npm ci" first.');
}
if (!isInstalled()) {
  console.log("setup:sst: installing SST's platform into .sst/platform (once).");
  install();
}
