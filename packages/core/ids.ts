/**
 * Branded identifiers: strings and numbers that cannot be mixed up. Everything is keyed by instance ID and pod UID;
 * node and pod names are for people.
 */

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** EC2 instance ID: `i-` and 8 or 17 hexadecimal digits. Unique in a Region. */
export type InstanceId = Branded<string, "InstanceId">;
/** EC2 network interface ID: `eni-…`. */
export type EniId = Branded<string, "EniId">;
/** Trunk association ID: `trunk-assoc-…`. */
export type AssociationId = Branded<string, "AssociationId">;
/** EC2 attachment ID of a network interface: `eni-attach-…`. */
export type AttachmentId = Branded<string, "AttachmentId">;
/** EC2 subnet ID: `subnet-…`. */
export type SubnetId = Branded<string, "SubnetId">;
/** EC2 security group ID: `sg-…`. */
export type SecurityGroupId = Branded<string, "SecurityGroupId">;
/** VLAN ID of a branch on its trunk, 1…120. */
export type VlanId = Branded<number, "VlanId">;
/** `metadata.uid` of a pod. */
export type PodUid = Branded<string, "PodUid">;
/** `metadata.uid` of a Node object. */
export type NodeUid = Branded<string, "NodeUid">;
/** Name of a cluster, as in the tag `kubernetes.io/cluster/<name>`; told by the queue, never by a message. */
export type ClusterName = Branded<string, "ClusterName">;
/** UID of the namespace kube-system: a cluster rebuilt under the same name is another incarnation (P09). */
export type Incarnation = Branded<string, "Incarnation">;
/** Kubernetes' `metadata.resourceVersion`: a decimal string that only grows (KEP-5504). */
export type ResourceVersion = Branded<string, "ResourceVersion">;

/** Marks a plain value as an identifier that its caller has validated or received from its authority. */
export const branded = <Identifier extends Branded<string | number, string>>(
  value: Identifier extends number ? number : string,
): Identifier => value as unknown as Identifier;

/**
 * Compares two resource versions as the numbers that they are, without losing digits.
 *
 * @returns negative when `left` is older, 0 when equal, positive when `left` is newer.
 */
export const compareVersions = (left: ResourceVersion, right: ResourceVersion): number => {
  const difference = BigInt(left) - BigInt(right);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};
