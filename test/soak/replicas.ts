import type { ProcessFacts } from "./messages.ts";
import { isShort, type SoakOptions } from "./options.ts";
import type { Draws } from "./random.ts";
import { startProcess, type TrunklineProcess } from "./trunkline-process.ts";

/** Trunkline in a soak: the functions with one replica of the forwarder, and another replica in a process of its own. */
export interface Replicas {
  /** The process whose memory is measured: it is never killed. */
  readonly main: TrunklineProcess;
  admissionPorts(): readonly number[];
  /** From now on replicas stop in good order, or are killed, and start again. */
  start(): void;
  /** Ends that, with every replica running. */
  settle(): Promise<void>;
  stop(): Promise<void>;
  readonly done: { stopped: number; killed: number };
}

/** Between two ends of replicas, and from an end to the next start; milliseconds. */
const betweenEnds = [20_000, 45_000] as const;
const awayMilliseconds = [500, 12_000] as const;

/** Starts the processes. */
export async function startReplicas(options: {
  readonly soak: SoakOptions;
  readonly draws: Draws;
  readonly folder: string;
  readonly facts: Omit<ProcessFacts, "hasFunctions">;
  readonly onTrouble: (text: string) => void;
}): Promise<Replicas> {
  const { soak, draws, folder, facts, onTrouble } = options;
  const begin = (name: string, hasFunctions: boolean) =>
    startProcess({ folder, name, facts: { ...facts, hasFunctions }, onTrouble });
  const main = await begin("trunkline", true);
  let second = soak.replicas === 2 ? await begin("replica", false) : undefined;
  const done = { stopped: 0, killed: 0 };
  let timer: NodeJS.Timeout | undefined;
  let under: Promise<void> = Promise.resolve();

  const away = () => new Promise((resolve) => setTimeout(resolve, draws.between(...awayMilliseconds)));
  const stopAndStart = async () => {
    done.stopped += 1;
    await main.stopReplica();
    await away();
    await main.startReplica();
  };
  const killAndStart = async (victim: TrunklineProcess) => {
    done.killed += 1;
    await victim.kill();
    await away();
    second = await begin("replica", false);
  };
  const plan = () => {
    timer = setTimeout(
      () => {
        const victim = second;
        // In turn, so that a short run has both.
        const isKill = victim !== undefined && done.killed <= done.stopped;
        under = (isKill ? killAndStart(victim) : stopAndStart()).catch((error: unknown) => onTrouble(String(error)));
        void under.then(() => {
          if (timer !== undefined) plan();
        });
      },
      draws.between(...betweenEnds),
    );
  };

  return {
    main,
    admissionPorts: () => [main, second].flatMap((each) => each?.admissionPort() ?? []),
    start: () => {
      // Branches of pods that ended while nobody followed them are guarded for more than a minute.
      if (!isShort(soak)) plan();
    },
    settle: async () => {
      clearTimeout(timer);
      timer = undefined;
      await under;
    },
    stop: async () => {
      await second?.stop();
      await main.stop();
    },
    done,
  };
}
