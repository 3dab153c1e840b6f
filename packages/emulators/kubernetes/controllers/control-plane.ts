import type { ApiUsers, Clock, KubernetesObject, Random } from "../ports.ts";
import { createInformers, type Informer, type Informers } from "./informer.ts";
import type { Network } from "./network.ts";
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  Job,
  KubernetesNode,
  Pod,
  ReplicaSet,
  Service,
} from "./objects.ts";
import { controllerOf } from "./objects.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import type { ControllerSettings } from "./settings.ts";
import { createWorkQueue, type WorkQueue } from "./work-queue.ts";

/** The caches that all controllers share. */
export interface ClusterCaches {
  /** Indexed by {@link ownerIndex} and {@link nodeIndex}. */
  pods: Informer<Pod>;
  nodes: Informer<KubernetesNode>;
  /** Indexed by {@link ownerIndex}. */
  replicaSets: Informer<ReplicaSet>;
  deployments: Informer<Deployment>;
  daemonSets: Informer<DaemonSet>;
  /** Indexed by {@link ownerIndex}. */
  revisions: Informer<ControllerRevision>;
  jobs: Informer<Job>;
  services: Informer<Service>;
}

/** What every controller gets. Composed once, in `startControllers`. */
export interface ControlPlane {
  api: ApiUsers;
  clock: Clock;
  random: Random;
  network: Network;
  settings: ControllerSettings;
  caches: ClusterCaches;
  recorder: Recorder;
  /** A queue that tells its failures to the settings. */
  queue(concurrency: number, reconcile: (key: string) => Promise<void>): WorkQueue;
}

/** One running controller. */
export interface Controller {
  stop(): Promise<void>;
}

/** The index value of what this owner controls. */
export function ownerIndex(uid: string): string {
  return `owner/${uid}`;
}

/** The index value of the pods that are bound to a node. */
export function nodeIndex(nodeName: string): string {
  return `node/${nodeName}`;
}

function indexByOwner(object: KubernetesObject): string[] {
  const owner = controllerOf(object);
  return owner === undefined ? [] : [ownerIndex(owner.uid)];
}

function watchCluster(informers: Informers): ClusterCaches {
  return {
    nodes: informers.watch<KubernetesNode>({ group: "", resource: "nodes" }),
    services: informers.watch<Service>({ group: "", resource: "services" }),
    deployments: informers.watch<Deployment>({ group: "apps", resource: "deployments" }),
    daemonSets: informers.watch<DaemonSet>({ group: "apps", resource: "daemonsets" }),
    replicaSets: informers.watch<ReplicaSet>({ group: "apps", resource: "replicasets" }, indexByOwner),
    revisions: informers.watch<ControllerRevision>({ group: "apps", resource: "controllerrevisions" }, indexByOwner),
    jobs: informers.watch<Job>({ group: "batch", resource: "jobs" }),
    pods: informers.watch<Pod>({ group: "", resource: "pods" }, (pod) => [
      ...indexByOwner(pod),
      ...(pod.spec.nodeName === undefined ? [] : [nodeIndex(pod.spec.nodeName)]),
    ]),
  };
}

/** What whoever composes the world brings along. */
export interface Surroundings {
  api: ApiUsers;
  clock: Clock;
  random: Random;
  network: Network;
  settings: ControllerSettings;
}

/** Makes the shared parts. The informers have to be started once every controller listens. */
export function createControlPlane(given: Surroundings): ControlPlane & { informers: Informers } {
  const { api, clock, settings } = given;
  const informers = createInformers(api.as("system:kube-controller-manager"));
  return {
    ...given,
    informers,
    caches: watchCluster(informers),
    recorder: createRecorder(api, clock, settings.onError),
    queue: (concurrency, reconcile) => createWorkQueue({ clock, concurrency, reconcile, onError: settings.onError }),
  };
}
