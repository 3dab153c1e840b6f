import { SQSClient } from "@aws-sdk/client-sqs";
import { KubeConfig } from "@kubernetes/client-node";
import { startForwarder } from "./index.ts";
import { textOf } from "./ports/log.ts";
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

const forwarder = await startForwarder({
  kubeConfig,
  sqs: new SQSClient({
    region: variables.AWS_REGION,
    useQueueUrlAsEndpoint: false,
    ...(variables.AWS_ENDPOINT_URL_SQS === undefined ? {} : { endpoint: variables.AWS_ENDPOINT_URL_SQS }),
  }),
  settings: settingsFrom(variables),
}).catch((problem: unknown) => fail(`The forwarder cannot start: ${textOf(problem)}`));

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    void forwarder.stop().then(() => process.exit(0));
  });
}
await forwarder.ready;
