import {
  CoreV1Api,
  type KubernetesObject,
  KubernetesObjectApi,
  loadAllYaml,
  PatchStrategy,
  type V1Pod,
} from "@kubernetes/client-node";

import { emulatedCluster } from "../kube-config.ts";

/** Any object, as the walk-through reads it: fields that are not there are undefined. */
export interface Manifest extends KubernetesObject {
  // The walk-through looks at fields of many kinds; each reader narrows what it reads.
  [field: string]: unknown;
}

/** One annotated pod's branch ENI, as the annotation tells it. */
export interface AnnotatedEni {
  readonly eniId: string;
  readonly ifAddress: string;
  readonly privateIp: string;
  readonly ipv6Addr: string;
  readonly vlanId: number;
  readonly subnetCidr: string;
  readonly subnetV6Cidr: string;
  readonly associationID: string;
}

export const podEniKey = "vpc.amazonaws.com/pod-eni";

/** What the walk-through does to a cluster, by the official client and over HTTP. */
export class Cluster {
  readonly #objects: KubernetesObjectApi;
  readonly #core: CoreV1Api;

  constructor(url: string) {
    const config = emulatedCluster(url);
    this.#objects = KubernetesObjectApi.makeApiClient(config);
    this.#core = config.makeApiClient(CoreV1Api);
  }

  /** Creates each object of a YAML text. */
  async create(yaml: string): Promise<void> {
    for (const object of loadAllYaml(yaml)) await this.#objects.create(object as KubernetesObject);
  }

  async read(apiVersion: string, kind: string, name: string, namespace?: string): Promise<Manifest | undefined> {
    const metadata = namespace ? { name, namespace } : { name };
    return await this.#objects.read({ apiVersion, kind, metadata }).then(
      (object) => object as unknown as Manifest,
      (error: { code?: number }) => {
        if (error.code === 404) return undefined;
        throw error;
      },
    );
  }

  async mergePatch(apiVersion: string, kind: string, name: string, change: Record<string, unknown>): Promise<void> {
    const { namespace, ...fields } = change;
    const metadata = {
      name,
      ...(typeof namespace === "string" ? { namespace } : {}),
      ...(fields.metadata as Record<string, unknown> | undefined),
    };
    const patch = { apiVersion, kind, ...fields, metadata };
    const strategy = PatchStrategy.MergePatch;
    await this.#objects.patch(patch, undefined, undefined, undefined, undefined, strategy);
  }

  async strategicPatch(apiVersion: string, kind: string, patch: Record<string, unknown>): Promise<void> {
    const body = { apiVersion, kind, ...patch } as KubernetesObject;
    const strategy = PatchStrategy.StrategicMergePatch;
    await this.#objects.patch(body, undefined, undefined, undefined, undefined, strategy);
  }

  async delete(apiVersion: string, kind: string, name: string, namespace?: string): Promise<void> {
    await this.#objects.delete({ apiVersion, kind, metadata: namespace ? { name, namespace } : { name } });
  }

  async pods(namespace: string, labels: string): Promise<readonly V1Pod[]> {
    return (await this.#core.listNamespacedPod({ namespace, labelSelector: labels })).items;
  }

  async nodes(labels?: string) {
    return (await this.#core.listNode(labels ? { labelSelector: labels } : {})).items;
  }

  /** `reason: message` of the events on an object, or on whatever carries this UID. */
  async events(uid: string): Promise<readonly string[]> {
    const { items } = await this.#core.listEventForAllNamespaces({ fieldSelector: `involvedObject.uid=${uid}` });
    return items.map(({ reason, message }) => `${reason}: ${message}`);
  }

  /** The last lines of a pod's log; empty while its container does not run yet. */
  async log(namespace: string, name: string, tailLines = 20): Promise<string> {
    return await this.#core.readNamespacedPodLog({ namespace, name, tailLines }).catch((error: { code?: number }) => {
      if (error.code === 400) return "";
      throw error;
    });
  }

  async scale(namespace: string, name: string, replicas: number): Promise<void> {
    await this.mergePatch("apps/v1", "Deployment", name, { namespace, spec: { replicas } });
  }

  /** What `kubectl rollout restart` does. */
  async restart(namespace: string, name: string): Promise<void> {
    const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
    await this.mergePatch("apps/v1", "Deployment", name, {
      namespace,
      spec: { template: { metadata: { annotations } } },
    });
  }
}

/** The annotation of a pod, when it has one. */
export function branchesOf(pod: V1Pod): readonly AnnotatedEni[] | undefined {
  const value = pod.metadata?.annotations?.[podEniKey];
  return value === undefined ? undefined : (JSON.parse(value) as AnnotatedEni[]);
}

export const isReady = (pod: V1Pod): boolean =>
  pod.metadata?.deletionTimestamp === undefined &&
  (pod.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");

export const isLiving = (pod: V1Pod): boolean => pod.metadata?.deletionTimestamp === undefined;
