import type { BranchLook, InstanceStateChanged, NodeEvent, Outcome, PodEvent } from "@trunkline/core";
import type { z } from "zod";
import { branchLook } from "./branch-looks.ts";
import { instanceStateChange } from "./instance-events.ts";
import { bodyBytesMax, messageVersion } from "./limits.ts";
import { nodeEvent } from "./node-events.ts";
import { outcome } from "./outcomes.ts";
import { podEvent } from "./pod-events.ts";

/** Why a body was refused. `detail` names the place and what is wrong there, never the value that stood there. */
export interface Refusal {
  readonly ok: false;
  readonly reason: "malformed" | "oversized" | "unknown-version" | "unknown-type";
  readonly detail: string;
}

/** A body that was read, or why it was not. */
export type Parsed<Event> = { readonly ok: true; readonly event: Event } | Refusal;

/** Characters of a refusal's detail: it goes to the log. */
const detailLengthMax = 300;

/** Reads a body of a cluster's pod-events queue. */
export const parsePodEvent = (body: string): Parsed<PodEvent> => parseVersioned(podEvent, body);

/** Reads a body of a cluster's node-events queue. */
export const parseNodeEvent = (body: string): Parsed<NodeEvent> => parseVersioned(nodeEvent, body);

/** Reads a body of the branch-cooldown queue. */
export const parseBranchLook = (body: string): Parsed<BranchLook> => parseVersioned(branchLook, body);

/** Reads a body of a cluster's outcomes queue. */
export const parseOutcome = (body: string): Parsed<Outcome> => parseVersioned(outcome, body);

/** Reads a body of the instance-events queue: EventBridge's envelope, which has no version of ours. */
export const parseInstanceStateChange = (body: string): Parsed<InstanceStateChanged> => {
  const json = readObject(body);
  if (!json.ok) return json;
  const parsed = instanceStateChange.safeParse(json.event);
  if (!parsed.success) return refuse("malformed", describe(parsed.error));
  const { "instance-id": instanceId, state } = parsed.data.detail;
  return { ok: true, event: { type: "InstanceStateChanged", instanceId, state } };
};

type Schema = z.ZodDiscriminatedUnion<readonly z.ZodObject[]>;

const parseVersioned = <Union extends Schema>(schema: Union, body: string): Parsed<z.output<Union>> => {
  const json = readObject(body);
  if (!json.ok) return json;
  const { version, ...event }: { version?: unknown; type?: unknown } = json.event;
  if (version !== messageVersion) {
    return typeof version === "number"
      ? refuse("unknown-version", `version ${version} is not known; this side speaks ${messageVersion}`)
      : refuse("malformed", "version must be a number");
  }
  const types = typesOf(schema);
  if (typeof event.type === "string" && !types.includes(event.type)) {
    return refuse("unknown-type", `type must be one of ${types.join(", ")}`);
  }
  const parsed = schema.safeParse(event);
  return parsed.success ? { ok: true, event: parsed.data } : refuse("malformed", describe(parsed.error));
};

const readObject = (body: string): Parsed<Record<string, unknown>> => {
  const bytes = Buffer.byteLength(body);
  if (bytes > bodyBytesMax) return refuse("oversized", `${bytes} bytes; at most ${bodyBytesMax} are read`);
  try {
    const event: unknown = JSON.parse(body);
    const isObject = typeof event === "object" && event !== null && !Array.isArray(event);
    return isObject
      ? { ok: true, event: event as Record<string, unknown> }
      : refuse("malformed", "the body is not a JSON object");
  } catch {
    return refuse("malformed", "the body is not JSON");
  }
};

const typesOf = (schema: Schema): readonly string[] =>
  schema.options.flatMap((option) => {
    const { type } = option.shape as { readonly type?: z.ZodLiteral<string> };
    return type === undefined ? [] : [...type.values];
  });

const describe = (error: z.ZodError): string =>
  error.issues.map((issue) => `${issue.path.join(".") || "message"}: ${issue.message}`).join("; ");

const refuse = (reason: Refusal["reason"], detail: string): Refusal => ({
  ok: false,
  reason,
  detail: detail.slice(0, detailLengthMax),
});
