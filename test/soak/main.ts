import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseOptions } from "./options.ts";
import { preamble } from "./settings.ts";
import { runSoak } from "./soak.ts";
import { delayLine, hasPassed, memoryLine, type SoakResult, summaryLine } from "./summary.ts";

const usage = "npm run soak -- [--minutes N] [--seed N] [--nodes N] [--pods N] [--replicas 1|2]";

/** `npm run soak`. @returns the exit code: 0 when it passed, 1 when not, 2 when the words are wrong. */
export async function main(words: readonly string[]): Promise<number> {
  const options = parseOptions(words, Date.now() % 100_000);
  if (typeof options === "string") {
    process.stderr.write(`soak: ${options}\n${usage}\n`);
    return 2;
  }
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  // At the exit its servers are ended, and Trunkline ends when nobody listens to it any more.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  const folder = await mkdtemp(join(tmpdir(), "soak-"));
  say(preamble(options));
  const result = await runSoak(options, { folder, say }).catch((error: unknown) => {
    say(`soak: it broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    say(`soak: ${options.minutes} min, seed ${options.seed}: FAILED; the logs of its processes are in ${folder}`);
  });
  if (result === undefined) return 1;
  for (const line of findings(result)) say(line);
  if (hasPassed(result)) await rm(folder, { recursive: true, force: true });
  else say(`the logs of its processes are in ${folder}`);
  say(summaryLine(result));
  return hasPassed(result) ? 0 : 1;
}

function findings({ violations, disagreements, leftovers, troubles, delays, memory }: SoakResult): readonly string[] {
  return [
    ...violations.map((text) => `violation: ${text}`),
    ...disagreements.map((text) => `disagreement: ${text}`),
    ...leftovers.map((text) => `left over: ${text}`),
    ...troubles.map((text) => `trouble: ${text}`),
    delayLine(delays),
    memoryLine(memory),
  ];
}
