import { z } from "zod";
import { eniId, instanceId, namespaceName, nodeUid, objectName, podEnis, podUid, text } from "./fields.ts";
import { podsQuestionedMax } from "./limits.ts";

const ofPod = { podUid, namespace: namespaceName, name: objectName, instanceId };
const ofNode = { instanceId, nodeName: objectName, nodeUid };
const action = z
  .string()
  .regex(/^[A-Za-z]{1,64}$/, "must be an EC2 action")
  .optional();
const code = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, "must be an error code");

const waitReason = z.enum([
  "trunk-not-ready",
  "node-full",
  "vlan-ids-cooling",
  "rate-limit",
  "subnet-full",
  "eni-quota",
  "step-under-way",
  "cluster-paused",
  "refused",
]);

const problemReason = z.enum(["NodeTrunkFailedInit", "TrunkENICreationFailed", "Unsupported", "EniConfigNameNotFound"]);

const eniProblem = z.enum(["unknown-eni", "eni-taken", "eni-deleted", "eni-not-associated"]);

/** What a cluster's queue of outcomes brings to its forwarder. */
export const outcome = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("PodEniAssigned"), ...ofPod, enis: podEnis }),
  z.strictObject({
    type: z.literal("PodEniDelayed"),
    ...ofPod,
    reason: waitReason,
    waitSeconds: z.number().min(0),
    detail: text,
  }),
  z.strictObject({
    type: z.literal("PodEniFailed"),
    ...ofPod,
    code,
    detail: text,
    action,
  }),
  z.strictObject({ type: z.literal("PodEniProblem"), ...ofPod, eniId, problem: eniProblem, detail: text }),
  z.strictObject({
    type: z.literal("NodeTrunkReady"),
    ...ofNode,
    branchesMax: z.int().min(0).max(120),
    backendVersion: z.string().min(1).max(64),
  }),
  z.strictObject({ type: z.literal("NodeTrunkProblem"), ...ofNode, reason: problemReason, detail: text, action }),
  z.strictObject({ type: z.literal("NodeTrunkGone"), ...ofNode }),
  z.strictObject({ type: z.literal("SnapshotRequested"), instanceId }),
  z.strictObject({
    type: z.literal("PodsQuestioned"),
    instanceId,
    podUids: z.array(podUid).min(1).max(podsQuestionedMax),
  }),
]);
