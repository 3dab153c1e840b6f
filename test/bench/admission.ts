import { type ChildProcess, fork, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type KubernetesObject, startKubernetesEmulator } from "@trunkline/emulator-kubernetes";
import { startFauxqs } from "fauxqs";
import { generate } from "selfsigned";
import { deploy, readKustomization, readObjects } from "../support/kustomization.ts";
import type { LoadOrder, LoadResult } from "./admission/load.ts";
import { accountOf, apps, namespaces, policiesOf } from "./admission/reviews.ts";
import type { Benchmark, Row } from "./benchmark.ts";

const perSecond = 200;
const seconds = 30;
const warmUpSeconds = 10;
const p99MillisecondsMax = 5;
const region = "us-west-2";
const serverName = "trunkline-forwarder.kube-system.svc";
const readyMilliseconds = 60_000;
const token = "forwarder";

/** Admission as an API server sees it: the real program and the load in processes of their own. */
export const admission: Benchmark = {
  name: "admission",
  title: `Mutation of pods at ${perSecond} requests a second, not waiting for answers, with ${apps * 4} policies, over TLS`,
  run: async (progress) => {
    const folder = await mkdtemp(join(tmpdir(), "trunkline-bench-"));
    const cluster = await startCluster();
    const children: ChildProcess[] = [];
    try {
      progress("the forwarder starts");
      const { child, order } = await startForwarder(folder, cluster);
      children.push(child);
      await isReady(child, order.operationsPort);
      progress(`${perSecond} requests a second for ${warmUpSeconds} + ${seconds} s`);
      const load = fork(join(import.meta.dirname, "admission/load.ts"), {
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      children.push(load);
      const cpuBefore = await cpuSeconds(child);
      const result = await resultOf(load, { ...order, serverName, perSecond, warmUpSeconds, seconds });
      const cpu = ((await cpuSeconds(child)) - cpuBefore) / (perSecond * (warmUpSeconds + seconds));
      const figure = "the forwarder's processor time for each request";
      return [...rowsOf(result), { figure, value: cpu * 1_000, unit: "ms" }];
    } finally {
      for (const child of children) child.kill("SIGKILL");
      await cluster.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Processor time that a process has used so far. */
const cpuSeconds = async ({ pid }: ChildProcess): Promise<number> => {
  // The fields behind the name, which may hold spaces: user and system time are the 12th and 13th, in hundredths.
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

const at = (ascending: readonly number[], share: number): number =>
  ascending[Math.min(ascending.length - 1, Math.ceil(ascending.length * share) - 1)] ?? Number.NaN;

const rowsOf = ({ requests, latencies, lateness, meanBytes, connections }: LoadResult): readonly Row[] => [
  { figure: "requests", value: requests, unit: "" },
  { figure: "connections", value: connections, unit: "" },
  { figure: "mean size of a review", value: meanBytes / 1e3, unit: "kB", target: { min: 8 } },
  { figure: "rate", value: requests / seconds, unit: "/s", target: { min: perSecond * 0.95 } },
  { figure: "p50", value: at(latencies, 0.5), unit: "ms" },
  { figure: "p99", value: at(latencies, 0.99), unit: "ms", target: { max: p99MillisecondsMax } },
  { figure: "p99.9", value: at(latencies, 0.999), unit: "ms" },
  { figure: "longest", value: at(latencies, 1), unit: "ms" },
  { figure: "p99 of the load's own lateness", value: at(lateness, 0.99), unit: "ms" },
];

const resultOf = (load: ChildProcess, order: LoadOrder): Promise<LoadResult> =>
  new Promise((resolve, reject) => {
    load.once("message", (result) => resolve(result as LoadResult));
    load.once("exit", (code) => reject(new Error(`the load has ended with ${code}`)));
    load.send(order);
  });

interface Cluster {
  readonly url: string;
  readonly sqsPort: number;
  readonly queues: Readonly<Record<"pods" | "nodes" | "outcomes", string>>;
  stop(): Promise<void>;
}

const startCluster = async (): Promise<Cluster> => {
  const user = "system:serviceaccount:kube-system:vpc-resource-controller";
  const kubernetes = await startKubernetesEmulator({ tokens: [{ token, user }] });
  const administrator = kubernetes.api.as("kubernetes-admin");
  const { objects } = await readKustomization(join(deploy, "crds"));
  for (const object of objects) await administrator.create(object);
  const rights = await readObjects(join(deploy, "base/rbac.yaml"));
  for (const object of rights) await administrator.create(object);
  for (const name of namespaces) {
    await administrator.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  for (let app = 0; app < apps; app += 1) {
    for (const object of [accountOf(app), ...policiesOf(app)]) await administrator.create(object as KubernetesObject);
  }
  const sqsServer = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false, defaultRegion: region });
  const endpoint = `http://127.0.0.1:${sqsServer.port}`;
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const sqs = new SQSClient({ region, endpoint, useQueueUrlAsEndpoint: false, credentials });
  const queue = async (name: string): Promise<string> => {
    const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
    // The server's own host name is none that can be written in a URL.
    return `${endpoint}/${QueueUrl.split("/").slice(3).join("/")}`;
  };
  const queues = { pods: await queue("pods"), nodes: await queue("nodes"), outcomes: await queue("outcomes") };
  sqs.destroy();
  return {
    url: kubernetes.url,
    sqsPort: sqsServer.port,
    queues,
    stop: async () => {
      await kubernetes.stop();
      await sqsServer.stop();
    },
  };
};

/** A port that was free a moment ago. */
const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const startForwarder = async (folder: string, { url, sqsPort, queues }: Cluster) => {
  const made = await generate([{ name: "commonName", value: serverName }], { keyType: "ec", algorithm: "sha256" });
  const path = (name: string) => join(folder, name);
  await writeFile(path("tls.key"), made.private);
  await writeFile(path("tls.crt"), made.cert);
  const kubeconfig = {
    clusters: [{ name: "bench", cluster: { server: url } }],
    users: [{ name: "bench", user: { token } }],
    contexts: [{ name: "bench", context: { cluster: "bench", user: "bench" } }],
    "current-context": "bench",
  };
  await writeFile(path("kubeconfig"), JSON.stringify(kubeconfig));
  const [port, operationsPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [join(import.meta.dirname, "../../packages/forwarder/main.ts")], {
    env: {
      KUBECONFIG: path("kubeconfig"),
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${sqsPort}`,
      TRUNKLINE_CLUSTER: "bench",
      TRUNKLINE_POD_EVENTS_QUEUE_URL: queues.pods,
      TRUNKLINE_NODE_EVENTS_QUEUE_URL: queues.nodes,
      TRUNKLINE_OUTCOMES_QUEUE_URL: queues.outcomes,
      TRUNKLINE_ADMISSION_HOST: "127.0.0.1",
      TRUNKLINE_ADMISSION_PORT: String(port),
      TRUNKLINE_ADMISSION_CERT: path("tls.crt"),
      TRUNKLINE_ADMISSION_KEY: path("tls.key"),
      TRUNKLINE_OPERATIONS_PORT: String(operationsPort),
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return { child, order: { port, operationsPort, ca: made.cert } };
};

/** Waits until the forwarder says that it is ready. */
const isReady = async (child: ChildProcess, operationsPort: number): Promise<void> => {
  const until = performance.now() + readyMilliseconds;
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`the forwarder has ended with ${child.exitCode}`);
    const answer = await fetch(`http://127.0.0.1:${operationsPort}/readyz`).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the forwarder is not ready");
};
