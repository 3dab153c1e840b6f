import { parseArgs } from "node:util";
import { TYPICAL_LATENCY } from "@trunkline/emulator-ec2";
import { explainFailures, StartFailure } from "./failure.ts";
import { removeWorldFiles, worldFolder, writeWorldFiles } from "./files.ts";
import { type Interruption, listenForInterruption } from "./interruption.ts";
import { readPorts } from "./ports.ts";
import { forkTrunkline } from "./trunkline-process.ts";
import type { WorldFacts } from "./walkthrough/tour.ts";
import { startWorldOf } from "./world/real-cluster.ts";
import { startWorld, type World } from "./world/world.ts";

/** Starts the local world and Trunkline and leaves them running until the person ends it. */
export async function main(words: readonly string[]): Promise<void> {
  const interruption = listenForInterruption();
  await explainFailures(() =>
    run(words, interruption).catch((error: unknown) => {
      // Ctrl-C ends children in the middle of their start too, which is no failure then.
      if (!interruption.isHeard()) throw error;
    }),
  );
  process.exit(0);
}

const say = (text: string) => process.stdout.write(`${text}\n`);

async function run(words: readonly string[], interruption: Interruption): Promise<void> {
  const { kubeconfig, adoptNodes } = parse(words);
  const world = await begin(kubeconfig, adoptNodes);
  try {
    if (interruption.isHeard()) return;
    await writeWorldFiles(worldFolder, world.facts, { hasCluster: kubeconfig !== undefined });
    const admissionHost = process.env.TRUNKLINE_ADMISSION_HOST;
    const trunkline = await forkTrunkline({ folder: worldFolder, kubeconfig, admissionHost });
    try {
      tell(world.facts, kubeconfig ?? `${worldFolder}/kubeconfig`);
      await interruption.heard;
    } finally {
      await trunkline.stop();
    }
  } finally {
    await world.stop();
    await removeWorldFiles(worldFolder);
  }
}

/** Begins a world of its own, or one around a real API server. */
async function begin(kubeconfig: string | undefined, adoptNodes: boolean): Promise<Pick<World, "facts" | "stop">> {
  const options = {
    region: "us-west-2",
    cluster: "demo",
    ports: readPorts(process.env),
    dynamodbEndpoint: process.env.DYNAMODB_ENDPOINT,
    ec2: { latency: TYPICAL_LATENCY },
    onError: (error: unknown) => say(`world: ${error instanceof Error ? error.message : String(error)}`),
  };
  return kubeconfig === undefined
    ? await startWorld({ ...options, nodes: { count: 2, instanceType: "m5.large" } })
    : await startWorldOf({ ...options, kubeconfig, adoptNodes, tell: say });
}

function tell(facts: WorldFacts, kubeconfig: string): void {
  say(`Kubernetes ${facts.kubernetes}   EC2 ${facts.ec2}   DynamoDB ${facts.dynamodb}   SQS ${facts.sqs}`);
  say(`VPC ${facts.vpcId}   groups: cluster ${facts.clusterGroupId}, pods ${facts.podGroupId}`);
  say(`Files: ${kubeconfig}, ${worldFolder}/env, ${worldFolder}/world.json, ${worldFolder}/trunkline.log`);
  say("Ready. Ctrl-C ends it.");
}

function parse(words: readonly string[]): { kubeconfig: string | undefined; adoptNodes: boolean } {
  const { kubeconfig, "adopt-nodes": adoptNodes } = optionsOf(words);
  if (adoptNodes && kubeconfig === undefined)
    throw new StartFailure("--adopt-nodes needs --kubeconfig FILE: the emulated cluster's nodes have their instances");
  return { kubeconfig, adoptNodes };
}

function optionsOf(words: readonly string[]) {
  try {
    const options = { kubeconfig: { type: "string" }, "adopt-nodes": { type: "boolean", default: false } } as const;
    return parseArgs({ args: [...words], options }).values;
  } catch (error) {
    throw new StartFailure(error instanceof Error ? error.message : String(error));
  }
}
