/**
 * OpenAPI documents: enough for kubectl to know that the server validates fields, and to explain types.
 * See https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition.
 */

import type { JsonObject } from "../json.ts";
import type { ResourceType } from "../resource-type.ts";
import type { Schema } from "../schema/schema.ts";
import type { TypeRegistry } from "../type-registry.ts";
import { documentOf } from "./discovery.ts";

const INFO = { title: "Kubernetes", version: "v1.32.0" };

/** Answers `/openapi/v3` and the documents under it; `undefined` when the path is another. */
export function openApiV3(types: TypeRegistry, path: string): JsonObject | undefined {
  if (path === "/openapi/v3") {
    const documents = [...new Set(types.all().map(documentOf))];
    return {
      paths: Object.fromEntries(
        documents.map((name) => [name, { serverRelativeURL: `/openapi/v3/${name}?hash=${hashOf(types, name)}` }]),
      ),
    };
  }
  const name = /^\/openapi\/v3\/(.+)$/.exec(path)?.[1];
  const served = types.all().filter((type) => documentOf(type) === name);
  return name === undefined || served.length === 0 ? undefined : document(served);
}

/** Changes whenever another set of types is served, so that caches of clients are not fooled. */
function hashOf(types: TypeRegistry, name: string): string {
  const text = types
    .all()
    .filter((type) => documentOf(type) === name)
    .map((type) => `${type.resource}:${JSON.stringify(type.custom?.openApi ?? {})}`)
    .join();
  let hash = 5381;
  for (const character of text) hash = ((hash * 33) ^ (character.codePointAt(0) ?? 0)) >>> 0;
  return hash.toString(16).toUpperCase().padStart(8, "0");
}

function document(types: readonly ResourceType[]): JsonObject {
  const schemas: JsonObject = {};
  for (const type of types) {
    const name = schemaName(type);
    const schema = type.custom?.openApi ?? (describe(type.schema, schemas, schemaPrefix(type)) as JsonObject);
    schemas[name] = { ...schema, "x-kubernetes-group-version-kind": [kindOf(type)] };
  }
  const paths = Object.assign({}, ...types.map(pathsOf));
  return { openapi: "3.0.0", info: INFO, paths, components: { schemas } };
}

function kindOf(type: ResourceType): JsonObject {
  return { group: type.group, version: type.version, kind: type.kind };
}

function schemaName(type: ResourceType): string {
  return `${schemaPrefix(type)}.${type.kind}`;
}

function schemaPrefix(type: ResourceType): string {
  const reversed = type.group === "" ? "io.k8s.api.core" : type.group.split(".").toReversed().join(".");
  return `${reversed}.${type.version}`;
}

function pathsOf(type: ResourceType): JsonObject {
  const root = `/${documentOf(type)}/${type.namespaced ? "namespaces/{namespace}/" : ""}${type.resource}`;
  const parameter = (name: string) => ({ name, in: "query", schema: { type: "string", uniqueItems: true } });
  const parameters = ["dryRun", "fieldManager", "fieldValidation"].map(parameter);
  const operation = (action: string) => ({
    parameters,
    responses: { 200: { description: "OK" } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": kindOf(type),
  });
  if (!type.verbs.includes("patch")) return { [root]: { post: operation("post") } };
  return {
    [root]: { get: operation("list"), post: operation("post") },
    [`${root}/{name}`]: {
      get: operation("get"),
      put: operation("put"),
      patch: operation("patch"),
      delete: operation("delete"),
    },
  };
}

/** The schema of a built-in type as OpenAPI; its objects have a name each, stand in `schemas` once and are referred to. */
function describe(schema: Schema, schemas: JsonObject, prefix: string): unknown {
  switch (schema.kind) {
    case "any":
      return {};
    case "object":
      return {
        type: "object",
        properties: Object.fromEntries(
          schema.fieldNames().map((name) => [name, refer(schema.field(name) ?? { kind: "any" }, schemas, prefix)]),
        ),
      };
    case "map":
      return { type: "object", additionalProperties: refer(schema.values, schemas, prefix) };
    case "list":
      return { type: "array", items: refer(schema.entries, schemas, prefix), ...listMarks(schema) };
    case "int-or-string":
      return { "x-kubernetes-int-or-string": true };
    case "quantity":
      return { type: "string" };
    default:
      return { type: schema.kind };
  }
}

function listMarks(schema: Schema & { kind: "list" }): JsonObject {
  switch (schema.merge.by) {
    case "keys":
      return {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": schema.merge.keys,
        "x-kubernetes-patch-merge-key": schema.merge.keys[0],
        "x-kubernetes-patch-strategy": "merge",
      };
    case "value":
      return { "x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge" };
    case "whole":
      return { "x-kubernetes-list-type": "atomic" };
  }
}

function refer(schema: Schema, schemas: JsonObject, prefix: string): unknown {
  if (schema.kind !== "object") return describe(schema, schemas, prefix);
  const name = `${prefix}.${schema.name}`;
  if (schemas[name] === undefined) {
    schemas[name] = {};
    schemas[name] = describe(schema, schemas, prefix);
  }
  return { $ref: `#/components/schemas/${name}` };
}

/** The older document: kubectl needs that it exists and looks the rest up in version 3. */
export const OPENAPI_V2: JsonObject = { swagger: "2.0", info: INFO, paths: {}, definitions: {} };

/** {@link OPENAPI_V2} as protobuf: field 1 is the version of the format. */
export const OPENAPI_V2_PROTOBUF: Buffer = Buffer.concat([Buffer.from([0x0a, 3]), Buffer.from("2.0")]);
