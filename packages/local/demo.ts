import { StartFailure } from "./failure.ts";
import { worldFolder } from "./files.ts";
import { readPorts } from "./ports.ts";
import { terminal } from "./walkthrough/terminal.ts";
import { playWalkthrough } from "./walkthrough/walkthrough.ts";

/** Plays the walk-through on a fresh local world. Exits with 1 when an expectation does not hold. */
export async function main(): Promise<void> {
  try {
    const { results, summary } = await playWalkthrough({
      folder: worldFolder,
      ports: readPorts(process.env),
      dynamodbEndpoint: process.env.DYNAMODB_ENDPOINT,
      audience: terminal(process.stdout),
    });
    process.stdout.write(summary);
    process.exit(results.some(({ unmet }) => unmet !== undefined) ? 1 : 0);
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    process.stderr.write(`trunkline: ${error.message}\n`);
    process.exit(1);
  }
}
