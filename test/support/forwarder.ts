import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { KubeConfig } from "@kubernetes/client-node";
import type { NodeEvent, Outcome, PodEvent } from "@trunkline/core";
import {
  type KubernetesEmulator,
  type KubernetesEmulatorOptions,
  type KubernetesObject,
  startKubernetesEmulator,
} from "@trunkline/emulator-kubernetes";
import { type ForwarderSettings, type RunningForwarder, startForwarder } from "@trunkline/forwarder";
import { parseNodeEvent, parsePodEvent, serialise } from "@trunkline/messages";
import { startFauxqs } from "fauxqs";
import { generate } from "selfsigned";
import { parseAllDocuments } from "yaml";

const deploy = join(import.meta.dirname, "../../deploy");
const region = "us-west-2";
const token = "forwarder";

/** The forwarder on an emulated cluster, with real queues on which a test plays the functions. */
export interface ForwarderWorld {
  readonly kubernetes: KubernetesEmulator;
  readonly forwarder: RunningForwarder;
  /** What the forwarder has logged. */
  readonly logged: string[];
  deliver(...outcomes: readonly Outcome[]): Promise<void>;
  /** What has arrived on both event queues so far. */
  received(): Promise<readonly (PodEvent | NodeEvent)[]>;
  /** Messages in the queue of outcomes, in flight or not. */
  outcomesLeft(): Promise<number>;
  /** Ends this forwarder and starts another one with nothing. */
  restartForwarder(): Promise<void>;
  stop(): Promise<void>;
}

/** Every object of a folder of `deploy/`. */
export const readDeployment = async (folder: "crds" | "base"): Promise<readonly KubernetesObject[]> => {
  const names = (await readdir(join(deploy, folder))).filter((name) => name !== "kustomization.yaml").sort();
  const texts = await Promise.all(names.map((name) => readFile(join(deploy, folder, name), "utf8")));
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject));
};

/** How a world differs from the usual one. */
export interface ForwarderWorldOptions extends Pick<KubernetesEmulatorOptions, "onAuthorization"> {
  /** Settings that the forwarder has besides, or instead of, the usual ones. */
  readonly settings?: Partial<ForwarderSettings>;
  /** Further objects that are there before the forwarder, the webhooks among them. */
  readonly installed?: readonly KubernetesObject[];
}

/** Starts the world: the manifests of `deploy/` as they are, but for the certificate's authority. */
export const startForwarderWorld = async ({
  settings = {},
  installed = [],
  ...options
}: ForwarderWorldOptions = {}): Promise<ForwarderWorld> => {
  const made = await generate([{ name: "commonName", value: "trunkline-forwarder" }], {
    keySize: 2048,
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: "trunkline-forwarder.kube-system.svc" }] },
    ],
  });
  let forwarder: RunningForwarder | undefined;
  const kubernetes = await startKubernetesEmulator({
    ...options,
    tokens: [{ token, user: "system:serviceaccount:kube-system:vpc-resource-controller" }],
    resolveService: () => (forwarder === undefined ? undefined : { host: "127.0.0.1", port: forwarder.admissionPort }),
  });
  const administrator = kubernetes.api.as("kubernetes-admin");
  const deployed = (await readDeployment("base")).filter(({ kind }) => kind !== "Deployment");
  const isInstalled = (object: KubernetesObject) =>
    installed.some(({ kind, metadata }) => kind === object.kind && metadata.name === object.metadata.name);
  const isAccess = ({ apiVersion, kind }: KubernetesObject) =>
    apiVersion.startsWith("rbac.authorization.k8s.io/") || kind === "ServiceAccount";
  // The forwarder has the rights that are deployed from its first request on.
  for (const object of [...(await readDeployment("crds")), ...deployed.filter(isAccess), ...installed]) {
    await administrator.create(object);
  }
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
  const start = async (): Promise<RunningForwarder> => {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser(
      { name: "test", server: kubernetes.url, skipTLSVerify: false },
      { name: "forwarder", token },
    );
    const started = await startForwarder({
      kubeConfig,
      sqs,
      settings: {
        clusterName: "test",
        podEventsQueueUrl: pods,
        nodeEventsQueueUrl: nodes,
        outcomesQueueUrl: outcomes,
        admission: {
          host: "127.0.0.1",
          port: 0,
          certificate: { source: "given", key: made.private, cert: made.cert },
        },
        snapshotSeconds: 300,
        outcomeHeldSeconds: 60,
        cooldownSeconds: 60,
        cooldownFloorSeconds: 30,
        ...settings,
      },
      log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    });
    await started.ready;
    return started;
  };
  forwarder = await start();
  for (const object of deployed.filter((other) => !isAccess(other) && !isInstalled(other))) {
    const webhooks = (object as { webhooks?: { clientConfig: { caBundle?: string } }[] }).webhooks ?? [];
    for (const { clientConfig } of webhooks) clientConfig.caBundle = Buffer.from(made.cert).toString("base64");
    await administrator.create(object);
  }
  const events: (PodEvent | NodeEvent)[] = [];
  const drain = async (url: string, parse: typeof parsePodEvent | typeof parseNodeEvent): Promise<void> => {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }));
    for (const { Body = "", ReceiptHandle } of Messages) {
      const parsed = parse(Body);
      if (!parsed.ok) throw new Error(`the functions would refuse a message: ${parsed.detail}`);
      events.push(parsed.event);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
    }
    if (Messages.length > 0) await drain(url, parse);
  };
  return {
    kubernetes,
    get forwarder() {
      if (forwarder === undefined) throw new Error("the forwarder is stopped");
      return forwarder;
    },
    logged,
    deliver: async (...bodies) => {
      for (const body of bodies) {
        await sqs.send(new SendMessageCommand({ QueueUrl: outcomes, MessageBody: serialise(body) }));
      }
    },
    received: async () => {
      await drain(pods, parsePodEvent);
      await drain(nodes, parseNodeEvent);
      return events;
    },
    outcomesLeft: async () => {
      const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: outcomes, AttributeNames: [...AttributeNames] }),
      );
      return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
    },
    restartForwarder: async () => {
      await forwarder?.stop();
      forwarder = await start();
    },
    stop: async () => {
      await forwarder?.stop();
      await kubernetes.stop();
      sqs.destroy();
      await sqsServer.stop();
    },
  };
};
