import type { NodeTrunkReady } from "@trunkline/core";
import {
  type CniNodeFeature,
  cniNodeFeaturesMark,
  controllerVersionMark,
  type EventText,
  isTrunkLabelOurs,
  nodeEvents,
  podEniKey,
  trunkLabel,
  trunkLabelMark,
  writeFeaturesMark,
} from "@trunkline/kubernetes";
import type { NodeView } from "../follow/views.ts";

/** What the functions said last about the trunk of an instance, if anything. */
export type TrunkState = Pick<NodeTrunkReady, "branchesMax" | "backendVersion"> | "gone" | "unknown";

/** A merge patch; null removes a key. It names the node's UID, so that another node of that name is never patched. */
export type NodePatch = Readonly<Record<string, unknown>>;

/** What brings a node in line with its trunk; absent where nothing differs. */
export interface NodePatches {
  readonly status?: NodePatch;
  readonly metadata?: NodePatch;
  /** What the node learns with it. */
  readonly news: readonly EventText[];
}

export interface NodeFacts {
  readonly trunk: TrunkState;
  /** Whether the node asks for a trunk. */
  readonly isWanted: boolean;
  /** What the node's CNINode asks for; none when there is no CNINode. */
  readonly features: readonly CniNodeFeature[];
  /** Branch ENIs that pods on the node ask for and that have not ended. */
  readonly requested: () => number;
}

/**
 * Compares a node with what is known of its trunk.
 *
 * The capacity is written again whenever it differs, because a kubelet that starts anew resets it. A label of somebody
 * else is a request and stays, but for its value, which tells of a trunk that is ready. Ours is status and goes again, and so
 * do our marks, when the trunk is gone or the node asks for none and its last pod with a branch has ended.
 */
export const decideNode = (node: NodeView, { trunk, isWanted, features, requested }: NodeFacts): NodePatches => {
  if (trunk === "gone") return putBack(node, 0);
  if (!isWanted) return isMarked(node) ? putBack(node, requested()) : { news: [] };
  return trunk === "unknown" ? { news: [] } : bringUp(node, trunk, features);
};

const bringUp = (
  node: NodeView,
  trunk: Exclude<TrunkState, string>,
  features: readonly CniNodeFeature[],
): NodePatches => {
  const { labels, annotations } = node.object.metadata ?? {};
  const capacity = String(trunk.branchesMax);
  const version = annotations?.[controllerVersionMark];
  const isTold = version === trunk.backendVersion;
  const marks = {
    ...labelMarkFor(labels?.[trunkLabel], annotations?.[trunkLabelMark]),
    ...(isTold ? {} : { [controllerVersionMark]: trunk.backendVersion }),
    ...featuresMarkFor(features, annotations?.[cniNodeFeaturesMark]),
  };
  const metadata = {
    ...(labels?.[trunkLabel] === "true" ? {} : { labels: { [trunkLabel]: "true" } }),
    ...(Object.keys(marks).length === 0 ? {} : { annotations: marks }),
  };
  const news = isTold ? [] : [nodeEvents.controllerVersion(trunk.backendVersion)];
  return {
    ...(capacityOf(node) === capacity ? {} : { status: capacityPatch(node, capacity) }),
    ...metadataPatch(node, metadata),
    news: version === undefined ? [...news, nodeEvents.trunkInitiated()] : news,
  };
};

/** A label that we add is ours; one that somebody changed after us is no longer. */
const labelMarkFor = (label: string | undefined, mark: string | undefined) => {
  if (label === undefined) return { [trunkLabelMark]: "status" };
  return label !== "true" && mark !== undefined ? { [trunkLabelMark]: null } : {};
};

const featuresMarkFor = (features: readonly CniNodeFeature[], mark: string | undefined) => {
  const wanted = features.length === 0 ? undefined : writeFeaturesMark(features);
  return wanted === mark ? {} : { [cniNodeFeaturesMark]: wanted ?? null };
};

/**
 * The capacity falls to what the pods that are there ask for, so that none is added. Not below: a kubelet that starts anew
 * admits its running pods again, and fails those that ask for more of an extended resource than the node has.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/lifecycle/predicate.go
 */
const putBack = (node: NodeView, requested: number): NodePatches => {
  const capacity = Number(capacityOf(node) ?? 0);
  const status = capacity > requested ? { status: capacityPatch(node, String(requested)) } : {};
  if (requested > 0 || !isMarked(node)) return { ...status, news: [] };
  const annotations = { [trunkLabelMark]: null, [controllerVersionMark]: null, [cniNodeFeaturesMark]: null };
  const labels = isTrunkLabelOurs(node.object) ? { labels: { [trunkLabel]: null } } : {};
  return { ...status, ...metadataPatch(node, { ...labels, annotations }), news: [] };
};

/** Whether the node has had a trunk by us. */
const isMarked = (node: NodeView): boolean =>
  isTrunkLabelOurs(node.object) || node.object.metadata?.annotations?.[controllerVersionMark] !== undefined;

const capacityOf = (node: NodeView): string | undefined => node.object.status?.capacity?.[podEniKey];

const capacityPatch = (node: NodeView, value: string): NodePatch => ({
  metadata: { uid: node.uid },
  status: { capacity: { [podEniKey]: value } },
});

const metadataPatch = (node: NodeView, metadata: object): { readonly metadata?: NodePatch } =>
  Object.keys(metadata).length === 0 ? {} : { metadata: { metadata: { uid: node.uid, ...metadata } } };
