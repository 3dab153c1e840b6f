import { join } from "node:path";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { KubeConfig } from "@kubernetes/client-node";
import { type KubernetesEmulator, startKubernetesEmulator } from "@trunkline/emulator-kubernetes";
import type { KubernetesObject } from "@trunkline/emulator-kubernetes/ports";
import { type RunningForwarder, readEnvironment, settingsFrom, startForwarder } from "@trunkline/forwarder";
import { startFauxqs } from "fauxqs";
import { type Installation, installIn } from "./installation.ts";
import { deploy, readKustomization } from "./kustomization.ts";

const region = "us-west-2";
const token = "forwarder";

/** A cluster in which an overlay was installed as it is, and as many replicas of the forwarder as a test starts. */
export interface AdmissionCluster {
  readonly kubernetes: KubernetesEmulator;
  readonly installation: Installation;
  readonly logged: string[];
  /** Starts a replica with what the installed Deployment tells it, but for ports and queues. */
  startReplica(): Promise<RunningForwarder>;
  /** Which replica the service leads to; none: the service has no endpoint. */
  route(replica: RunningForwarder | undefined): void;
  /** Creates an object over HTTP as `kubectl` does. */
  post(path: string, object: KubernetesObject): Promise<Posted>;
  /** Lets the cluster's clock go ahead, in milliseconds. */
  skip(milliseconds: number): void;
  stop(): Promise<void>;
}

/** What the API server answered. */
export interface Posted {
  readonly status: number;
  readonly body: KubernetesObject & { readonly message?: string };
  /** The text of the header, empty without one. */
  readonly warning: string;
}

interface Container {
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom: readonly { readonly configMapRef: { readonly name: string } }[];
}

/** The variables that the Deployment gives its container. */
const environmentOf = (installation: Installation): Record<string, string> => {
  const { spec } = installation.named("Deployment", "trunkline-forwarder") as unknown as {
    spec: { template: { spec: { containers: readonly [Container] } } };
  };
  const [{ env = [], envFrom }] = spec.template.spec.containers;
  const named = envFrom.map(({ configMapRef }) => installation.named("ConfigMap", configMapRef.name).data as object);
  return Object.assign({}, ...named, ...env.map(({ name, value = "x" }) => ({ [name]: value })));
};

/** Starts an emulated cluster and installs an overlay of `deploy/`, with further components. */
export const startAdmissionCluster = async (
  overlay: string,
  ...components: readonly string[]
): Promise<AdmissionCluster> => {
  let replica: RunningForwarder | undefined;
  let aheadMilliseconds = 0;
  const kubernetes = await startKubernetesEmulator({
    clock: {
      now: () => Date.now() + aheadMilliseconds,
      schedule: (delayMs, run) => {
        const timer = setTimeout(run, delayMs).unref();
        return () => clearTimeout(timer);
      },
    },
    tokens: [{ token, user: "system:serviceaccount:kube-system:vpc-resource-controller" }],
    resolveService: ({ namespace, name }) =>
      replica === undefined || namespace !== "kube-system" || name !== "trunkline-forwarder"
        ? undefined
        : { host: "127.0.0.1", port: replica.admissionPort },
  });
  const parts = [`overlays/${overlay}`, ...components.map((component) => `components/${component}`)];
  const kustomizations = await Promise.all(parts.map((part) => readKustomization(join(deploy, part))));
  const installation = await installIn(kubernetes, {
    objects: kustomizations.flatMap(({ objects }) => objects),
    patches: kustomizations.flatMap(({ patches }) => patches),
    images: kustomizations.flatMap(({ images }) => images),
  });
  const sqsServer = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false, defaultRegion: region });
  const sqs = new SQSClient({
    region,
    endpoint: `http://127.0.0.1:${sqsServer.port}`,
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const queue = async (name: string) => (await sqs.send(new CreateQueueCommand({ QueueName: name }))).QueueUrl ?? "";
  const [pods, nodes, outcomes] = [await queue("pods"), await queue("nodes"), await queue("outcomes")];
  const logged: string[] = [];
  const running: RunningForwarder[] = [];

  const startReplica = async (): Promise<RunningForwarder> => {
    const environment = readEnvironment({
      ...environmentOf(installation),
      TRUNKLINE_ADMISSION_HOST: "127.0.0.1",
      TRUNKLINE_ADMISSION_PORT: "0",
      TRUNKLINE_OPERATIONS_PORT: "0",
    });
    if (!environment.ok) throw new Error(environment.problems.join("\n"));
    const kubeConfig = new KubeConfig();
    const cluster = { name: "test", server: kubernetes.url, skipTLSVerify: false };
    kubeConfig.loadFromClusterAndUser(cluster, { name: "forwarder", token });
    const started = await startForwarder({
      kubeConfig,
      sqs,
      settings: {
        ...settingsFrom(environment.value, `replica-${running.length}`),
        podEventsQueueUrl: pods,
        nodeEventsQueueUrl: nodes,
        outcomesQueueUrl: outcomes,
        shutdown: { drainSeconds: 0, finishSeconds: 4 },
      },
      log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    });
    running.push(started);
    await started.ready;
    return started;
  };

  return {
    kubernetes,
    installation,
    logged,
    startReplica,
    route: (chosen) => {
      replica = chosen;
    },
    post: async (path, object) => {
      const response = await fetch(`${kubernetes.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(object),
      });
      const body = (await response.json()) as Posted["body"];
      return { status: response.status, body, warning: response.headers.get("warning") ?? "" };
    },
    skip: (milliseconds) => {
      aheadMilliseconds += milliseconds;
    },
    stop: async () => {
      await Promise.all(running.map((each) => each.stop()));
      await kubernetes.stop();
      sqs.destroy();
      await sqsServer.stop();
    },
  };
};
