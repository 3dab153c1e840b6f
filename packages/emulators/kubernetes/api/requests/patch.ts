/** The four kinds of patches, as changes of an object. */

import type { KubernetesObject, PatchRequest } from "../../ports.ts";
import { isObject, type JsonObject, stringAt, without } from "../json.ts";
import { applyConfiguration } from "../patch/apply.ts";
import { jsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge-patch.ts";
import { strategicPatch } from "../patch/strategic-patch.ts";
import { apiVersionOf, type ResourceType } from "../resource-type.ts";
import { badRequest, unsupportedMediaType } from "../statuses.ts";
import { timestamp } from "../time.ts";
import type { ApiState, RequestContext, Target } from "./context.ts";
import { createObject } from "./create.ts";
import { type Change, changeObject } from "./update.ts";

/** What a custom type takes; built-in ones take strategic patches too. */
const CUSTOM_PATCHES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/apply-patch+yaml",
] as const;

/** Patches the object; an applied configuration creates it when it is absent. */
export async function patchObject(
  state: ApiState,
  target: Target,
  patch: PatchRequest,
  context: RequestContext,
): Promise<{ object: KubernetesObject; created: boolean }> {
  const subresource =
    patch.subresource === "status" || patch.subresource === "finalize" ? patch.subresource : undefined;
  if (patch.type === "apply") return applyObject(state, target, { patch, subresource }, context);
  const change: Change = {
    compute: (present) => patched(target.type, present, patch),
    ...(subresource === undefined ? {} : { subresource }),
  };
  return { object: await changeObject(state, target, change, context), created: false };
}

function patched(type: ResourceType, present: JsonObject, patch: PatchRequest): unknown {
  switch (patch.type) {
    case "json":
      return jsonPatch(present, patch.body);
    case "merge":
      if (!isObject(patch.body)) throw badRequest("error decoding patch: a merge patch must be an object");
      return mergePatch(present, patch.body);
    case "strategic":
      if (type.custom !== undefined) throw unsupportedMediaType(CUSTOM_PATCHES);
      return strategicPatch(present, patch.body, type.schema);
    case "apply":
      throw new Error("an applied configuration is not a patch of the present state");
  }
}

async function applyObject(
  state: ApiState,
  target: Target,
  wish: { patch: PatchRequest; subresource: "status" | "finalize" | undefined },
  context: RequestContext,
): Promise<{ object: KubernetesObject; created: boolean }> {
  const { patch, subresource } = wish;
  const manager = patch.fieldManager ?? "";
  if (manager === "")
    throw badRequest("PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch");
  const config = checkedConfig(target, patch.body);
  const { type } = target;
  const application = {
    manager,
    force: patch.force === true,
    config,
    apiVersion: apiVersionOf(type),
    time: timestamp(state.clock.now()),
  };
  if (state.store.get(type.collection, target.namespace, target.name) === undefined) {
    const empty = { apiVersion: apiVersionOf(type), kind: type.kind, metadata: { name: target.name } };
    const { object, managedFields } = applyConfiguration(empty, [], application, type.schema);
    const raw = { ...object, metadata: { ...(object.metadata as JsonObject), managedFields } };
    return { object: await createObject(state, target, raw, context), created: true };
  }
  const change: Change = {
    applies: true,
    compute: (present) => {
      const applied = applyConfiguration(present, present.metadata.managedFields ?? [], application, type.schema);
      return {
        ...applied.object,
        metadata: { ...(applied.object.metadata as JsonObject), managedFields: applied.managedFields },
      };
    },
    ...(subresource === undefined ? {} : { subresource }),
  };
  return { object: await changeObject(state, target, change, context), created: false };
}

function checkedConfig(target: Target, body: unknown): JsonObject {
  if (!isObject(body)) throw badRequest("error decoding YAML: the configuration must be an object");
  const metadata = isObject(body.metadata) ? body.metadata : {};
  if (metadata.managedFields !== undefined && metadata.managedFields !== null) {
    throw badRequest("metadata.managedFields must be nil");
  }
  const name = stringAt(metadata, "name");
  if (name !== undefined && name !== target.name) {
    throw badRequest(`name in URL does not match name in apply object: (${target.name}) != (${name})`);
  }
  return { ...body, metadata: without(metadata, "resourceVersion", "creationTimestamp") };
}
