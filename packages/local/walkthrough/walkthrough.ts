import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { TYPICAL_LATENCY } from "@trunkline/emulator-ec2";
import { localDurations, shortenedDurations } from "../durations.ts";
import { removeWorldFiles, writeWorldFiles } from "../files.ts";
import type { Ports } from "../ports.ts";
import { forkTrunkline } from "../trunkline-process.ts";
import { startWorld, type World } from "../world/world.ts";
import { followAnnotations } from "./annotation-delays.ts";
import { Cloud } from "./cloud.ts";
import { Cluster } from "./cluster.ts";
import { type Audience, playSteps, type Step, type StepResult } from "./step.ts";
import { jobsRelease, nineteenthWaits, restartsReuse } from "./steps-capacity.ts";
import { clusterDisappears, groupGoesSoon, terminationCleansUp } from "./steps-ends.ts";
import { nodesAreThere, trunksBecomeReady } from "./steps-nodes.ts";
import { databaseIsGuarded, deploymentGetsBranches, namesNeedTheDnsRule, probesNeedTheirRule } from "./steps-pods.ts";
import { summarise } from "./summary.ts";
import type { Tour } from "./tour.ts";

/** The tutorials of security groups for pods, in order. */
export const walkthrough: readonly Step<Tour>[] = [
  nodesAreThere,
  trunksBecomeReady,
  deploymentGetsBranches,
  databaseIsGuarded,
  namesNeedTheDnsRule,
  probesNeedTheirRule,
  nineteenthWaits,
  restartsReuse,
  jobsRelease,
  terminationCleansUp,
  groupGoesSoon,
  clusterDisappears,
];

/** How a walk-through is played. */
export interface WalkthroughOptions {
  readonly folder: string;
  readonly ports: Ports;
  readonly dynamodbEndpoint?: string | undefined;
  readonly audience: Audience;
  readonly steps?: readonly Step<Tour>[];
  /** Done to the world before the first step: a test breaks a rule here. */
  readonly prepare?: (world: World) => void;
}

/** Starts a world and Trunkline, plays the steps, and ends both. */
export async function playWalkthrough(
  options: WalkthroughOptions,
): Promise<{ results: readonly StepResult[]; summary: string }> {
  const steps = options.steps ?? walkthrough;
  const { folder } = options;
  await mkdir(folder, { recursive: true });
  await rm(join(folder, "trunkline.log"), { force: true });
  const worldLog = createWriteStream(join(folder, "world.log"));
  const world = await startWorld({
    region: "us-west-2",
    cluster: "demo",
    ports: options.ports,
    nodes: { count: 2, instanceType: "m5.large" },
    dynamodbEndpoint: options.dynamodbEndpoint,
    ec2: { latency: TYPICAL_LATENCY },
    onError: (error) => worldLog.write(`${error instanceof Error ? error.stack : String(error)}\n`),
  });
  try {
    options.prepare?.(world);
    await writeWorldFiles(folder, world.facts);
    const trunkline = await forkTrunkline({ folder });
    const delays = followAnnotations(world.kubernetes.api.as("observer"));
    try {
      const tour: Tour = {
        facts: world.facts,
        cluster: new Cluster(world.facts.kubernetes),
        cloud: new Cloud(world.facts.ec2, world.facts.region),
        cooldownSeconds: localDurations.cooldownSeconds,
        figures: new Map(),
        silenceCluster: () => world.silenceCluster(),
      };
      const results = await playSteps(steps, tour, options.audience);
      const summary = summarise({
        results,
        stepsTotal: steps.length,
        calls: await tour.cloud.calls(),
        annotationDelays: delays(),
        figures: tour.figures,
        shortened: shortenedDurations(),
      });
      return { results, summary };
    } finally {
      await trunkline.stop();
    }
  } finally {
    await world.stop();
    await removeWorldFiles(folder);
    await new Promise((resolve) => worldLog.end(resolve));
  }
}
