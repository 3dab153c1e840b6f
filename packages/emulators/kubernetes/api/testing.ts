/** What the tests of the API server share: clusters without a network, virtual time, manifests. */

import type { ApiAccess, Clock, KubernetesObject } from "../ports.ts";
import type { WebhookCaller } from "./admission/webhooks.ts";
import { createKubernetesModel, type KubernetesModel } from "./emulator.ts";
import { ADMINISTRATOR, type RequestContext } from "./requests/context.ts";
import { createObject } from "./requests/create.ts";

/** Time that passes only when it is told to. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #timers: { dueMs: number; run: () => void }[] = [];

  constructor(startMs = Date.parse("2026-11-20T12:00:00Z")) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass, and runs what falls due in order. */
  advance(durationMs: number): void {
    const untilMs = this.#nowMs + durationMs;
    for (;;) {
      const [next] = this.#timers.filter((timer) => timer.dueMs <= untilMs).toSorted((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = next.dueMs;
      next.run();
    }
    this.#nowMs = untilMs;
  }
}

/** Numbers in [0, 1) that are the same in every run. */
function seededRandom(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A cluster without a network. */
export interface TestCluster {
  model: KubernetesModel;
  /** The administrator's access. */
  api: ApiAccess;
  clock: VirtualClock;
}

/** Makes a cluster; webhooks that are configured are answered by `callWebhook`. */
export async function testCluster(
  options: { callWebhook?: WebhookCaller; historyMax?: number } = {},
): Promise<TestCluster> {
  const clock = new VirtualClock();
  const refuse: WebhookCaller = () => Promise.reject(new Error("no webhook is expected to be called"));
  const model = await createKubernetesModel({
    clock,
    random: seededRandom(),
    callWebhook: options.callWebhook ?? refuse,
    ...(options.historyMax === undefined ? {} : { historyMax: options.historyMax }),
  });
  return { model, api: model.api.as("kubernetes-admin"), clock };
}

/** Waits until the condition holds. The loops work in microtasks; a bounded number of turns is plenty. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("the condition did not come true");
}

/** A pod with one container. */
export function podManifest(
  name: string,
  change: { labels?: Record<string, string>; spec?: object } = {},
): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", ...(change.labels === undefined ? {} : { labels: change.labels }) },
    spec: { containers: [{ name: "app", image: "nginx:1.27" }], ...change.spec },
  };
}

/** A deployment of pods with one container. */
export function deploymentManifest(name: string, change: object = {}): KubernetesObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default" },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "app", image: "nginx:1.27" }] } },
      ...change,
    },
  };
}

/** A config map. */
export function configMapManifest(name: string, data: Record<string, string> = {}): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" }, data };
}

/** The reference of a namespaced object of the core group in `default`. */
export function coreRef(resource: string, name: string) {
  return { group: "", resource, namespace: "default", name };
}

const ANYTHING = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/** The definition of a small custom type, `widgets.example.com`. */
export function widgetDefinition(specSchema: object = ANYTHING): KubernetesObject {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { kind: "Widget", plural: "widgets", shortNames: ["wg"], categories: ["all"] },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
          },
          additionalPrinterColumns: [{ name: "Groups", type: "string", jsonPath: ".spec.groups" }],
          schema: { openAPIV3Schema: { type: "object", properties: { spec: specSchema, status: ANYTHING } } },
        },
      ],
    },
  };
}

/** A custom object of {@link widgetDefinition}. */
export function widget(name: string, spec: object): KubernetesObject {
  return { apiVersion: "example.com/v1", kind: "Widget", metadata: { name, namespace: "default" }, spec };
}

/** Creates the object as the administrator, and answers what the request was warned about. */
export async function warningsOf(
  { model }: TestCluster,
  manifest: KubernetesObject,
  dryRun = false,
): Promise<string[]> {
  const warnings: string[] = [];
  const context: RequestContext = {
    user: ADMINISTRATOR,
    dryRun,
    fieldManager: undefined,
    fieldValidation: "Warn",
    warn: (text) => warnings.push(text),
  };
  const type = model.state.types.byKind(manifest.apiVersion, manifest.kind);
  if (type === undefined) throw new Error(`no type ${manifest.kind}`);
  await createObject(model.state, { type, namespace: "default" }, manifest, context);
  return warnings;
}
