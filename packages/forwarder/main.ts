import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { SQSClient } from "@aws-sdk/client-sqs";
import { KubeConfig } from "@kubernetes/client-node";
import { startForwarder } from "./index.ts";
import { createJsonLog, textOf } from "./ports/log.ts";
import { type ForwarderEnvironment, readEnvironment, settingsFrom } from "./settings.ts";

/** Ends the process with one line that says what to do. */
const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};

/** The API server of a kubeconfig, else that of the cluster whose pod this is. */
const readKubeConfig = ({ KUBECONFIG: path }: ForwarderEnvironment): KubeConfig => {
  const kubeConfig = new KubeConfig();
  if (path === undefined) {
    if (process.env.KUBERNETES_SERVICE_HOST === undefined)
      fail("KUBECONFIG is not set, and this is no pod of a cluster.");
    kubeConfig.loadFromCluster();
    return kubeConfig;
  }
  try {
    kubeConfig.loadFromFile(path);
  } catch (problem) {
    fail(`KUBECONFIG must name a kubeconfig that can be read: ${textOf(problem)}`);
  }
  return kubeConfig;
};

const environment = readEnvironment(process.env);
const variables = environment.ok ? environment.value : fail(environment.problems.join("\n"));
const kubeConfig = readKubeConfig(variables);
/** A pod's name is its host's. What follows tells this process from the one before it in the same pod. */
const identity = `${variables.POD_NAME ?? hostname()}_${randomUUID()}`;

const log = createJsonLog((line) => process.stdout.write(line), Date.now);
let isEnding = false;

/** What nobody expected has left the process in a state that nobody knows: another one begins anew. */
const die = (problem: unknown): never => {
  const stack = problem instanceof Error ? problem.stack : undefined;
  log("error", "The program ends because of what nobody expected.", { problem: textOf(problem), stack });
  process.exit(1);
};
process.on("unhandledRejection", die);
process.on("uncaughtException", die);

const forwarder = await startForwarder({
  kubeConfig,
  sqs: new SQSClient({
    region: variables.AWS_REGION,
    useQueueUrlAsEndpoint: false,
    ...(variables.AWS_ENDPOINT_URL_SQS === undefined ? {} : { endpoint: variables.AWS_ENDPOINT_URL_SQS }),
  }),
  settings: settingsFrom(variables, identity),
  log,
}).catch((problem: unknown) => fail(`The forwarder cannot start: ${textOf(problem)}`));

const end = async (signal: string): Promise<void> => {
  if (isEnding) {
    log("warn", "A second signal ends the program at once; what waits is told again by the next leader.", { signal });
    process.exit(1);
  }
  isEnding = true;
  log("info", "The program ends: it finishes what is under way.", { signal });
  await forwarder.stop();
  log("info", "The program has ended in order.");
  process.exit(0);
};
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end(signal));

// A replica that is stopped before it knows the cluster ends in order too.
await forwarder.ready.catch((problem: unknown) => (isEnding ? undefined : die(problem)));
