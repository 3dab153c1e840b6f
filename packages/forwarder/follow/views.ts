import type { PodFacts, PodUid, ResourceVersion } from "@trunkline/core";
import {
  type CniNodeFeature,
  type CniNodeObject,
  cniNodeFeaturesMark,
  compilePolicy,
  computeTypeLabel,
  controllerVersionMark,
  type EniConfigObject,
  eniConfigLabel,
  fargateProfileLabel,
  isMirrorPod,
  isTerminal,
  type NodeObject,
  type ObjectMeta,
  osLabel,
  type PodObject,
  type Policy,
  podEniKey,
  readPodEnis,
  requestOf,
  type SecurityGroupPolicyObject,
  type StringMap,
  trunkLabel,
  trunkLabelMark,
  wantsWindows,
} from "@trunkline/kubernetes";
import type { Kept } from "./reflector.ts";

/** What is kept of a pod: a cluster has many, and most of a pod's 10 KB are never looked at. */
export interface PodView extends Kept {
  readonly labels: StringMap;
  readonly serviceAccountName: string;
  readonly nodeName: string;
  /** Branch ENIs that the pod asks for. */
  readonly enis: number;
  readonly annotation: string | undefined;
  readonly hasAnnotations: boolean;
  readonly terminal: boolean;
  readonly terminating: boolean;
  /** Whether some container was running when the pod was last seen. */
  readonly running: boolean;
  readonly graceSeconds: number;
  /** Whether a policy could have given it an ENI: not for host network, Fargate, Windows and mirrors of static pods. */
  readonly admissible: boolean;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export interface NodeView extends Kept {
  /** The few fields that the rules look at. */
  readonly object: NodeObject;
}

export interface CniNodeView extends Kept {
  readonly object: CniNodeObject;
  readonly features: readonly CniNodeFeature[];
  readonly finalizers: readonly string[];
  readonly terminating: boolean;
}

export interface PolicyView extends Kept {
  readonly policy: Policy;
}

export interface LabelledView extends Kept {
  readonly labels: StringMap;
}

export interface EniConfigView extends Kept {
  readonly subnetId: string;
  readonly securityGroups: readonly string[];
}

export interface ConfigMapView extends Kept {
  readonly data: StringMap;
}

/** What Kubernetes gives a pod that does not say. */
const graceSecondsDefault = 30;

const kept = (metadata: ObjectMeta | undefined): Kept => ({
  uid: metadata?.uid ?? "",
  namespace: metadata?.namespace ?? "",
  name: metadata?.name ?? "",
  resourceVersion: metadata?.resourceVersion ?? "0",
});

/** Only the chosen keys of a map, so that long annotations are not kept. */
const pick = (map: StringMap | null | undefined, wanted: (key: string) => boolean): StringMap =>
  Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => wanted(key)));

export const viewPod = (raw: unknown): PodView => {
  const pod = raw as PodObject;
  const { metadata, spec, status } = pod;
  return {
    ...kept(metadata),
    labels: metadata?.labels ?? {},
    serviceAccountName: spec?.serviceAccountName ?? "default",
    nodeName: spec?.nodeName ?? "",
    enis: requestOf(spec?.containers),
    annotation: metadata?.annotations?.[podEniKey],
    hasAnnotations: metadata?.annotations !== undefined && metadata.annotations !== null,
    terminal: isTerminal(status?.phase),
    terminating: metadata?.deletionTimestamp !== undefined,
    running: (status?.containerStatuses ?? []).some((container) => container.state?.running !== undefined),
    graceSeconds: spec?.terminationGracePeriodSeconds ?? graceSecondsDefault,
    admissible:
      spec?.hostNetwork !== true &&
      !Object.hasOwn(metadata?.labels ?? {}, fargateProfileLabel) &&
      !isMirrorPod(pod) &&
      !wantsWindows(pod),
    createdAt: Date.parse(metadata?.creationTimestamp ?? "") || 0,
  };
};

/** The labels of nodes that some rule reads; nodes have dozens. */
const nodeLabels: readonly string[] = [osLabel, computeTypeLabel, trunkLabel, eniConfigLabel];
/** The annotations of nodes that are ours. */
const ourMarks: readonly string[] = [trunkLabelMark, controllerVersionMark, cniNodeFeaturesMark];

export const viewNode = (raw: unknown): NodeView => {
  const { metadata, spec, status } = raw as NodeObject;
  const providerID = spec?.providerID;
  return {
    ...kept(metadata),
    object: {
      metadata: {
        labels: pick(metadata?.labels, (key) => nodeLabels.includes(key)),
        annotations: pick(metadata?.annotations, (key) => ourMarks.includes(key)),
      },
      spec: providerID === undefined ? {} : { providerID },
      status: { capacity: pick(status?.capacity, (key) => key === podEniKey) },
    },
  };
};

export const viewCniNode = (raw: unknown): CniNodeView => {
  const { metadata, spec } = raw as CniNodeObject;
  const features = spec?.features ?? [];
  const finalizers = metadata?.finalizers ?? [];
  const ownerReferences = metadata?.ownerReferences ?? [];
  return {
    ...kept(metadata),
    object: {
      metadata: { labels: pick(metadata?.labels, (key) => key === osLabel), finalizers, ownerReferences },
      spec: { features, tags: spec?.tags ?? {} },
    },
    features,
    finalizers,
    terminating: metadata?.deletionTimestamp !== undefined,
  };
};

export const viewPolicy = (raw: unknown): PolicyView => {
  const object = raw as SecurityGroupPolicyObject;
  return { ...kept(object.metadata), policy: compilePolicy(object, (text) => Date.parse(text) || 0) };
};

export const viewServiceAccount = (raw: unknown): LabelledView => {
  const { metadata } = raw as { metadata?: ObjectMeta };
  return { ...kept(metadata), labels: metadata?.labels ?? {} };
};

export const viewEniConfig = (raw: unknown): EniConfigView => {
  const { metadata, spec } = raw as EniConfigObject;
  return { ...kept(metadata), subnetId: spec?.subnet ?? "", securityGroups: spec?.securityGroups ?? [] };
};

export const viewConfigMap = (raw: unknown): ConfigMapView => {
  const { metadata, data } = raw as { metadata?: ObjectMeta; data?: StringMap | null };
  return { ...kept(metadata), data: data ?? {} };
};

/** Whether a pod wants ENIs or holds some: what a snapshot tells, and what its end releases. */
export const wantsOrHolds = (pod: PodView): boolean => pod.enis > 0 || pod.annotation !== undefined;

/** What a message takes; a longer list of groups is told in part, so that the pod still learns that it is too long. */
const groupsMax = 64;
const groupLengthMax = 128;
const enisMax = 1_000;

/** Group IDs as a message takes them: a wrong spelling goes on, so that EC2 refuses it and the pod is told. */
export const tellableGroups = (groupIds: readonly string[]): readonly string[] =>
  groupIds.slice(0, groupsMax).map((id) => id.replaceAll(/[^\x21-\x7e]/g, "?").slice(0, groupLengthMax) || "?");

/** The pod as messages tell it. */
export const podFacts = (pod: PodView, groupIds: readonly string[]): PodFacts => {
  const annotation = readPodEnis(pod.annotation);
  return {
    podUid: pod.uid as PodUid,
    namespace: pod.namespace,
    name: pod.name,
    resourceVersion: pod.resourceVersion as ResourceVersion,
    enis: Math.min(Math.max(pod.enis, annotation?.length ?? 1), enisMax),
    securityGroups: tellableGroups(groupIds),
    ...(annotation === undefined ? {} : { annotation }),
    ...(annotation === undefined && pod.annotation !== undefined ? { isAnnotationUnreadable: true } : {}),
  };
};
