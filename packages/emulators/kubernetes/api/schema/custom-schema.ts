/**
 * Structural schemas of custom resources (`openAPIV3Schema`): which fields exist and how they merge.
 * See https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema.
 */

import { isObject, type JsonObject, objectAt, stringAt, stringsAt } from "../json.ts";
import { modelSchema } from "./builtin-schema.ts";
import { ANY, type ListMerge, type ObjectSchema, type Schema, STRING, WHOLE } from "./schema.ts";

/** The schema of a custom resource's whole object; `apiVersion`, `kind` and `metadata` come with it. */
export function customSchema(kind: string, openApi: JsonObject | undefined): ObjectSchema {
  const described = describeObject(kind, openApi ?? { "x-kubernetes-preserve-unknown-fields": true });
  return withEnvelope(described);
}

function withEnvelope(schema: ObjectSchema): ObjectSchema {
  const envelope: Record<string, Schema> = { apiVersion: STRING, kind: STRING, metadata: modelSchema("V1ObjectMeta") };
  return {
    ...schema,
    field: (name) => (Object.hasOwn(envelope, name) ? envelope[name] : schema.field(name)),
    fieldNames: () => [...new Set([...Object.keys(envelope), ...schema.fieldNames()])],
  };
}

function describe(name: string, openApi: unknown): Schema {
  if (!isObject(openApi)) return ANY;
  if (openApi["x-kubernetes-int-or-string"] === true) return { kind: "int-or-string", goType: "intstr.IntOrString" };
  switch (openApi.type) {
    case "object":
      return describeObjectOrMap(name, openApi);
    case "array":
      return { kind: "list", entries: describe(name, openApi.items), merge: listMerge(openApi) };
    case "string":
      return STRING;
    case "integer":
      return { kind: "integer", goType: "int64" };
    case "number":
      return { kind: "number", goType: "float64" };
    case "boolean":
      return { kind: "boolean", goType: "bool" };
    default:
      return ANY;
  }
}

function describeObjectOrMap(name: string, openApi: JsonObject): Schema {
  if (openApi["x-kubernetes-embedded-resource"] === true) return withEnvelope(describeObject(name, openApi));
  const values = openApi.additionalProperties;
  if (values === undefined || values === false) return describeObject(name, openApi);
  return { kind: "map", values: describe(name, values), atomic: isAtomic(openApi) };
}

function describeObject(name: string, openApi: JsonObject): ObjectSchema {
  const properties = objectAt(openApi, "properties") ?? {};
  const described = new Map(Object.entries(properties).map(([field, schema]) => [field, describe(field, schema)]));
  return {
    kind: "object",
    name,
    atomic: isAtomic(openApi),
    preserveUnknown: openApi["x-kubernetes-preserve-unknown-fields"] === true,
    field: (field) => described.get(field),
    fieldNames: () => [...described.keys()],
  };
}

function isAtomic(openApi: JsonObject): boolean {
  return openApi["x-kubernetes-map-type"] === "atomic";
}

function listMerge(openApi: JsonObject): ListMerge {
  const type = stringAt(openApi, "x-kubernetes-list-type");
  if (type === "set") return { by: "value" };
  return type === "map" ? { by: "keys", keys: stringsAt(openApi, "x-kubernetes-list-map-keys") } : WHOLE;
}
