// Plain JavaScript that any Node runs: it says in one line what this machine lacks, before anything else is loaded.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const commands = { start: "./start.ts", demo: "./demo.ts" };
const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

function refuse(text) {
  process.stderr.write(`trunkline: ${text}\n`);
  process.exit(1);
}

const [command, ...rest] = process.argv.slice(2);
const major = Number(process.versions.node.split(".")[0]);
if (!(command in commands)) refuse(`unknown command "${command ?? ""}": use npm start or npm run demo`);
if (major < 24)
  refuse(
    `this is Node ${process.versions.node} and Node 24 is needed: run it by npm (npm run ${command}), or install Node 24 where npm has no node-${process.platform}-${process.arch} package`,
  );
if (!process.env.DYNAMODB_ENDPOINT && !existsSync(join(root, "node_modules/@dynoxide/linux-x64/dynoxide")))
  refuse(
    `no DynamoDB server for ${process.platform}-${process.arch}: start DynamoDB Local and set DYNAMODB_ENDPOINT (for example http://127.0.0.1:8000)`,
  );

const { main } = await import(commands[command]);
await main(rest);
