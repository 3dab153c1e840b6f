/**
 * The cluster of the measured forwarder, in a process of its own, so that none of its memory or time counts. Started with an
 * IPC channel, over which it does what it is asked.
 */

import { setTimeout as pause } from "node:timers/promises";
import { type KubernetesObject, startKubernetesEmulator } from "@trunkline/emulator-kubernetes";
import { readDeployment } from "../../support/forwarder.ts";
import { makeNode } from "./nodes.ts";
import { makePod, namespaceNames } from "./pods.ts";

/** What the benchmark asks of this process. */
export type WorldRequest =
  | { readonly ask: "start"; readonly pods: number; readonly nodes: number; readonly policies: number }
  /** Replaces every pod by another one, at most so many a second. */
  | { readonly ask: "replace"; readonly podsPerSecond: number }
  /** Lets the new pods get their ENIs and run. */
  | { readonly ask: "run"; readonly podsPerSecond: number };

/** What this process answers, once to each request. */
export type WorldAnswer =
  | {
      readonly answer: "started";
      readonly kubernetes: string;
      /** Mean sizes as JSON. */
      readonly podBytes: number;
      readonly nodeBytes: number;
    }
  | { readonly answer: "changed"; readonly seconds: number };

const accountsPerNamespace = 10;
/** Pods change in steps of this time. */
const stepMilliseconds = 20;

const kubernetes = await startKubernetesEmulator();
const administrator = kubernetes.api.as("kubernetes-admin");
const { store, types } = kubernetes.model.state;
const collection = (resource: string): string => {
  const type = types.atPath("", "v1", resource);
  if (type === undefined) throw new Error(`the emulator has no ${resource}`);
  return type.collection;
};

/** Puts objects as they are into the store: defaults and validation would take longer than the measurement. */
const put = (resource: string, object: object): void => {
  store.put(collection(resource), object as KubernetesObject);
};

const meanBytes = (objects: readonly object[]): number =>
  objects.reduce((sum, object) => sum + JSON.stringify(object).length, 0) / objects.length;

let size = { pods: 0, nodes: 0 };
let generation = 0;

const podOf = (index: number, of: number, isNew: boolean): object =>
  makePod({ index, generation: of }, { nodes: size.nodes, isNew });

const start = async ({
  pods,
  nodes,
  policies,
}: {
  pods: number;
  nodes: number;
  policies: number;
}): Promise<WorldAnswer> => {
  size = { pods, nodes };
  for (const object of await readDeployment("crds")) await administrator.create(object);
  for (const name of namespaceNames) {
    await administrator.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    for (let index = 0; index < accountsPerNamespace; index += 1) {
      const metadata = { name: `account-${index}`, namespace: name };
      await administrator.create({ apiVersion: "v1", kind: "ServiceAccount", metadata });
    }
  }
  for (let index = 0; index < policies; index += 1) {
    const namespace = namespaceNames[index % namespaceNames.length] ?? "";
    await administrator.create({
      apiVersion: "vpcresources.k8s.aws/v1beta1",
      kind: "SecurityGroupPolicy",
      metadata: { name: `policy-${index}`, namespace },
      spec: { podSelector: { matchLabels: { role: "db" } }, securityGroups: { groupIds: ["sg-0123456789abcdef0"] } },
    });
  }
  for (let index = 0; index < nodes; index += 1) put("nodes", makeNode(index));
  for (let index = 0; index < pods; index += 1) put("pods", podOf(index, generation, false));
  const sample = Array.from({ length: 100 }, (_, index) => index);
  return {
    answer: "started",
    kubernetes: kubernetes.url,
    podBytes: meanBytes(sample.map((index) => podOf(index, generation, false))),
    nodeBytes: meanBytes(sample.map((index) => makeNode(index))),
  };
};

/** As in a rolling update: a pod's successor is created, and the pod goes. */
const replace = (index: number): void => {
  put("pods", podOf(index, generation + 1, true));
  store.remove(collection("pods"), podOf(index, generation, false) as KubernetesObject);
};

/** The pod has got its ENI and runs. */
const run = (index: number): void => put("pods", podOf(index, generation, false));

/** Does something to every pod, at a pace that is never caught up with by a burst, which a server would cut a watch for. */
const paced = async (podsPerSecond: number, change: (index: number) => void): Promise<WorldAnswer> => {
  const startedAt = performance.now();
  const step = Math.ceil((podsPerSecond * stepMilliseconds) / 1_000);
  for (let done = 0; done < size.pods; ) {
    const end = Math.min(size.pods, done + step);
    for (; done < end; done += 1) change(done);
    await pause(stepMilliseconds);
  }
  return { answer: "changed", seconds: (performance.now() - startedAt) / 1_000 };
};

const serve = async (request: WorldRequest): Promise<WorldAnswer> => {
  switch (request.ask) {
    case "start":
      return start(request);
    case "replace": {
      const replaced = await paced(request.podsPerSecond, replace);
      generation += 1;
      return replaced;
    }
    case "run":
      return paced(request.podsPerSecond, run);
  }
};

process.on("message", (request: WorldRequest) => {
  serve(request).then(
    (answer) => process.send?.(answer),
    (problem: unknown) => {
      process.stderr.write(`the world fails: ${problem instanceof Error ? problem.stack : String(problem)}\n`);
      process.exit(1);
    },
  );
});
// Nothing outlives the benchmark.
process.on("disconnect", () => process.exit(0));
