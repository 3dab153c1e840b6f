import { KubeConfig } from "@kubernetes/client-node";
import type { InstanceId, NodeEvent, PodEvent } from "@trunkline/core";
import { type KubernetesObject, startKubernetesEmulator } from "@trunkline/emulator-kubernetes";
import { createForwarder, createHttpApi, createQueues, type ForwarderClock, systemClock } from "@trunkline/forwarder";
import { awsNodeUser, podEniKey, podGroupsFeature } from "@trunkline/kubernetes";
import { parseNodeEvent, parsePodEvent } from "@trunkline/messages";
import type { SQSRecord } from "aws-lambda";
import type { CrashQueues } from "./crash-queues.ts";
import { readDeployment } from "./forwarder.ts";

type Told = PodEvent | NodeEvent;

/** A pod of the emulated cluster. */
export interface CrashPod {
  readonly name: string;
  readonly uid: string;
}

/** An emulated API server and the real forwarder, which is given its outcomes by the test, batch by batch. */
export interface CrashCluster {
  /** Registers an instance as a node on which the CNI plugin asks for a trunk; resolves when the forwarder has told it. */
  addNode(instanceId: InstanceId): Promise<void>;
  removeNode(instanceId: InstanceId): Promise<void>;
  /** Binds a pod that asks for so many branch ENIs, one by default; resolves when the forwarder has told it. */
  addPod(instanceId: InstanceId, enis?: number): Promise<CrashPod>;
  /** Deletes a pod at once; resolves when the forwarder has told it. */
  removePod(pod: CrashPod): Promise<void>;
  annotationOf(pod: CrashPod): Promise<string | undefined>;
  /** Hands a batch of the outcomes queue to the forwarder; resolves when it has applied and deleted it. */
  apply(records: readonly SQSRecord[]): Promise<void>;
  stop(): Promise<void>;
}

const namespace = "default";
/** Longer than a redelivery takes: a killed worker's cut is still a cut when another one makes it. */
export const crashCooldownSeconds = 600;

const cniNodes = { group: "vpcresources.k8s.aws", resource: "cninodes" } as const;
const pods = { group: "", resource: "pods", namespace } as const;
const patienceMilliseconds = 5_000;
/** Its monotonic time stands still, so that it takes snapshots only when it is asked and every sweep is told the same. */
const clock: ForwarderClock = { ...systemClock, monotonic: () => 0 };

/** Starts the cluster with one policy, which gives the security group to every pod with the label `role: db`. */
export async function startCrashCluster(queues: CrashQueues, groupId: string): Promise<CrashCluster> {
  const kubernetes = await startKubernetesEmulator();
  const administrator = kubernetes.api.as("kubernetes-admin");
  for (const definition of await readDeployment("crds")) await administrator.create(definition);
  await administrator.create({
    apiVersion: "vpcresources.k8s.aws/v1beta1",
    kind: "SecurityGroupPolicy",
    metadata: { name: "db", namespace },
    spec: { podSelector: { matchLabels: { role: "db" } }, securityGroups: { groupIds: [groupId] } },
  });
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(
    { name: "test", server: kubernetes.url, skipTLSVerify: true },
    { name: "forwarder" },
  );
  const api = createHttpApi(kubeConfig);
  const told = createMailbox();
  const hand = createHand();
  const sqs = createQueues(
    queues.client,
    { podEvents: queues.url("pod-events"), nodeEvents: queues.url("node-events"), outcomes: queues.url("outcomes") },
    75,
  );
  const forwarder = createForwarder({
    api,
    clock,
    random: () => 0.5,
    log: () => {},
    settings: {
      clusterName: "blue",
      snapshotSeconds: 300,
      outcomeHeldSeconds: 60,
      cooldownSeconds: crashCooldownSeconds,
      cooldownFloorSeconds: 30,
    },
    queues: {
      send: async (queue, bodies) => {
        const accepted = await sqs.send(queue, bodies);
        const parse = queue === "pod-events" ? parsePodEvent : parseNodeEvent;
        for (const body of bodies) told.add(parse(body));
        return accepted;
      },
      receive: hand.receive,
      putBack: sqs.putBack,
      delete: async (receipts) => {
        await sqs.delete(receipts);
        hand.done();
      },
    },
  });
  await forwarder.start();
  await told.until((event) => event.type === "ClusterRegistered");
  let podsMade = 0;
  return {
    addNode: async (instanceId) => {
      const made = Promise.withResolvers<void>();
      const endWatch = administrator.watch(cniNodes, ({ object }) => {
        if (object.metadata.name === instanceId) made.resolve();
      });
      await administrator.create({
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: instanceId, labels: { "kubernetes.io/os": "linux" } },
        spec: { providerID: `aws:///us-west-2a/${instanceId}` },
      });
      await made.promise.finally(endWatch);
      await kubernetes.api
        .as(awsNodeUser)
        .patch(
          { ...cniNodes, name: instanceId },
          { type: "merge", body: { spec: { features: [{ name: podGroupsFeature }] } } },
        );
      await told.until((event) => event.type === "NodeObserved" && event.instanceId === instanceId && event.wantsTrunk);
    },
    removeNode: async (instanceId) => {
      await administrator.delete({ group: "", resource: "nodes", name: instanceId });
      await told.until((event) => event.type === "NodeGone" && event.instanceId === instanceId);
    },
    addPod: async (instanceId, enis = 1) => {
      podsMade += 1;
      const name = `pod-${podsMade}`;
      const { metadata } = await administrator.create(podManifest(name, enis));
      await administrator.create(
        {
          apiVersion: "v1",
          kind: "Binding",
          metadata: { name, namespace },
          target: { apiVersion: "v1", kind: "Node", name: instanceId },
        },
        { subresource: "binding" },
      );
      await told.until((event) => event.type === "PodObserved" && event.pod.podUid === metadata.uid);
      return { name, uid: String(metadata.uid) };
    },
    removePod: async ({ name, uid }) => {
      await administrator.delete({ ...pods, name }, { gracePeriodSeconds: 0 });
      await told.until((event) => event.type === "PodGone" && event.podUid === uid);
    },
    annotationOf: async ({ name }) => (await administrator.get({ ...pods, name })).metadata.annotations?.[podEniKey],
    apply: hand.give,
    stop: async () => {
      await forwarder.stop();
      api.close();
      await kubernetes.stop();
    },
  };
}

const podManifest = (name: string, enis: number): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, labels: { role: "db" } },
  spec: { containers: [{ name: "main", image: "nginx", resources: { limits: { [podEniKey]: `${enis}` } } }] },
});

/** What the forwarder has told, for a test to wait for. */
function createMailbox() {
  const events: Told[] = [];
  const waiting = new Set<() => void>();
  return {
    add: (parsed: { readonly ok: true; readonly event: Told } | { readonly ok: false; readonly detail: string }) => {
      if (!parsed.ok) throw new Error(`the functions would refuse a message: ${parsed.detail}`);
      events.push(parsed.event);
      for (const look of [...waiting]) look();
    },
    until: async (isWanted: (event: Told) => boolean): Promise<void> => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => reject(new Error("the forwarder did not tell it in time")), patienceMilliseconds);
      const look = () => {
        if (events.some(isWanted)) resolve();
      };
      waiting.add(look);
      look();
      await promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(look);
      });
    },
  };
}

/** The receiving end of the outcomes queue: the test puts batches in, and hears when they are done. */
function createHand() {
  let take: ((messages: readonly { body: string; receipt: string }[]) => void) | undefined;
  let batch: readonly { body: string; receipt: string }[] | undefined;
  let finished = Promise.withResolvers<void>();
  return {
    receive: (signal: AbortSignal) =>
      new Promise<readonly { body: string; receipt: string }[]>((resolve) => {
        if (batch !== undefined) {
          resolve(batch);
          batch = undefined;
          return;
        }
        take = resolve;
        signal.addEventListener("abort", () => resolve([]), { once: true });
      }),
    done: () => finished.resolve(),
    give: async (records: readonly SQSRecord[]): Promise<void> => {
      finished = Promise.withResolvers<void>();
      const messages = records.map(({ body, receiptHandle }) => ({ body, receipt: receiptHandle }));
      if (take === undefined) batch = messages;
      else take(messages);
      take = undefined;
      await finished.promise;
    },
  };
}
