import { z } from "zod";
import {
  incarnation,
  instanceId,
  namespaceName,
  nodeUid,
  objectName,
  podEnis,
  podUid,
  resourceVersion,
  securityGroups,
} from "./fields.ts";
import { enisWishedMax } from "./limits.ts";

/** A pod that wants or holds branch ENIs, as a cluster describes it. */
export const podFacts = z.strictObject({
  podUid,
  namespace: namespaceName,
  name: objectName,
  resourceVersion,
  enis: z.int().min(1).max(enisWishedMax),
  securityGroups,
  annotation: podEnis.optional(),
  isAnnotationUnreadable: z.literal(true).optional(),
  areGroupsUnknown: z.literal(true).optional(),
});

const podObserved = z.strictObject({
  type: z.literal("PodObserved"),
  incarnation,
  instanceId,
  nodeName: objectName,
  nodeUid,
  pod: podFacts,
  chain: z.int().min(0).optional(),
});

const podGone = z.strictObject({
  type: z.literal("PodGone"),
  incarnation,
  instanceId,
  podUid,
  resourceVersion,
  how: z.enum(["deleted", "terminal", "absent-from-list"]),
  // Kubernetes takes any period; whoever computes the cool-down cuts it (P21), so that no end of a pod is refused here.
  forcedGraceSeconds: z.int().min(0).optional(),
});

/** What a cluster's queue of pod events brings. */
export const podEvent = z.discriminatedUnion("type", [podObserved, podGone]);
