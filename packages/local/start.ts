import { parseArgs } from "node:util";
import { TYPICAL_LATENCY } from "@trunkline/emulator-ec2";
import { explainFailures, StartFailure } from "./failure.ts";
import { removeWorldFiles, worldFolder, writeWorldFiles } from "./files.ts";
import { interruption } from "./interruption.ts";
import { readPorts } from "./ports.ts";
import { forkTrunkline } from "./trunkline-process.ts";
import type { WorldFacts } from "./walkthrough/tour.ts";
import { startWorld } from "./world/world.ts";

/** Starts the local world and Trunkline and leaves them running until the person ends it. */
export async function main(words: readonly string[]): Promise<void> {
  const interrupted = interruption();
  let isInterrupted = false;
  void interrupted.then(() => {
    isInterrupted = true;
  });
  await explainFailures(() =>
    run(words, interrupted).catch((error: unknown) => {
      // Ctrl-C ends children in the middle of their start too, which is no failure then.
      if (!isInterrupted) throw error;
    }),
  );
  process.exit(0);
}

const say = (text: string) => process.stdout.write(`${text}\n`);

async function run(words: readonly string[], interrupted: Promise<void>): Promise<void> {
  parse(words);
  const world = await startWorld({
    region: "us-west-2",
    cluster: "demo",
    ports: readPorts(process.env),
    nodes: { count: 2, instanceType: "m5.large" },
    dynamodbEndpoint: process.env.DYNAMODB_ENDPOINT,
    ec2: { latency: TYPICAL_LATENCY },
    onError: (error) => say(`world: ${error instanceof Error ? error.message : String(error)}`),
  });
  try {
    await writeWorldFiles(worldFolder, world.facts);
    const trunkline = await forkTrunkline({ folder: worldFolder });
    try {
      tell(world.facts);
      await interrupted;
    } finally {
      await trunkline.stop();
    }
  } finally {
    await world.stop();
    await removeWorldFiles(worldFolder);
  }
}

function tell(facts: WorldFacts): void {
  say(`Kubernetes ${facts.kubernetes}   EC2 ${facts.ec2}   DynamoDB ${facts.dynamodb}   SQS ${facts.sqs}`);
  say(`VPC ${facts.vpcId}   groups: cluster ${facts.clusterGroupId}, pods ${facts.podGroupId}`);
  say(`Files: ${worldFolder}/kubeconfig, ${worldFolder}/env, ${worldFolder}/world.json, ${worldFolder}/trunkline.log`);
  say("Ready. Ctrl-C ends it.");
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: {} });
  } catch (error) {
    throw new StartFailure(error instanceof Error ? error.message : String(error));
  }
}
