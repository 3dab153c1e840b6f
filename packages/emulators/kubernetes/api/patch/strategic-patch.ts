/**
 * Strategic merge patches: lists with a merge key are merged entry by entry, and directives say the rest.
 * See https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md.
 */

import { copy, equal, isObject, type JsonObject } from "../json.ts";
import type { ListSchema, Schema } from "../schema/schema.ts";
import { badRequest } from "../statuses.ts";
import { placeInOrder } from "./element-order.ts";

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_PRIMITIVES = "$deleteFromPrimitiveList/";
const ELEMENT_ORDER = "$setElementOrder/";

/** The target with the patch applied as the schema says. Throws 400 for a malformed patch. */
export function strategicPatch(target: JsonObject, patch: unknown, schema: Schema): JsonObject {
  if (!isObject(patch))
    throw badRequest(
      "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
    );
  return mergeObject(target, patch, schema);
}

function mergeObject(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  const directive = patch[DIRECTIVE];
  if (directive === "delete") return {};
  if (directive === "replace") return cleaned(patch);
  if (directive !== undefined && directive !== "merge")
    throw badRequest(`unknown patch type found: ${String(directive)}`);
  const merged: JsonObject = { ...target };
  retainKeys(merged, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) continue;
    const field = fieldSchema(schema, key);
    if (value === null) delete merged[key];
    else if (isObject(value) && isObject(merged[key])) merged[key] = mergeObject(merged[key], value, field);
    else if (Array.isArray(value) && field.kind === "list") {
      merged[key] = mergeList(merged[key], value, field, orderOf(patch, key));
    } else if (isObject(value) && value[DIRECTIVE] === "delete") delete merged[key];
    else merged[key] = cleaned(value);
  }
  applyListDirectives(merged, patch, schema);
  return merged;
}

function fieldSchema(schema: Schema, key: string): Schema {
  if (schema.kind === "map") return schema.values;
  return (schema.kind === "object" ? schema.field(key) : undefined) ?? { kind: "any" };
}

/** `$retainKeys` drops whatever it does not name, as a change of a deployment's strategy needs it. */
function retainKeys(merged: JsonObject, patch: JsonObject): void {
  const kept = patch[RETAIN_KEYS];
  if (!Array.isArray(kept)) return;
  for (const key of Object.keys(merged)) if (!kept.includes(key)) delete merged[key];
}

function orderOf(patch: JsonObject, key: string): unknown[] | undefined {
  const order = patch[`${ELEMENT_ORDER}${key}`];
  return Array.isArray(order) ? order : undefined;
}

/** Directives beside a list: values to take out, and an order for a list that the patch does not otherwise change. */
function applyListDirectives(merged: JsonObject, patch: JsonObject, schema: Schema): void {
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_PRIMITIVES) && Array.isArray(value)) {
      const name = key.slice(DELETE_PRIMITIVES.length);
      const held = merged[name];
      if (Array.isArray(held)) merged[name] = held.filter((entry) => !value.some((gone) => equal(gone, entry)));
    }
    if (key.startsWith(ELEMENT_ORDER) && Array.isArray(value)) {
      const name = key.slice(ELEMENT_ORDER.length);
      const field = fieldSchema(schema, name);
      const held = merged[name];
      if (patch[name] !== undefined || !Array.isArray(held) || field.kind !== "list") continue;
      merged[name] = placeInOrder(held, { target: held, order: value, identity: identityOf(field) });
    }
  }
}

/** What makes two entries of a list the same one. */
function identityOf(schema: ListSchema): (entry: unknown) => unknown {
  const key = schema.merge.by === "keys" ? schema.merge.keys[0] : undefined;
  return (entry) => (key !== undefined && isObject(entry) ? entry[key] : entry);
}

function mergeList(target: unknown, patch: unknown[], schema: ListSchema, order: unknown[] | undefined): unknown[] {
  const held = Array.isArray(target) ? target : [];
  if (schema.merge.by === "whole") return patch.map(cleaned);
  const identity = identityOf(schema);
  const merged = schema.merge.by === "value" ? mergeValues(held, patch) : mergeEntries(held, patch, schema, identity);
  return placeInOrder(merged, { target: held, order: order ?? patch, identity });
}

function mergeValues(held: unknown[], patch: unknown[]): unknown[] {
  return [...held, ...patch.filter((entry) => !held.some((other) => equal(other, entry)))];
}

function mergeEntries(
  held: unknown[],
  patch: unknown[],
  schema: ListSchema,
  identity: (entry: unknown) => unknown,
): unknown[] {
  const entries = patch.filter(isObject);
  const replaces = entries.some((entry) => entry[DIRECTIVE] === "replace");
  let merged: unknown[] = replaces ? [] : [...held];
  for (const entry of entries) {
    if (entry[DIRECTIVE] === "replace") continue;
    const key = identity(entry);
    if (key === undefined) throw badRequest(`map: ${JSON.stringify(entry)} does not contain declared merge key`);
    if (entry[DIRECTIVE] === "delete") {
      merged = merged.filter((other) => !equal(identity(other), key));
      continue;
    }
    const index = merged.findIndex((other) => equal(identity(other), key));
    const found = merged[index];
    if (isObject(found)) merged[index] = mergeObject(found, entry, schema.entries);
    else merged.push(cleaned(entry));
  }
  return merged;
}

/** A new value without directives and without the nulls that mean "absent". */
function cleaned<T>(value: T): T {
  if (Array.isArray(value)) return value.map((entry) => cleaned(entry)) as T;
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([key, entry]) => !key.startsWith("$") && entry !== null);
  return Object.fromEntries(kept.map(([key, entry]) => [key, copy(cleaned(entry))])) as T;
}
