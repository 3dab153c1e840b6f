/** In-process access to the API server: the same requests as over HTTP, without its wire. */

import type { ApiAccess, CollectionRef, KubernetesObject, ResourceRef } from "../../ports.ts";
import { copy } from "../json.ts";
import type { ResourceType } from "../resource-type.ts";
import { badRequest, methodNotAllowed, noSuchPath } from "../statuses.ts";
import type { ApiState, RequestContext, Target, User } from "./context.ts";
import { createObject } from "./create.ts";
import { deleteObject } from "./delete.ts";
import { patchObject } from "./patch.ts";
import { bindPod, evictPod, postBinding } from "./pod-subresources.ts";
import { listPage, readObject, selectionOf } from "./read.ts";
import { writeScale } from "./scale.ts";
import { changeObject } from "./update.ts";
import { watchSelection } from "./watch.ts";

/** The access of a user. Its changes are not recorded in `managedFields`, except applied configurations. */
export function apiAccess(state: ApiState, user: User): ApiAccess {
  const context: RequestContext = {
    user,
    dryRun: false,
    fieldManager: undefined,
    fieldValidation: "Ignore",
    warn: () => undefined,
  };
  return {
    get: async (ref) => copy(readObject(state, targetOf(state, ref))),
    list: async (collection, options = {}) => {
      const selection = selectionOf(typeOf(state, collection), collection.namespace, options);
      const page = listPage(state, selection, { limit: 0, continue: "" });
      return { objects: copy(page.objects), resourceVersion: page.resourceVersion };
    },
    create: async (object, { subresource } = {}) => copy(await create(state, object, subresource, context)),
    update: async (object, { subresource } = {}) => copy(await update(state, object, subresource, context)),
    patch: async (ref, patch) => {
      const target = targetOf(state, ref);
      if (patch.subresource === "scale") return writeScale(state, target, { patch }, context);
      return copy((await patchObject(state, target, patch, context)).object);
    },
    delete: async (ref, options = {}) => {
      await deleteObject(state, targetOf(state, ref), options, context);
    },
    watch: (collection, listener, options = {}) =>
      watchSelection(state, selectionOf(typeOf(state, collection), collection.namespace, options), listener),
  };
}

function typeOf(state: ApiState, collection: CollectionRef): ResourceType {
  const type = state.types.byRef(collection);
  if (type === undefined) throw noSuchPath();
  return type;
}

function targetOf(state: ApiState, ref: ResourceRef): Target {
  return { type: typeOf(state, ref), namespace: ref.namespace, name: ref.name };
}

async function create(
  state: ApiState,
  object: KubernetesObject,
  subresource: string | undefined,
  context: RequestContext,
): Promise<KubernetesObject> {
  const { name = "", namespace } = object.metadata;
  if (subresource === undefined) {
    const type = kindOf(state, object);
    const place = { type, namespace: type.namespaced ? (namespace ?? "default") : undefined };
    if (type.collection !== "/bindings") return createObject(state, place, object, context);
    await postBinding(state, place, object, context);
    return object;
  }
  const pod = targetOf(state, { group: "", resource: "pods", ...(namespace === undefined ? {} : { namespace }), name });
  if (subresource === "binding") await bindPod(state, pod, object, context);
  else if (subresource === "eviction") await evictPod(state, pod, object, context);
  else throw methodNotAllowed();
  return object;
}

async function update(
  state: ApiState,
  object: KubernetesObject,
  subresource: string | undefined,
  context: RequestContext,
): Promise<KubernetesObject> {
  const { name, namespace } = object.metadata;
  if (name === undefined) throw badRequest("name is required");
  const type = kindOf(state, object);
  const target = { type, namespace: type.namespaced ? namespace : undefined, name };
  if (subresource === undefined) return changeObject(state, target, { compute: () => object, replaces: true }, context);
  if (subresource === "status" || subresource === "finalize") {
    return changeObject(state, target, { compute: () => object, replaces: true, subresource }, context);
  }
  throw methodNotAllowed();
}

function kindOf(state: ApiState, object: KubernetesObject): ResourceType {
  const type = state.types.byKind(object.apiVersion, object.kind);
  if (type === undefined) throw noSuchPath();
  return type;
}
