/** From a method and a path to a request on a type, and back to an answer. */

import type { DeleteRequest, KubernetesObject, PatchRequest } from "../../ports.ts";
import { isObject, type JsonObject, numberAt, stringAt, without } from "../json.ts";
import type { ApiState, RequestContext, Target } from "../requests/context.ts";
import { createObject } from "../requests/create.ts";
import { deleteObject } from "../requests/delete.ts";
import { patchObject } from "../requests/patch.ts";
import { bindPod, evictPod, postBinding } from "../requests/pod-subresources.ts";
import { listPage, readObject, type Selection, selectionOf } from "../requests/read.ts";
import { answerReview } from "../requests/reviews.ts";
import { readScale, writeScale } from "../requests/scale.ts";
import { type Change, changeObject } from "../requests/update.ts";
import { apiVersionOf, type ResourceType } from "../resource-type.ts";
import { badRequest, methodNotAllowed, unsupportedMediaType } from "../statuses.ts";
import { asTable, type IncludeObject, partialMetadata } from "../tables/table.ts";
import { timestamp } from "../time.ts";
import type { Form } from "./accept.ts";
import type { Answer } from "./exchange.ts";
import type { Tokens } from "./users.ts";

/** A request on a type, as far as it has nothing to do with the wire. */
export interface ResourceRequest {
  method: string;
  type: ResourceType;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
  query: URLSearchParams;
  contentType: string;
  body: unknown;
  form: Form;
  include: IncludeObject;
  context: RequestContext;
}

/** What requests on types need. */
export interface ResourceServer {
  state: ApiState;
  tokens: Tokens;
}

const PATCH_TYPES: Readonly<Record<string, PatchRequest["type"]>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

const TOKEN_SECONDS = 3_600;
const STATUS = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };

/** Answers everything but watches and logs. Throws the refusal. */
export async function serveResource(server: ResourceServer, request: ResourceRequest): Promise<Answer> {
  if (request.name === undefined) return serveCollection(server, request);
  const target = { type: request.type, namespace: request.namespace, name: request.name };
  if (request.subresource === undefined || ["status", "finalize"].includes(request.subresource)) {
    return serveObject(server, request, target);
  }
  return servePart(server, request, target);
}

async function serveCollection({ state }: ResourceServer, request: ResourceRequest): Promise<Answer> {
  const { type, namespace, context } = request;
  if (request.method === "POST") {
    if (type.collection === "/bindings") {
      await postBinding(state, { type, namespace }, request.body, context);
      return { status: 201, body: { ...STATUS, code: 201 } };
    }
    if (!type.verbs.includes("delete")) return { status: 201, body: answerReview(state, type, request.body, context) };
    if (type.namespaced && namespace === undefined) throw methodNotAllowed();
    const created = await createObject(state, { type, namespace }, request.body, context);
    return { status: 201, body: shaped(state, request, created) };
  }
  if (request.method === "DELETE") return deleteCollection(state, request);
  throw methodNotAllowed();
}

/** Answers a list. */
export function serveList(state: ApiState, request: ResourceRequest, selection: Selection): Answer {
  const { type, query } = request;
  const limit = Number(query.get("limit") ?? 0);
  const page = listPage(state, selection, { limit, continue: query.get("continue") ?? "" });
  const metadata: JsonObject = { resourceVersion: page.resourceVersion };
  if (page.continue !== undefined) {
    metadata.continue = page.continue;
    if (page.remainingItemCount !== undefined) metadata.remainingItemCount = page.remainingItemCount;
  }
  if (request.form === "table") {
    const options = { metadata, include: request.include, nowMs: state.clock.now(), columns: true };
    return { status: 200, body: asTable(type, page.objects, options) };
  }
  if (request.form === "partial") {
    const items = page.objects.map(partialMetadata);
    return { status: 200, body: { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items } };
  }
  // The entries of a list of a built-in type do not repeat what the list says.
  const items =
    type.custom === undefined ? page.objects.map((object) => without(object, "apiVersion", "kind")) : page.objects;
  return { status: 200, body: { kind: `${type.kind}List`, apiVersion: apiVersionOf(type), metadata, items } };
}

/** The objects that a request on a collection means. */
export function requestSelection(request: ResourceRequest): Selection {
  return selectionOf(request.type, request.namespace, {
    labelSelector: request.query.get("labelSelector") ?? "",
    fieldSelector: request.query.get("fieldSelector") ?? "",
  });
}

async function deleteCollection(state: ApiState, request: ResourceRequest): Promise<Answer> {
  const { type, namespace, context } = request;
  const selection = requestSelection(request);
  const { objects } = listPage(state, selection, { limit: 0, continue: "" });
  for (const object of objects) {
    const { name = "", namespace: own } = object.metadata;
    await deleteObject(state, { type, namespace: own ?? namespace, name }, deleteRequest(request), context);
  }
  return { status: 200, body: { ...STATUS, details: { kind: type.resource } } };
}

async function serveObject({ state }: ResourceServer, request: ResourceRequest, target: Target): Promise<Answer> {
  const { context } = request;
  const subresource =
    request.subresource === "status" || request.subresource === "finalize" ? request.subresource : undefined;
  const part: Pick<Change, "subresource"> = subresource === undefined ? {} : { subresource };
  const ok = (object: KubernetesObject) => ({ status: 200, body: shaped(state, request, object) });
  switch (request.method) {
    case "GET":
      return ok(readObject(state, target));
    case "PUT":
      checkReplacement(request, target);
      return ok(await changeObject(state, target, { compute: () => request.body, replaces: true, ...part }, context));
    case "PATCH": {
      const patched = await patchObject(state, target, patchRequest(request), context);
      return { status: patched.created ? 201 : 200, body: shaped(state, request, patched.object) };
    }
    case "DELETE":
      return deleted(state, request, target);
    default:
      throw methodNotAllowed();
  }
}

function checkReplacement(request: ResourceRequest, target: Target): void {
  const name = stringAt(request.body, "metadata", "name") ?? "";
  if (name !== target.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`);
  }
}

function patchRequest(request: ResourceRequest): PatchRequest {
  const type = PATCH_TYPES[request.contentType];
  if (type === undefined) throw unsupportedMediaType(Object.keys(PATCH_TYPES));
  const manager = request.query.get("fieldManager");
  return {
    type,
    body: request.body,
    force: request.query.get("force") === "true",
    ...(request.subresource === undefined ? {} : { subresource: request.subresource }),
    ...(manager === null ? {} : { fieldManager: manager }),
  };
}

function deleteRequest(request: ResourceRequest): DeleteRequest {
  const options = isObject(request.body) ? request.body : {};
  const query = request.query.get("gracePeriodSeconds");
  const grace = numberAt(options, "gracePeriodSeconds") ?? (query === null ? undefined : Number(query));
  const uid = stringAt(options, "preconditions", "uid");
  const version = stringAt(options, "preconditions", "resourceVersion");
  const policy = stringAt(options, "propagationPolicy") ?? request.query.get("propagationPolicy") ?? undefined;
  const known = policy === "Background" || policy === "Foreground" || policy === "Orphan" ? policy : undefined;
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(uid === undefined ? {} : { uid }),
    ...(version === undefined ? {} : { resourceVersion: version }),
    ...(known === undefined ? {} : { propagationPolicy: known }),
  };
}

async function deleted(state: ApiState, request: ResourceRequest, target: Target): Promise<Answer> {
  const { object, gone } = await deleteObject(state, target, deleteRequest(request), request.context);
  const { type, name } = target;
  if (!gone || type.collection === "/pods") return { status: 200, body: shaped(state, request, object) };
  const group = type.group === "" ? {} : { group: type.group };
  return {
    status: 200,
    body: { ...STATUS, details: { name, ...group, kind: type.resource, uid: object.metadata.uid } },
  };
}

async function servePart(server: ResourceServer, request: ResourceRequest, target: Target): Promise<Answer> {
  const { state } = server;
  const { method, subresource, context, body } = request;
  if (subresource === "scale" && method === "GET") return { status: 200, body: readScale(state, target) };
  if (subresource === "scale" && (method === "PUT" || method === "PATCH")) {
    const write = method === "PUT" ? { replace: body } : { patch: patchRequest(request) };
    return { status: 200, body: await writeScale(state, target, write, context) };
  }
  if (method !== "POST") throw methodNotAllowed();
  switch (subresource) {
    case "binding":
      await bindPod(state, target, body, context);
      return { status: 201, body: { ...STATUS, code: 201 } };
    case "eviction":
      await evictPod(state, target, body, context);
      return { status: 201, body: { ...STATUS, code: 201 } };
    case "token":
      return { status: 201, body: issueToken(server, target, body) };
    default:
      throw methodNotAllowed();
  }
}

function issueToken({ state, tokens }: ResourceServer, account: Target, body: unknown): JsonObject {
  readObject(state, account);
  const seconds = numberAt(body, "spec", "expirationSeconds") ?? TOKEN_SECONDS;
  const expiresMs = state.clock.now() + seconds * 1000;
  const token = tokens.issue(`system:serviceaccount:${account.namespace}:${account.name}`, expiresMs);
  return {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name: account.name, namespace: account.namespace },
    spec: { expirationSeconds: seconds, ...(isObject(body) && isObject(body.spec) ? body.spec : {}) },
    status: { token, expirationTimestamp: timestamp(expiresMs) },
  };
}

/** One object in the form that the client asked for. */
function shaped(state: ApiState, request: ResourceRequest, object: KubernetesObject): unknown {
  if (request.form === "partial") return partialMetadata(object);
  if (request.form === "json") return object;
  const { resourceVersion = "" } = object.metadata;
  const options = { metadata: { resourceVersion }, include: request.include, nowMs: state.clock.now(), columns: true };
  return asTable(request.type, [object], options);
}
