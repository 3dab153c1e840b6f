import { cniNodeFinalizer, osLabel } from "./keys.ts";
import type { CniNodeFeature, CniNodeObject, OwnerReference } from "./objects.ts";

/** What a CNINode is made from. */
export interface CniNodeSource {
  readonly nodeName: string;
  readonly nodeUid: string;
  readonly os: string;
  readonly cluster: string;
  /** Undefined while the node has no provider ID: the tag is added when it has one. */
  readonly instanceId: string | undefined;
  /** Features of a CNINode that somebody deleted while the node lived. */
  readonly features: readonly CniNodeFeature[];
}

const tagsOf = ({ cluster, instanceId }: CniNodeSource): Readonly<Record<string, string>> => ({
  "cluster.k8s.amazonaws.com/name": cluster,
  ...(instanceId === undefined ? {} : { "node.k8s.amazonaws.com/instance_id": instanceId }),
});

/**
 * The owner does not wait for its CNINode (no `blockOwnerDeletion`): nobody gains by that, and where the API server asks
 * who may block a deletion, the forwarder would need a right on the finalizers of every node.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#ownerreferencespermissionenforcement
 */
const ownerOf = ({ nodeName, nodeUid }: CniNodeSource, isController: boolean): OwnerReference => ({
  apiVersion: "v1",
  kind: "Node",
  name: nodeName,
  uid: nodeUid,
  controller: isController,
});

/**
 * The CNINode of a node, which must exist within seconds of it, also before it is known which instance the node is: the CNI
 * plugin writes its feature there, and for IPv6 and custom networking tries only once.
 *
 * @see https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/master/pkg/k8s/wrapper.go
 */
export const newCniNode = (source: CniNodeSource) => ({
  apiVersion: "vpcresources.k8s.aws/v1alpha1",
  kind: "CNINode",
  metadata: {
    name: source.nodeName,
    labels: { [osLabel]: source.os },
    finalizers: [cniNodeFinalizer],
    ownerReferences: [ownerOf(source, true)],
  },
  spec: { features: source.features.map((feature) => ({ ...feature })), tags: tagsOf(source) },
});

/** Longer marks are not read: the two features that there are need a hundred characters. */
const featuresMarkLengthMax = 4_096;

/** The value of the annotation `trunkline/cninode-features`. */
export const writeFeaturesMark = (features: readonly CniNodeFeature[]): string =>
  JSON.stringify(features.map(({ name, value }) => ({ name, value })));

/** Reads what {@link writeFeaturesMark} wrote; anything else names no features. */
export const readFeaturesMark = (mark: string | undefined): readonly CniNodeFeature[] => {
  if (mark === undefined || mark.length > featuresMarkLengthMax) return [];
  try {
    const features: unknown = JSON.parse(mark);
    return Array.isArray(features) && features.every(isFeature) ? features : [];
  } catch {
    return [];
  }
};

const isFeature = (feature: unknown): feature is CniNodeFeature => {
  const { name, value } = (feature ?? {}) as { name?: unknown; value?: unknown };
  return typeof name === "string" && (value === undefined || typeof value === "string");
};

/** A merge patch of a CNINode. Lists are whole, so it must name the version that it was made from. */
export interface CniNodePatch {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/**
 * What a CNINode of somebody else, or of an earlier node of this name, lacks of ours. Its owner must be this very Node:
 * the garbage collector deletes what belongs to a UID that is gone, whatever its name. Features are never touched.
 *
 * @returns undefined when it lacks nothing.
 * @see https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents
 */
export const completeCniNode = (found: CniNodeObject, source: CniNodeSource): CniNodePatch | undefined => {
  const { labels, finalizers = [], ownerReferences = [] } = found.metadata ?? {};
  const tags = tagsOf(source);
  const metadata = {
    ...(labels?.[osLabel] === source.os ? {} : { labels: { [osLabel]: source.os } }),
    ...(finalizers.includes(cniNodeFinalizer) ? {} : { finalizers: [...finalizers, cniNodeFinalizer] }),
    ...ownersFor(ownerReferences, source),
  };
  const hasTags = Object.entries(tags).every(([key, value]) => found.spec?.tags?.[key] === value);
  if (Object.keys(metadata).length === 0 && hasTags) return undefined;
  return {
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(hasTags ? {} : { spec: { tags } }),
  };
};

/** Earlier nodes of the name are owners no more; an object has one controller at most. */
const ownersFor = (owners: readonly OwnerReference[], source: CniNodeSource) => {
  const isNode = ({ kind }: OwnerReference) => kind === "Node";
  if (owners.filter(isNode).every(({ uid }) => uid === source.nodeUid) && owners.some(isNode)) return {};
  const others = owners.filter((owner) => !isNode(owner));
  const isControlled = others.some(({ controller }) => controller === true);
  return { ownerReferences: [...others, ownerOf(source, !isControlled)] };
};
