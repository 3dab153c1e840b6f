/**
 * Reads an object as its type: drops what the type does not have, and says what it dropped; refuses values of the
 * wrong type with the decoder's text.
 */

import { copy, isObject, type JsonObject } from "../json.ts";
import { canonicalQuantity, parseQuantity } from "../quantity.ts";
import {
  type ListSchema,
  type MapSchema,
  MICRO_TIME,
  type ObjectSchema,
  type ScalarSchema,
  type Schema,
} from "./schema.ts";

/** What was read. */
export interface Decoded {
  value: JsonObject;
  /** The paths of the fields that the type does not have, such as `spec.replica`. */
  unknownFields: string[];
  /** Set when a value has the wrong type; then nothing else counts. */
  mistyped: string | undefined;
}

/** Deeper than any real object; a document beyond it is cut off. */
const DEPTH_MAX = 64;

interface Reading {
  unknownFields: string[];
  mistyped: string | undefined;
  /** Custom objects keep empty maps and nulls and are type-checked by their own validation. */
  custom: boolean;
}

/** Reads `raw` as `schema` says. */
export function decode(raw: JsonObject, schema: ObjectSchema, options: { custom: boolean }): Decoded {
  const reading: Reading = { unknownFields: [], mistyped: undefined, custom: options.custom };
  const value = readObject(raw, schema, { path: "", owner: schema.name, depth: 0 }, reading);
  return { value, unknownFields: reading.unknownFields, mistyped: reading.mistyped };
}

interface Place {
  /** With indexes, as unknown fields are reported. */
  path: string;
  /** The Go struct that holds the value. */
  owner: string;
  depth: number;
}

function inside(place: Place, step: string, owner: string): Place {
  const path = place.path === "" || step.startsWith("[") ? `${place.path}${step}` : `${place.path}.${step}`;
  return { path, owner, depth: place.depth + 1 };
}

function readObject(raw: JsonObject, schema: ObjectSchema, place: Place, reading: Reading): JsonObject {
  const value: JsonObject = {};
  for (const [name, entry] of Object.entries(raw)) {
    const field = schema.field(name);
    if (field === undefined) {
      if (schema.preserveUnknown) value[name] = copy(entry);
      else reading.unknownFields.push(inside(place, name, schema.name).path);
      continue;
    }
    const read = readValue(entry, field, inside(place, name, schema.name), reading);
    if (read !== undefined) value[name] = read;
  }
  return value;
}

function readValue(raw: unknown, schema: Schema, place: Place, reading: Reading): unknown {
  if (raw === undefined || place.depth > DEPTH_MAX) return undefined;
  if (raw === null) return reading.custom || schema.kind === "any" ? null : undefined;
  switch (schema.kind) {
    case "any":
      return copy(raw);
    case "object":
      if (isObject(raw)) return readObject(raw, schema, place, reading);
      return mistyped(raw, `v1.${schema.name}`, place, reading);
    case "map":
      return readMap(raw, schema, place, reading);
    case "list":
      return readList(raw, schema, place, reading);
    case "string":
      if (typeof raw !== "string") return mistyped(raw, schema.goType, place, reading);
      return schema.goType === MICRO_TIME ? readMicroTime(raw, reading) : raw;
    case "quantity":
      return readQuantity(raw, schema, place, reading);
    case "int-or-string":
      return typeof raw === "string" || Number.isInteger(raw) ? raw : mistyped(raw, schema.goType, place, reading);
    case "integer":
      return Number.isInteger(raw) ? raw : mistyped(raw, schema.goType, place, reading);
    case "number":
      return typeof raw === "number" ? raw : mistyped(raw, schema.goType, place, reading);
    case "boolean":
      return typeof raw === "boolean" ? raw : mistyped(raw, schema.goType, place, reading);
  }
}

/** `metav1.MicroTime` is read with the layout that it is written with, six digits, no more and no fewer; and kept in UTC. */
function readMicroTime(text: string, reading: Reading): string {
  const [, seconds, fraction, zone] =
    /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{6})(Z|[+-]\d{2}:\d{2})$/.exec(text) ?? [];
  const epochMs = Date.parse(`${seconds}${zone}`);
  if (!Number.isNaN(epochMs)) return `${new Date(epochMs).toISOString().slice(0, 19)}${fraction}Z`;
  reading.mistyped ??= unparsableTime(text);
  return text;
}

function unparsableTime(text: string): string {
  const [, rest] = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(.*)$/.exec(text) ?? [];
  const why =
    rest === undefined
      ? `cannot parse ${JSON.stringify(text)} as "2006"`
      : `cannot parse ${JSON.stringify(rest)} as ".000000"`;
  return `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05.000000Z07:00": ${why}`;
}

/** See https://github.com/kubernetes/apimachinery/blob/master/pkg/api/resource/quantity.go. */
function readQuantity(raw: unknown, schema: ScalarSchema, place: Place, reading: Reading): unknown {
  if (typeof raw !== "string" && typeof raw !== "number") return mistyped(raw, schema.goType, place, reading);
  if (parseQuantity(raw) !== undefined) return canonicalQuantity(raw);
  reading.mistyped ??= "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  return raw;
}

function readMap(raw: unknown, schema: MapSchema, place: Place, reading: Reading): unknown {
  if (!isObject(raw)) return mistyped(raw, "map[string]string", place, reading);
  const entries = Object.entries(raw).map(([key, entry]) => [
    key,
    readValue(entry, schema.values, inside(place, key, place.owner), reading) ?? (reading.custom ? null : ""),
  ]);
  // Go leaves empty maps out when it writes an object.
  return entries.length === 0 && !reading.custom ? undefined : Object.fromEntries(entries);
}

function readList(raw: unknown, schema: ListSchema, place: Place, reading: Reading): unknown {
  if (!Array.isArray(raw)) return mistyped(raw, "[]interface {}", place, reading);
  const entries = raw
    .map((entry, index) => readValue(entry, schema.entries, inside(place, `[${index}]`, place.owner), reading))
    .filter((entry) => entry !== undefined);
  return entries.length === 0 && !reading.custom ? undefined : entries;
}

/** A custom object keeps the value for its own validation; a built-in one is refused as a whole. */
function mistyped(raw: unknown, goType: string, place: Place, reading: Reading): unknown {
  if (reading.custom) return raw;
  const field = place.path.replaceAll(/\[\d+\]/g, "");
  reading.mistyped ??= `json: cannot unmarshal ${jsonType(raw)} into Go struct field ${place.owner}.${field} of type ${goType}`;
  return undefined;
}

function jsonType(raw: unknown): string {
  if (Array.isArray(raw)) return "array";
  if (typeof raw === "boolean") return "bool";
  return typeof raw === "object" ? "object" : typeof raw;
}
