/**
 * Schemas of the built-in types, read from the models of the official client, which are generated from the API
 * server's own OpenAPI document (https://github.com/kubernetes-client/javascript).
 */

import * as models from "@kubernetes/client-node";
import { ATOMIC_MAPS, ATOMIC_MODELS, builtinListMerge, QUANTITIES } from "./builtin-merge.ts";
import { ANY, MICRO_TIME, type ObjectSchema, type ScalarSchema, type Schema, STRING } from "./schema.ts";

/** A field as a model of the client describes itself. */
interface ModelField {
  baseName: string;
  type: string;
  format: string;
}

const known = new Map<string, ObjectSchema>();

/** The schema of a model such as `V1Pod`. A name that the client does not know is a bug. */
export function modelSchema(model: string): ObjectSchema {
  let schema = known.get(model);
  if (schema === undefined) {
    schema = describeModel(model, modelFields(model) ?? []);
    known.set(model, schema);
  }
  return schema;
}

/** The name of a model in messages of the decoder: `V1PodSpec` is `PodSpec`. */
function modelNameInGo(model: string): string {
  return model.replace(/^(Core|Events|Apps|Rbac|Discovery|Storage|Authentication|Admissionregistration)?V\d+/, "");
}

function modelFields(model: string): ModelField[] | undefined {
  const found: unknown = (models as Record<string, unknown>)[model];
  if (typeof found !== "function" || !("attributeTypeMap" in found)) return undefined;
  return found.attributeTypeMap as ModelField[];
}

function describeModel(model: string, fields: readonly ModelField[]): ObjectSchema {
  // Models refer to each other in circles (a JSON schema holds JSON schemas), so that fields are described when used.
  const described = new Map<string, Schema>();
  const byName = new Map(fields.map((field) => [field.baseName, field]));
  return {
    kind: "object",
    name: modelNameInGo(model),
    atomic: ATOMIC_MODELS.has(model),
    preserveUnknown: false,
    fieldNames: () => [...byName.keys()],
    field: (name) => {
      const field = byName.get(name);
      if (field === undefined) return undefined;
      const schema = described.get(name) ?? describeField(`${model}.${name}`, field);
      described.set(name, schema);
      return schema;
    },
  };
}

function describeField(path: string, field: ModelField): Schema {
  const list = /^Array<(.+)>$/.exec(field.type);
  if (list !== null) {
    const entries = describeType(path, list[1] ?? "any", field.format);
    return { kind: "list", entries, merge: builtinListMerge(path) };
  }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(field.type);
  if (map !== null) {
    const list = /^Array<(.+)>$/.exec(map[1] ?? "");
    const values: Schema =
      list === null
        ? describeType(path, map[1] ?? "any", field.format)
        : { kind: "list", entries: describeType(path, list[1] ?? "any", field.format), merge: { by: "whole" } };
    return { kind: "map", values, atomic: ATOMIC_MAPS.has(path) };
  }
  return describeType(path, field.type, field.format);
}

function describeType(path: string, type: string, format: string): Schema {
  if (QUANTITIES.has(path)) return { kind: "quantity", goType: "resource.Quantity" };
  if (type === "V1MicroTime") return { kind: "string", goType: MICRO_TIME };
  if (type === "Date") return { kind: "string", goType: "v1.Time" };
  if (type === "IntOrString") return { kind: "int-or-string", goType: "intstr.IntOrString" };
  if (type === "number") return numeric(format);
  if (type === "boolean") return { kind: "boolean", goType: "bool" };
  if (type === "string") return STRING;
  return modelFields(type) === undefined ? ANY : modelSchema(type);
}

function numeric(format: string): ScalarSchema {
  return format === "double" ? { kind: "number", goType: "float64" } : { kind: "integer", goType: format };
}
