import { z } from "zod";
import { incarnation, instanceId, nodeUid, objectName, resourceVersion, securityGroups, subnetId } from "./fields.ts";
import { cooldownSecondsMax, groupSetsMax, snapshotPodsMax } from "./limits.ts";
import { podFacts } from "./pod-events.ts";

const nodeObserved = z.strictObject({
  type: z.literal("NodeObserved"),
  incarnation,
  instanceId,
  nodeName: objectName,
  nodeUid,
  resourceVersion,
  wantsTrunk: z.boolean(),
  eniConfig: z.strictObject({ name: objectName, subnetId, securityGroups }).optional(),
});

const nodeGone = z.strictObject({
  type: z.literal("NodeGone"),
  incarnation,
  instanceId,
  nodeName: objectName,
  nodeUid,
});

const nodeSnapshot = z.strictObject({
  type: z.literal("NodeSnapshot"),
  incarnation,
  instanceId,
  nodeName: objectName,
  nodeUid,
  listVersion: resourceVersion,
  pods: z.array(podFacts).max(snapshotPodsMax),
});

const clusterRegistered = z.strictObject({
  type: z.literal("ClusterRegistered"),
  incarnation,
  cooldownSeconds: z.int().min(0).max(cooldownSecondsMax),
  forwarderVersion: z.string().regex(/^[0-9A-Za-z.+-]{1,64}$/, "must be a version"),
  groupSets: z.array(securityGroups).max(groupSetsMax),
});

const nodeLook = z.strictObject({ type: z.literal("NodeLook"), instanceId });

/** What a cluster's queue of node events brings: from its forwarder, and looks that the functions send to themselves. */
export const nodeEvent = z.discriminatedUnion("type", [
  nodeObserved,
  nodeGone,
  nodeSnapshot,
  clusterRegistered,
  nodeLook,
]);
