/** Creating objects. */

import type { KubernetesObject } from "../../ports.ts";
import { validateMetadata } from "../kinds/metadata-validation.ts";
import { fieldsOf, isEmpty, managedPart } from "../patch/field-set.ts";
import { apiVersionOf, type ResourceType } from "../resource-type.ts";
import { alreadyExists, badRequest, invalid } from "../statuses.ts";
import { timestamp } from "../time.ts";
import type { ApiState, RequestContext } from "./context.ts";
import { decodeObject, setDefaults, validateObject } from "./decode-object.ts";
import { fillSystemMetadata, generatedName } from "./identity.ts";
import { shownAs, storedType } from "./views.ts";

/** How often a generated name is drawn again when it is taken. */
const NAME_ATTEMPTS_MAX = 8;

/** Creates the object in the namespace; throws what the API server answers when it refuses. */
export async function createObject(
  state: ApiState,
  where: { type: ResourceType; namespace: string | undefined },
  raw: unknown,
  context: RequestContext,
): Promise<KubernetesObject> {
  const shown = decodeObject(where.type, raw, context);
  const type = storedType(state, where.type);
  const object = where.type.view?.toStored(shown) ?? shown;
  placeInNamespace(type, where.namespace, object);
  if (object.metadata.resourceVersion !== undefined && object.metadata.resourceVersion !== "") {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  dropSystemMetadata(object);
  setDefaults(type, object);

  const target = { type, namespace: where.namespace, name: object.metadata.name ?? "" };
  const mutated = await state.admission.mutate({ ...target, operation: "CREATE", object }, context);
  const admitted = decodeObject(type, mutated, context);
  setDefaults(type, admitted);

  nameObject(state, type, admitted);
  fillSystemMetadata(state, admitted, type.hasGeneration);
  // The status of a new object is its kind's business, not its author's.
  if (type.subresources.includes("status") && type.resource !== "nodes") delete admitted.status;
  type.rules.prepareCreate?.(admitted);
  setDefaults(type, admitted);

  const name = admitted.metadata.name ?? "";
  const problems = [
    ...validateMetadata(type, admitted),
    ...validateObject(type, admitted),
    ...(where.type.view?.validate(admitted) ?? []),
  ];
  if (problems.length > 0) throw invalid(type, name, problems);
  await state.admission.validate({ ...target, name, operation: "CREATE", object: admitted }, context);
  return shownAs(where.type, commit(state, type, admitted, context));
}

function commit(
  state: ApiState,
  type: ResourceType,
  object: KubernetesObject,
  context: RequestContext,
): KubernetesObject {
  const { name = "", namespace } = object.metadata;
  const present = state.store.get(type.collection, namespace, name);
  if (present !== undefined) {
    throw alreadyExists({ ...type, name }, present.metadata.deletionTimestamp !== undefined);
  }
  type.rules.allocate?.(object, state.store.list(type.collection), state.random);
  recordManager(state, type, object, context);
  return context.dryRun ? object : state.store.put(type.collection, object);
}

function recordManager(state: ApiState, type: ResourceType, object: KubernetesObject, context: RequestContext): void {
  if (object.metadata.managedFields !== undefined || context.fieldManager === undefined) return;
  const fields = fieldsOf(managedPart(object), type.schema);
  if (isEmpty(fields)) return;
  object.metadata.managedFields = [
    {
      manager: context.fieldManager,
      operation: "Update",
      apiVersion: apiVersionOf(type),
      time: timestamp(state.clock.now()),
      fieldsType: "FieldsV1",
      fieldsV1: fields,
    },
  ];
}

function placeInNamespace(type: ResourceType, namespace: string | undefined, object: KubernetesObject): void {
  const given = object.metadata.namespace ?? "";
  if (given !== "" && given !== (namespace ?? "")) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (type.namespaced && namespace !== undefined) object.metadata.namespace = namespace;
  else delete object.metadata.namespace;
}

function dropSystemMetadata(object: KubernetesObject): void {
  const { metadata } = object;
  delete metadata.uid;
  delete metadata.creationTimestamp;
  delete metadata.generation;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.resourceVersion;
}

function nameObject(state: ApiState, type: ResourceType, object: KubernetesObject): void {
  const { metadata } = object;
  if ((metadata.name ?? "") !== "" || (metadata.generateName ?? "") === "") return;
  for (let attempt = 0; attempt < NAME_ATTEMPTS_MAX; attempt += 1) {
    metadata.name = generatedName(metadata.generateName ?? "", state.random);
    if (state.store.get(type.collection, metadata.namespace, metadata.name) === undefined) return;
  }
}
