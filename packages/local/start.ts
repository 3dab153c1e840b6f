import { parseArgs } from "node:util";
import { TYPICAL_LATENCY } from "@trunkline/emulator-ec2";
import { StartFailure } from "./failure.ts";
import { removeWorldFiles, worldFolder, writeWorldFiles } from "./files.ts";
import { readPorts } from "./ports.ts";
import { forkTrunkline } from "./trunkline-process.ts";
import { startWorld } from "./world/world.ts";

/** Starts the local world and Trunkline and leaves them running until the person ends it. */
export async function main(words: readonly string[]): Promise<void> {
  try {
    await run(words);
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    process.stderr.write(`trunkline: ${error.message}\n`);
    process.exit(1);
  }
}

async function run(words: readonly string[]): Promise<void> {
  const say = (text: string) => process.stdout.write(`${text}\n`);
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
  await writeWorldFiles(worldFolder, world.facts);
  const trunkline = await forkTrunkline({ folder: worldFolder });
  const { facts } = world;
  say(`Kubernetes ${facts.kubernetes}   EC2 ${facts.ec2}   DynamoDB ${facts.dynamodb}   SQS ${facts.sqs}`);
  say(`VPC ${facts.vpcId}   groups: cluster ${facts.clusterGroupId}, pods ${facts.podGroupId}`);
  say(`Files: ${worldFolder}/kubeconfig, ${worldFolder}/env, ${worldFolder}/world.json, ${worldFolder}/trunkline.log`);
  say("Ready. Ctrl-C ends it.");
  await interrupted();
  await trunkline.stop();
  await world.stop();
  await removeWorldFiles(worldFolder);
  process.exit(0);
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: {} });
  } catch (error) {
    throw new StartFailure(error instanceof Error ? error.message : String(error));
  }
}

async function interrupted(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}
