import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { disagreements, leftovers } from "./agreement.ts";
import { createChurn } from "./churn.ts";
import { joinNodes, namespaces, type SoakCluster, startCluster } from "./cluster.ts";
import { createCollector } from "./collect.ts";
import { createFaults, mayBeSilent } from "./faults.ts";
import { type MemorySample, memoryTrend } from "./memory.ts";
import type { SoakOptions } from "./options.ts";
import { drawsOf } from "./random.ts";
import { type Replicas, startReplicas } from "./replicas.ts";
import { untilQuiet } from "./settling.ts";
import type { SoakResult } from "./summary.ts";
import type { Truth } from "./truth.ts";
import { watchWorld } from "./watching.ts";

const progressMilliseconds = 10_000;
const sampleMilliseconds = 3_000;
const troublesMax = 100;

/** Where a soak writes and whom it tells. */
export interface SoakSurroundings {
  /** For the logs of its processes; it exists. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** Runs a whole soak: the world, Trunkline, churn under faults, rest, comparison, clean-up. */
export async function runSoak(options: SoakOptions, { folder, say }: SoakSurroundings): Promise<SoakResult> {
  const troubles: string[] = [];
  const onTrouble = (text: string) => {
    if (troubles.length < troublesMax) troubles.push(text);
    say(`trouble: ${text}`);
  };
  const onError = (error: unknown) =>
    onTrouble(error instanceof Error ? (error.stack ?? error.message) : String(error));
  let replicas: Replicas | undefined;
  const cluster = await startCluster({ admissionPorts: () => replicas?.admissionPorts() ?? [], onError });
  try {
    const facts = { world: JSON.stringify(cluster.world.facts), certificate: cluster.certificate };
    replicas = await startReplicas({ soak: options, draws: drawsOf(options.seed + 2), folder, facts, onTrouble });
    return await play({ options, cluster, replicas, troubles, onError, say, folder });
  } finally {
    await replicas?.stop();
    await cluster.world.stop();
  }
}

interface Stage {
  readonly options: SoakOptions;
  readonly cluster: SoakCluster;
  readonly replicas: Replicas;
  readonly troubles: readonly string[];
  readonly onError: (error: unknown) => void;
  readonly say: (line: string) => void;
  readonly folder: string;
}

async function play({ options, cluster, replicas, troubles, onError, say, folder }: Stage): Promise<SoakResult> {
  const { witness, stop: stopWatching } = watchWorld(cluster);
  const collector = createCollector(cluster);
  const churn = createChurn({ cluster, options, draws: drawsOf(options.seed) }, onError);
  const faults = createFaults(cluster.world.kubernetes, drawsOf(options.seed + 1), options);
  const samples: MemorySample[] = [];
  const settle = (what: string, compare: (truth: Truth) => readonly string[]) =>
    untilQuiet({
      what,
      compare,
      say,
      collect: collector.collect,
      mayBeSilent: mayBeSilent(options),
      onUnrest: (truth) => writeFile(join(folder, "truth.json"), JSON.stringify(truth, undefined, 1)),
    });
  const found = { disagreements: [] as readonly string[], leftovers: [] as readonly string[] };
  try {
    await joinNodes(cluster, options);
    found.disagreements = await settle("the nodes are ready", disagreements);
    if (found.disagreements.length === 0) {
      await churn.begin();
      churn.start();
      faults.start();
      replicas.start();
      await sampleFor(options.minutes * 60_000, {
        sample: async () => void samples.push(await replicas.main.sample()),
        progress: async (leftMilliseconds) =>
          say(
            `${Math.ceil(leftMilliseconds / 1_000)} s left: ${witness.pods} pods seen, ${witness.delays.length} annotated, ` +
              `${await faults.struck()} faults, ${replicas.done.killed} kills, ${replicas.done.stopped} stops, ` +
              `${witness.violations.length} violations, ${troubles.length} troubles, ` +
              `heap ${Math.round((samples.at(-1)?.heapUsed ?? 0) / 2 ** 20)} MiB`,
          ),
      });
      await Promise.all([churn.stop(), faults.stop(), replicas.settle()]);
      say(`done: ${JSON.stringify(churn.done)}`);
      found.disagreements = await settle("everything agrees", disagreements);
      if (found.disagreements.length === 0) found.leftovers = await cleanUp(cluster, settle);
    }
    return {
      options,
      pods: witness.pods,
      delays: witness.delays,
      faults: await faults.struck(),
      violations: witness.violations,
      ...found,
      troubles,
      memory: memoryTrend(samples),
    };
  } finally {
    await Promise.all([churn.stop(), faults.stop(), replicas.settle()]);
    stopWatching();
    collector.stop();
  }
}

/** Takes a sample every few seconds and tells the progress now and then. */
async function sampleFor(
  milliseconds: number,
  act: { readonly sample: () => Promise<void>; readonly progress: (leftMilliseconds: number) => Promise<void> },
): Promise<void> {
  const end = performance.now() + milliseconds;
  let progressAt = performance.now() + progressMilliseconds;
  for (let now = performance.now(); now < end; now = performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(sampleMilliseconds, end - now)));
    await act.sample();
    if (performance.now() < progressAt) continue;
    await act.progress(Math.max(0, end - performance.now()));
    progressAt += progressMilliseconds;
  }
}

/** Deletes every pod, and then every instance. @returns what is left of them. */
async function cleanUp(
  cluster: SoakCluster,
  settle: (what: string, compare: (truth: Truth) => readonly string[]) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  await deleteWorkloads(cluster);
  const left = await settle("no branch is left", leftovers);
  if (left.length > 0) return left;
  endInstances(cluster);
  return await settle("nothing is left", remains);
}

async function deleteWorkloads({ administrator }: SoakCluster): Promise<void> {
  for (const namespace of namespaces) {
    for (const [group, resource] of [
      ["apps", "deployments"],
      ["apps", "replicasets"],
      ["", "pods"],
    ] as const) {
      const { objects } = await administrator.list({ group, resource, namespace });
      await Promise.all(
        objects.map(({ metadata }) =>
          // The garbage collector may have been faster.
          administrator.delete({ group, resource, namespace, name: metadata.name ?? "" }).catch(() => {}),
        ),
      );
    }
  }
}

function endInstances({ world }: SoakCluster): void {
  const ec2 = world.ec2.model();
  const { instances } = ec2.state();
  ec2.perform("TerminateInstances", { InstanceIds: instances.map(({ InstanceId = "" }) => InstanceId) });
}

/** What is left of nodes and interfaces after the last instance has ended. */
function remains(truth: Truth): readonly string[] {
  return [
    ...leftovers(truth),
    ...truth.enis.map(({ eniId }) => `the ENI ${eniId} is left`),
    ...truth.nodes.map(({ name }) => `the node ${name} is left`),
    ...truth.cniNodes.map(({ name }) => `the CNINode ${name} is left`),
    ...truth.trunks
      .filter(({ status }) => status !== "gone")
      .map(({ instanceId }) => `the trunk of ${instanceId} is left`),
    ...[...truth.deadLetters]
      .filter(([, count]) => count > 0)
      .map(([queue, count]) => `${queue}: ${count} dead letters`),
  ];
}
