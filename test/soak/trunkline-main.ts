import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
  emulatedCluster,
  forwarderToken,
  startFunctions,
  startReplica,
  type WorldFacts,
  worldDurations,
} from "@trunkline/local";
import type { ProcessFacts, Question, Told } from "./messages.ts";
import { overrides, seconds } from "./settings.ts";

/** One process of Trunkline in a soak: a replica of the real forwarder, and in the first one the real functions. */
const tell = (told: Told) => void process.send?.(told);
const log = (line: string) => void process.stdout.write(`${line}\n`);
const trouble = (what: string) => (problem: unknown) => {
  const text = `${what}: ${problem instanceof Error ? (problem.stack ?? problem.message) : String(problem)}`;
  log(text);
  tell({ tell: "trouble", text });
};
process.on("unhandledRejection", trouble("unhandled rejection"));
process.on("uncaughtException", (problem) => {
  trouble("uncaught exception")(problem);
  // Nobody knows what state it is in. What was told is on its way: the channel is flushed before it closes.
  process.exitCode = 1;
  process.disconnect();
});
process.on("warning", trouble("warning"));
// The soak has ended without a word: so does this.
process.on("disconnect", () => process.exit(1));

const { world, certificate, hasFunctions } = JSON.parse(await readFile(process.argv[2] ?? "", "utf8")) as ProcessFacts;
const facts = JSON.parse(world) as WorldFacts;
let replica: Awaited<ReturnType<typeof startReplica>> | undefined;

const start = async (): Promise<Told> => {
  replica ??= await startReplica({
    facts,
    kubeConfig: emulatedCluster(facts.kubernetes, forwarderToken),
    host: "127.0.0.1",
    certificate,
    settings: {
      snapshotSeconds: seconds.snapshot,
      outcomeHeldSeconds: seconds.outcomeHeld,
      cooldownFloorSeconds: 1,
      // As in production: a lease of the local world's few seconds would change hands with every bunch of faults.
      election: {
        identity: `soak_${randomUUID()}`,
        lease: { namespace: "kube-system", name: "trunkline-forwarder" },
        leaseSeconds: worldDurations.lease.production,
        renewSeconds: worldDurations.leaseRenew.production,
        retrySeconds: worldDurations.leaseRetry.production,
      },
    },
    log,
  });
  return { tell: "replica", admissionPort: replica.admissionPort };
};

const stop = async (): Promise<Told> => {
  const running = replica;
  replica = undefined;
  await running?.stop();
  return { tell: "replica", admissionPort: undefined };
};

const sample = (): Told => {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { tell: "memory", sample: { heapUsed, rss } };
};

const functions = hasFunctions
  ? await startFunctions({ facts, overrides, reaperSeconds: seconds.reaper, log })
  : undefined;

const answer = async (question: Question): Promise<void> => {
  switch (question) {
    case "sample":
      return tell(sample());
    case "start-replica":
      return tell(await start());
    case "stop-replica":
      return tell(await stop());
    case "stop":
      await stop();
      await functions?.stop();
      process.exit(0);
  }
};

// One at a time, so that a replica is not stopped while it starts.
let before: Promise<void> = Promise.resolve();
process.on("message", (question: Question) => {
  before = before.then(() => answer(question)).catch(trouble(`the question "${question}" failed`));
});
tell({ tell: "ready" });
