/**
 * Makes the one file that the forwarder's image runs: `npm run bundle:forwarder -- [file]`.
 *
 * The same sources and the same lock file give the same bytes.
 */
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const root = dirname(import.meta.dirname);

/** Dependencies that are CommonJS ask for `require`, which a module does not have. */
const require = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * Bundles the forwarder with all of its dependencies.
 *
 * @returns the size of the file in bytes
 */
export async function bundleForwarder(outfile: string): Promise<number> {
  await build({
    absWorkingDir: root,
    entryPoints: ["packages/forwarder/main.ts"],
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    banner: { js: require },
    minifySyntax: true,
    minifyWhitespace: true,
    // Names stay, so that the stack of an error can be read.
    keepNames: true,
    legalComments: "eof",
    logLevel: "warning",
  });
  return (await stat(outfile)).size;
}

if (process.argv[1] === import.meta.filename) {
  const outfile = process.argv[2] ?? join(root, "dist/forwarder.mjs");
  const bytes = await bundleForwarder(outfile);
  process.stdout.write(`${outfile}: ${(bytes / 1_048_576).toFixed(2)} MiB\n`);
}
