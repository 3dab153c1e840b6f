/**
 * Makes `model/instance-types-table.ts` from a JSON file of instance limits:
 * `{ "<type>": { interfaces, ipv4PerInterface, trunking, branchInterfaces, defaultNetworkCardInterfaces, networkCards,
 * hypervisor, bareMetal } }`. The emulator keeps a table of its own, so that it does not take over a mistake of what it tests.
 */
import { readFile, writeFile } from "node:fs/promises";

interface Limits {
  readonly interfaces: number;
  readonly ipv4PerInterface: number;
  readonly trunking: boolean;
  readonly branchInterfaces: number;
  readonly defaultNetworkCardInterfaces: number;
  readonly networkCards: number;
  readonly hypervisor: string;
  readonly bareMetal: boolean;
}

const [source] = process.argv.slice(2);
if (source === undefined) {
  console.error("Usage: instance-types.ts <path to the limits as JSON>");
  process.exit(1);
}
const limits = JSON.parse(await readFile(source, "utf8")) as Record<string, Limits>;
const lines = Object.entries(limits).map(([type, of]) =>
  [
    type,
    of.interfaces,
    of.ipv4PerInterface,
    of.trunking ? of.branchInterfaces : "-",
    of.defaultNetworkCardInterfaces,
    of.networkCards,
    of.bareMetal ? "metal" : of.hypervisor || "-",
  ].join(" "),
);
const text = `/**
 * Made by scripts/instance-types.ts; do not edit. One line per instance type: name, interfaces, IPv4 addresses per
 * interface, branch interfaces (- without trunking), interfaces of network card 0, network cards, hypervisor (metal: none).
 */
export const INSTANCE_TYPES_TABLE = \`
${lines.join("\n")}
\`;
`;
await writeFile(new URL("../model/instance-types-table.ts", import.meta.url), text);
console.log(`${lines.length} instance types.`);
