import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Benchmark, Row } from "./benchmark.ts";
import { wantsEni } from "./reflector/pods.ts";
import { type MeasuredForwarder, startProgram, startWorld, type World } from "./reflector/program.ts";
import { type Queues, startQueues } from "./reflector/queues.ts";

const pods = 20_000;
const nodes = 1_000;
const policies = 200;
const podsPerSecond = 400;
const residentMegabytesMax = 300;

const patienceMilliseconds = 180_000;
const pollMilliseconds = 100;
/** How long the forwarder is left alone before its memory is read; a collection is never forced. */
const restMilliseconds = 10_000;

/** Pods that ask for ENIs: those of which the functions must hear. */
const eniPods = Array.from({ length: pods }, (_, index) => index).filter(wantsEni).length;

/** The forwarder's memory and speed in a large cluster: the real program, bundled as for its image, in a process of its own. */
export const reflector: Benchmark = {
  name: "reflector",
  title: `The forwarder's process with ${pods} pods and ${nodes} nodes, then every pod replaced, at most ${podsPerSecond} a second`,
  run: async (progress) => {
    const folder = await mkdtemp(join(tmpdir(), "trunkline-bench-"));
    const queues = await startQueues();
    const world = startWorld();
    let forwarder: MeasuredForwarder | undefined;
    try {
      progress("the world starts");
      const started = await world.ask<"started">({ ask: "start", pods, nodes, policies });
      progress("the forwarder starts");
      const startedAt = performance.now();
      forwarder = await startProgram(folder, started.kubernetes, queues);
      const measured = await measure({ world, queues, forwarder, progress, startedAt });
      return [
        { figure: "mean size of a pod", value: started.podBytes / 1e3, unit: "kB", target: { min: 8 } },
        { figure: "mean size of a node", value: started.nodeBytes / 1e3, unit: "kB", target: { min: 30 } },
        ...measured,
      ];
    } finally {
      forwarder?.stop();
      world.stop();
      await queues.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

interface Subjects {
  readonly world: World;
  readonly queues: Queues;
  readonly forwarder: MeasuredForwarder;
  readonly progress: (line: string) => void;
  readonly startedAt: number;
}

const measure = async ({ world, queues, forwarder, progress, startedAt }: Subjects): Promise<readonly Row[]> => {
  const until = async (type: string, least: number): Promise<void> => {
    const from = performance.now();
    while (queues.received(type) < least) {
      forwarder.check();
      if (performance.now() - from > patienceMilliseconds)
        throw new Error(`the functions heard of ${queues.describe()}, and not of ${least} ${type}`);
      await pause(pollMilliseconds);
    }
  };
  await until("ClusterRegistered", 1);
  const secondsToSync = (performance.now() - startedAt) / 1_000;
  progress(`synced after ${secondsToSync.toFixed(1)} s`);
  await pause(restMilliseconds);
  const listed = await forwarder.memory();
  progress(`${listed.resident.toFixed(0)} MB after the list`);

  const cpuBefore = await forwarder.cpuSeconds();
  const { seconds } = await world.ask<"changed">({ ask: "replace", podsPerSecond });
  await until("PodGone", eniPods);
  await until("PodObserved", eniPods);
  await until("NodeSnapshot", nodes);
  progress(`every pod replaced in ${seconds.toFixed(0)} s`);
  await world.ask<"changed">({ ask: "run", podsPerSecond });
  const cpuSeconds = (await forwarder.cpuSeconds()) - cpuBefore;
  await pause(restMilliseconds);
  const churned = await forwarder.memory();
  progress(`${churned.resident.toFixed(0)} MB after the churn`);
  const target = { max: residentMegabytesMax };
  return [
    { figure: "seconds to sync", value: secondsToSync, unit: "s" },
    { figure: "resident after the list", value: listed.resident, unit: "MB", target },
    { figure: "peak until then", value: listed.peak, unit: "MB", target },
    { figure: "resident after the churn", value: churned.resident, unit: "MB", target },
    { figure: "peak of all", value: churned.peak, unit: "MB", target },
    { figure: "pods replaced a second", value: pods / seconds, unit: "" },
    { figure: "processor time of a replaced pod", value: (cpuSeconds * 1_000) / pods, unit: "ms" },
  ];
};
