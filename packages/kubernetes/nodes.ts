import type { InstanceId } from "@trunkline/core";
import {
  computeTypeLabel,
  customNetworkingFeature,
  eniConfigLabel,
  osLabel,
  podGroupsFeature,
  trunkLabel,
  trunkLabelMark,
} from "./keys.ts";
import type { CniNodeObject, NodeObject } from "./objects.ts";

const instanceIdPattern = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/;

/**
 * The EC2 instance of a node: the last segment of its provider ID, such as `aws:///us-west-2a/i-0123456789abcdef0`.
 *
 * @returns undefined for nodes that are no EC2 instance, and for those whose provider ID is not set yet.
 */
export const instanceIdOf = (providerId: string | undefined): InstanceId | undefined => {
  const segment = providerId?.slice(providerId.lastIndexOf("/") + 1) ?? "";
  return instanceIdPattern.test(segment) ? (segment as InstanceId) : undefined;
};

/** Whether a node could have a trunk, or why it is none of our business. */
export type Eligibility =
  | { readonly eligible: true; readonly instanceId: InstanceId }
  | { readonly eligible: false; readonly because: "windows" | "compute-type" | "no-provider-id" | "not-an-instance" };

/** Nodes of EKS that others run. */
const foreignComputeTypes: readonly (string | undefined)[] = ["auto", "fargate", "hybrid"];

/** Tells whether a node is a Linux instance of EC2 that nobody else looks after. */
export const eligibilityOf = (node: NodeObject): Eligibility => {
  const labels = node.metadata?.labels ?? {};
  if (labels[osLabel] === "windows") return { eligible: false, because: "windows" };
  if (foreignComputeTypes.includes(labels[computeTypeLabel])) return { eligible: false, because: "compute-type" };
  if (!node.spec?.providerID) return { eligible: false, because: "no-provider-id" };
  const instanceId = instanceIdOf(node.spec.providerID);
  return instanceId === undefined ? { eligible: false, because: "not-an-instance" } : { eligible: true, instanceId };
};

/**
 * Whether the label on a node is our own status, as the mark beside it tells. Ours has no value but `true`: another value is
 * the hand of somebody who asks.
 */
export const isTrunkLabelOurs = (node: NodeObject): boolean =>
  Object.hasOwn(node.metadata?.annotations ?? {}, trunkLabelMark) && node.metadata?.labels?.[trunkLabel] === "true";

/**
 * Whether a node asks for a trunk: somebody else labelled it (any value counts), or the CNI plugin put its feature into
 * the CNINode.
 */
export const wantsTrunk = (node: NodeObject, cniNode: CniNodeObject | undefined): boolean =>
  (Object.hasOwn(node.metadata?.labels ?? {}, trunkLabel) && !isTrunkLabelOurs(node)) ||
  (cniNode?.spec?.features ?? []).some((feature) => feature.name === podGroupsFeature);

/**
 * The ENIConfig of custom networking: the node's label says more than the CNINode's feature.
 *
 * @returns undefined without custom networking; an empty name where it is asked for without one, which is a mistake.
 */
export const eniConfigNameOf = (node: NodeObject, cniNode: CniNodeObject | undefined): string | undefined => {
  const label = node.metadata?.labels?.[eniConfigLabel];
  if (label !== undefined) return label;
  const feature = (cniNode?.spec?.features ?? []).find(({ name }) => name === customNetworkingFeature);
  return feature === undefined ? undefined : (feature.value ?? "");
};
