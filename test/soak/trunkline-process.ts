import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MemorySample } from "./memory.ts";
import type { ProcessFacts, Question, Told } from "./messages.ts";

/** How long any question may take; longer is a hang, milliseconds. */
const answerMilliseconds = 60_000;

/** A process of Trunkline, seen from the soak. */
export interface TrunklineProcess {
  /** Where its replica serves admission; nothing while it is stopped or the process is dead. */
  admissionPort(): number | undefined;
  startReplica(): Promise<void>;
  stopReplica(): Promise<void>;
  sample(): Promise<MemorySample>;
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Where a process writes and whom it tells. */
export interface ProcessOptions {
  readonly folder: string;
  readonly name: string;
  readonly facts: ProcessFacts;
  readonly onTrouble: (text: string) => void;
}

/** Starts a process and its replica; resolves when that serves. */
export async function startProcess(options: ProcessOptions): Promise<TrunklineProcess> {
  const { folder, name, facts, onTrouble } = options;
  const factsPath = join(folder, `${name}.json`);
  await writeFile(factsPath, JSON.stringify(facts));
  const child = fork(join(import.meta.dirname, "trunkline-main.ts"), [factsPath], {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const log = createWriteStream(join(folder, `${name}.log`), { flags: "a" });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  let port: number | undefined;
  let isMeantToEnd = false;
  child.on("message", (told: Told) => {
    if (told.tell === "trouble") onTrouble(`${name}: ${told.text}`);
    if (told.tell === "replica") port = told.admissionPort;
  });
  child.on("exit", (code, signal) => {
    port = undefined;
    if (!isMeantToEnd) onTrouble(`${name} ended with ${code ?? signal}`);
  });
  const ask = async <Kind extends Told["tell"]>(question: Question, kind: Kind) => {
    const answer = heard(child, kind);
    child.send(question);
    return await answer;
  };
  await heard(child, "ready");
  await ask("start-replica", "replica");
  return {
    admissionPort: () => port,
    startReplica: async () => void (await ask("start-replica", "replica")),
    stopReplica: async () => {
      port = undefined;
      await ask("stop-replica", "replica");
    },
    sample: async () => (await ask("sample", "memory")).sample,
    kill: async () => {
      isMeantToEnd = true;
      if (isOver(child)) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
    stop: async () => {
      isMeantToEnd = true;
      if (isOver(child)) return;
      child.send("stop" satisfies Question);
      const timer = setTimeout(() => child.kill("SIGKILL"), answerMilliseconds);
      await once(child, "exit");
      clearTimeout(timer);
    },
  };
}

const isOver = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** The next message of this kind. Rejects when the process ends or hangs. */
function heard<Kind extends Told["tell"]>(child: ChildProcess, kind: Kind): Promise<Extract<Told, { tell: Kind }>> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      child.off("message", onMessage);
      child.off("exit", onExit);
    };
    const onMessage = (told: Told) => {
      if (told.tell !== kind) return;
      settle();
      resolve(told as Extract<Told, { tell: Kind }>);
    };
    const onExit = () => {
      settle();
      reject(new Error(`a process of Trunkline ended before it told "${kind}"`));
    };
    const timer = setTimeout(() => {
      settle();
      reject(new Error(`a process of Trunkline did not tell "${kind}" within ${answerMilliseconds} ms`));
    }, answerMilliseconds);
    child.on("message", onMessage);
    child.on("exit", onExit);
  });
}
