import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { ConfigurationError } from "@trunkline/runtime";
import { explainFailures, StartFailure } from "./failure.ts";
import type { Overrides } from "./function-environment.ts";
import { startTrunkline, type Trunkline } from "./trunkline.ts";
import type { WorldFacts } from "./walkthrough/tour.ts";

/** The second process of the local world: Trunkline against a world that runs elsewhere. */
const { values } = parseArgs({
  options: {
    world: { type: "string" },
    overrides: { type: "string", default: "{}" },
    kubeconfig: { type: "string" },
    "admission-host": { type: "string" },
  },
});
let trunkline: Trunkline | undefined;
let isStopping = false;
const stop = async () => {
  if (isStopping) return;
  isStopping = true;
  // One that is still starting may wait for a world that is gone: it holds nothing that must be ended in order.
  await trunkline?.stop();
  process.exit(0);
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
// The world has ended without a word: so does Trunkline.
process.on("disconnect", stop);

const facts = JSON.parse(await readFile(values.world ?? "", "utf8")) as WorldFacts;
trunkline = await explainFailures(() =>
  startTrunkline({
    facts,
    overrides: JSON.parse(values.overrides) as Overrides,
    kubeconfig: values.kubeconfig,
    admissionHost: values["admission-host"],
    log: (line) => process.stdout.write(`${line}\n`),
  }).catch((error: unknown) => {
    throw error instanceof ConfigurationError ? new StartFailure(error.message) : error;
  }),
);
process.send?.("ready");
