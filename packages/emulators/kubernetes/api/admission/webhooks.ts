/**
 * Mutating and validating webhooks: which are called, in what order, and what their answers mean.
 * See https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/.
 */

import { type KubernetesObject, type Status, StatusError } from "../../ports.ts";
import { equal, isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt, stringsAt } from "../json.ts";
import { jsonPatch } from "../patch/json-patch.ts";
import type { AdmissionRequest, ApiState, RequestContext } from "../requests/context.ts";
import { newUid } from "../requests/identity.ts";
import { internalError, refusal } from "../statuses.ts";
import { checkConditions, messageOf, requestVariables } from "./expressions.ts";
import { matches, webhookConstraints } from "./match.ts";
import { admissionRequestBody } from "./review.ts";

/** One call over the wire. */
export interface WebhookCall {
  /** `clientConfig.url`, or what stands for the service. */
  target: { url: string } | { service: { namespace: string; name: string; port: number; path: string } };
  /** Base64 of a PEM bundle, as `caBundle` holds it; without one the system's authorities count. */
  caBundle: string | undefined;
  timeoutSeconds: number;
  /** An `AdmissionReview`. */
  body: JsonObject;
}

/** Calls a webhook and answers its JSON; throws an error whose message says what happened on the wire. */
export type WebhookCaller = (call: WebhookCall) => Promise<unknown>;

/** What webhooks need. */
export interface WebhookPort {
  state: ApiState;
  call: WebhookCaller;
}

const TIMEOUT_SECONDS = 10;

function configured(state: ApiState, resource: string): JsonObject[] {
  const configurations = state.store.list(`admissionregistration.k8s.io/${resource}`);
  return configurations.flatMap((configuration) => objectsAt(configuration, "webhooks"));
}

/** Runs the object through all mutating webhooks, and once more through those that want to see later changes. */
export async function mutateByWebhooks(
  port: WebhookPort,
  request: AdmissionRequest & { object: KubernetesObject },
  context: RequestContext,
): Promise<KubernetesObject> {
  const webhooks = configured(port.state, "mutatingwebhookconfigurations");
  let object = request.object;
  const seen = new Map<JsonObject, KubernetesObject>();
  for (const webhook of webhooks) {
    const mutated = await mutateBy(port, webhook, { ...request, object }, context);
    if (mutated === undefined) continue;
    object = mutated;
    seen.set(webhook, object);
  }
  for (const [webhook, left] of seen) {
    if (webhook.reinvocationPolicy !== "IfNeeded" || equal(left, object)) continue;
    object = (await mutateBy(port, webhook, { ...request, object }, context)) ?? object;
  }
  return object;
}

/** The object as one webhook leaves it, also when its failure is ignored; `undefined` when the webhook is not about it. */
async function mutateBy(
  port: WebhookPort,
  webhook: JsonObject,
  request: AdmissionRequest & { object: KubernetesObject },
  context: RequestContext,
): Promise<KubernetesObject | undefined> {
  const answer = await ask(port, webhook, request, context);
  if (answer === "not-asked") return undefined;
  if (answer === "ignored") return request.object;
  const patch = stringAt(answer, "patch");
  if (patch === undefined || patch === "") return request.object;
  const name = String(webhook.name);
  if (answer.patchType !== "JSONPatch") {
    throw internalError(`failed calling webhook "${name}": received unexpected response: invalid patchType`);
  }
  const operations: unknown = JSON.parse(Buffer.from(patch, "base64").toString());
  return jsonPatch(request.object, operations) as KubernetesObject;
}

/** Asks all validating webhooks; throws the first refusal, in the order of their configuration. */
export async function validateByWebhooks(
  port: WebhookPort,
  request: AdmissionRequest,
  context: RequestContext,
): Promise<void> {
  const webhooks = configured(port.state, "validatingwebhookconfigurations");
  const outcomes = await Promise.allSettled(webhooks.map((webhook) => ask(port, webhook, request, context)));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/** The webhook's answer when it allows, or why there is none that counts; throws when it refuses. */
async function ask(
  port: WebhookPort,
  webhook: JsonObject,
  request: AdmissionRequest,
  context: RequestContext,
): Promise<JsonObject | "not-asked" | "ignored"> {
  const name = String(webhook.name);
  if (!matches(port.state, webhookConstraints(webhook), request)) return "not-asked";
  const failOpen = webhook.failurePolicy === "Ignore";
  const conditions = objectsAt(webhook, "matchConditions");
  if (conditions.length > 0) {
    const found = checkConditions(conditions, requestVariables(port.state, request, context));
    if (found.outcome === "unmet" || (found.outcome === "failed" && failOpen)) return "not-asked";
    if (found.outcome === "failed") throw refusal(403, "Forbidden", found.reason);
  }
  if (context.dryRun && webhook.sideEffects !== "None" && webhook.sideEffects !== "NoneOnDryRun") {
    throw refusal(400, "BadRequest", `admission webhook "${name}" does not support dry run`);
  }
  let answer: JsonObject;
  try {
    answer = await call(port, webhook, request, context);
  } catch (error) {
    if (failOpen) return "ignored";
    throw internalError(`failed calling webhook "${name}": ${messageOf(error)}`);
  }
  for (const warning of stringsAt(answer, "warnings")) context.warn(warning);
  if (answer.allowed === true) return answer;
  throw denial(name, objectAt(answer, "status"));
}

async function call(
  port: WebhookPort,
  webhook: JsonObject,
  request: AdmissionRequest,
  context: RequestContext,
): Promise<JsonObject> {
  const uid = newUid(port.state.random);
  const review = await port.call({
    target: targetOf(webhook),
    caBundle: stringAt(webhook, "clientConfig", "caBundle"),
    timeoutSeconds: numberAt(webhook, "timeoutSeconds") ?? TIMEOUT_SECONDS,
    body: {
      kind: "AdmissionReview",
      apiVersion: "admission.k8s.io/v1",
      request: admissionRequestBody(request, context, uid),
    },
  });
  const answer = objectAt(review, "response");
  if (!isObject(review) || review.kind !== "AdmissionReview" || review.apiVersion !== "admission.k8s.io/v1") {
    throw new Error(
      "received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview",
    );
  }
  if (answer === undefined) throw new Error("received invalid webhook response: webhook response was absent");
  if (answer.uid !== uid) {
    throw new Error(
      `received invalid webhook response: expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(answer.uid ?? "")}`,
    );
  }
  return answer;
}

function targetOf(webhook: JsonObject): WebhookCall["target"] {
  const url = stringAt(webhook, "clientConfig", "url");
  if (url !== undefined) return { url };
  const service = objectAt(webhook, "clientConfig", "service");
  return {
    service: {
      namespace: stringAt(service, "namespace") ?? "",
      name: stringAt(service, "name") ?? "",
      port: numberAt(service, "port") ?? 443,
      path: stringAt(service, "path") ?? "",
    },
  };
}

function denial(webhook: string, status: JsonObject | undefined): StatusError {
  const message = stringAt(status, "message") ?? "";
  const reason = stringAt(status, "reason") ?? "";
  const prefix = `admission webhook "${webhook}" denied the request`;
  const text =
    message !== "" ? `${prefix}: ${message}` : reason !== "" ? `${prefix}: ${reason}` : `${prefix} without explanation`;
  const code = numberAt(status, "code") ?? 403;
  const denied: Status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: text,
    code,
    ...(reason !== "" ? { reason } : code === 403 ? { reason: "Forbidden" } : {}),
  };
  return new StatusError(denied);
}
