import type { Incarnation, InstanceId, NodeUid, PodUid, ResourceVersion } from "@trunkline/core";
import { z } from "zod";
import { enisPerPodMax, groupLengthMax, groupsMax, textLengthMax } from "./limits.ts";

/** A string of this pattern that becomes the branded identifier: the pattern is what vouches for it. */
const identifier = <Identifier extends string>(pattern: RegExp, what: string) =>
  z.string().regex(pattern, `must be ${what}`) as unknown as z.ZodType<Identifier, Identifier>;

/** `i-` and 8 or 17 hexadecimal digits. */
export const instanceId = identifier<InstanceId>(/^i-([0-9a-f]{8}|[0-9a-f]{17})$/, "an instance ID");

const uidPattern = /^[0-9A-Za-z-]{1,64}$/;

/** UIDs are UUIDs by custom; Kubernetes promises only that they are opaque. */
export const podUid = identifier<PodUid>(uidPattern, "a UID");
export const nodeUid = identifier<NodeUid>(uidPattern, "a UID");
export const incarnation = identifier<Incarnation>(uidPattern, "a UID");

/** A decimal number of up to 20 digits, as etcd's revisions are. */
export const resourceVersion = identifier<ResourceVersion>(/^\d{1,20}$/, "a resource version of up to 20 digits");

export const eniId = z.string().regex(/^eni-[0-9a-f]{8,17}$/, "must be an ENI ID");

/** The owner of a branch record: a pod UID, or an ENI ID where no pod owns it any more. */
export const branchOwner = z.string().regex(uidPattern, "must be a pod UID or an ENI ID");

export const subnetId = z.string().regex(/^subnet-[0-9a-f]{8,17}$/, "must be a subnet ID");

/** Names of Kubernetes objects: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export const objectName = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "must be the name of an object");
export const namespaceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "must be the name of a namespace");

/**
 * Groups as a policy or an ENIConfig spells them. A wrong spelling passes: EC2 refuses it, and the pod is told with EC2's words.
 */
export const securityGroups = z
  .array(z.string().regex(new RegExp(`^[\\x21-\\x7e]{1,${groupLengthMax}}$`), "must be a security group ID"))
  .max(groupsMax);

/** A sentence for people. */
export const text = z.string().max(textLengthMax);

const short = z.string().max(64);

/** One element of the annotation. Old controllers left keys out; the forwarder sends those empty. */
export const podEni = z.strictObject({
  eniId,
  ifAddress: short,
  privateIp: short,
  ipv6Addr: short,
  vlanId: z.int().min(1).max(4_094),
  subnetCidr: short,
  subnetV6Cidr: short,
  associationID: short,
});

export const podEnis = z.array(podEni).min(1).max(enisPerPodMax);
