import { explainFailures } from "./failure.ts";
import { removeWorldFiles, worldFolder } from "./files.ts";
import { listenForInterruption } from "./interruption.ts";
import { readPorts } from "./ports.ts";
import { terminal } from "./walkthrough/terminal.ts";
import { playWalkthrough } from "./walkthrough/walkthrough.ts";

/** Plays the walk-through on a fresh local world. Exits with 1 when an expectation does not hold, or when it is interrupted. */
export async function main(): Promise<void> {
  void listenForInterruption().heard.then(async () => {
    await removeWorldFiles(worldFolder);
    process.exit(1);
  });
  await explainFailures(async () => {
    const { results, summary } = await playWalkthrough({
      folder: worldFolder,
      ports: readPorts(process.env),
      dynamodbEndpoint: process.env.DYNAMODB_ENDPOINT,
      audience: terminal(process.stdout),
    });
    process.stdout.write(summary);
    process.exit(results.some(({ unmet }) => unmet !== undefined) ? 1 : 0);
  });
}
